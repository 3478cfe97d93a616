//! The beginning of an import: its rights, its format, its first reading, its row.

use super::{
    Running, Spooled, assets,
    batch::Context,
    coverage,
    plan::{self, Plan},
    rules::Rules,
    run::Run,
    scope, survey,
};
use crate::{
    Error, Result,
    tenancy::{Caller, Command, Scope},
};
use domain::{
    Code, Coverage, ImportFormat, ImportScope, ImportStatus, Permission, TenantId, Timestamp, Tlp, Violation,
    coverage::plausible, text,
};
use entity::{import, import_rejection, json::StoredScope};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, IntoActiveModel, sea_query::Expr};
use std::time::Duration;
use uuid::Uuid;

/// What a sender says about its report.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// The municipality, by slug or id.
    pub tenant: Option<String>,
    /// The format, if it is not to be recognised.
    pub format: Option<ImportFormat>,
    /// The source's name, if it is not to be the tool's.
    pub source: Option<String>,
    /// The marking of the findings that it makes, and the least of those that it sees again.
    pub tlp: Option<Tlp>,
    /// Whether it claims to hold all that its source sees in its scope.
    pub coverage: Option<Coverage>,
    /// What it covers.
    pub scope: ImportScope,
    /// The count of open findings that may be marked gone, where it is more than a fifth of the scope.
    pub confirm_gone: Option<i64>,
}

/// How imports are run.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    /// Without a sign of life for this long an import counts as interrupted.
    pub lease: Duration,
}

/// Checks the rights and the request before the body is taken: who may not
/// import here does not get to fill the disk.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `invalid_parameter`.
pub fn check(caller: &Caller, request: &ImportRequest) -> Result<TenantId> {
    if let Some(source) = &request.source
        && (source.is_empty() || text::clean_line(source, 100) != *source)
    {
        let violation = Violation::new("source", "takes 1–100 characters on one line");
        return Err(domain::Error { code: Code::InvalidParameter, ..domain::Error::invalid(vec![violation]) }.into());
    }
    if request.confirm_gone.is_some_and(|count| count < 0) {
        return Err(domain::Error::parameter("confirm_gone", "takes a number from 0").into());
    }
    let tenant = caller.one_tenant(Permission::WriteImports, request.tenant.as_deref())?;
    request.scope.check()?;
    if request.coverage.is_some() {
        caller.require(Permission::VerifyFindings, tenant.0)?;
    } else if !request.scope.is_empty() || request.confirm_gone.is_some() {
        let parameter = if request.scope.is_empty() { "confirm_gone" } else { "scope" };
        return Err(domain::Error::parameter(parameter, "goes with `coverage=complete`").into());
    }
    Ok(tenant)
}

/// Reads the report to its end and begins to store it.
///
/// # Errors
/// Those of [`check`]; `unknown_format`; `report_refused`; `import_running`; `coverage_implausible`, before anything
/// is stored.
pub async fn start(
    caller: &Caller,
    request: ImportRequest,
    mut spooled: Spooled,
    options: ImportOptions,
) -> Result<Running> {
    let tenant = check(caller, &request)?;
    let head = spooled.head()?;
    let recognised = request.format.or_else(|| formats::import::sniff(&head));
    let format = recognised.ok_or_else(|| Error::refused(Code::UnknownFormat, Code::UnknownFormat.title()))?;
    let (sha256, bytes, received_at) = (spooled.sha256.clone(), spooled.bytes, caller.now());
    let ImportRequest { source, tlp, coverage, scope, confirm_gone, .. } = request;
    let scope = coverage.map(|_| StoredScope(scope));
    let mut report = Report { tenant, format, source, tlp, coverage, scope, confirm_gone, sha256, bytes, received_at };
    let earlier = interrupted(caller, &report, options).await?;
    if let Some(interrupted) = &earlier {
        // What an import goes on with was chosen by its own time; by another one other records could stand.
        report.received_at = interrupted.started_at;
        // Nor does the rest come in unmarked where the sender says nothing the second time.
        report.tlp = report.tlp.or(interrupted.tlp);
        report.confirm_gone = report.confirm_gone.or(interrupted.confirm_gone);
    }
    let read = caller.begin_in(Permission::WriteImports, &[tenant.to_string()]).await?;
    let rules = Rules::load(&read.scope()).await?;
    drop(read);
    let context = report.context();
    let (spooled, mut reading) = blocking(move || {
        let reading = plan::first(&mut spooled, &context, &rules)?;
        Ok((spooled, reading))
    })
    .await?;
    if reading.assets().len() > 1 {
        let read = caller.begin_in(Permission::WriteImports, &[tenant.to_string()]).await?;
        reading.recognise(&assets::recognise(&read.scope(), reading.assets()).await?);
    }
    let plan = blocking(move || Ok(reading.choose())).await?;
    // One that goes on was plausible when it began, and is looked at again before anything is marked.
    let spooled = if earlier.is_none() { doubt(caller, &report, spooled).await? } else { spooled };
    let row = open(caller, &report, &plan, options).await?;
    Ok(Run { caller: caller.beside(), plan, spooled, row }.spawn())
}

/// Refuses a complete report that would mark implausibly much gone, while nothing of it is stored.
async fn doubt(caller: &Caller, report: &Report, spooled: Spooled) -> Result<Spooled> {
    let Some(StoredScope(wish)) = &report.scope else { return Ok(spooled) };
    let (spooled, heard) = coverage::hear(caller, report.tenant.0, &report.context(), wish, spooled).await?;
    let read = caller.begin_in(Permission::WriteImports, &[report.tenant.to_string()]).await?;
    scope::check(&read.scope(), &heard, wish).await?;
    drop(read);
    let survey = survey::survey(caller, report.tenant.0, &heard, &wish.rules).await?;
    plausible(survey.counts(), report.confirm_gone, false).map_err(Error::Implausible)?;
    Ok(spooled)
}

struct Report {
    tenant: TenantId,
    format: ImportFormat,
    source: Option<String>,
    tlp: Option<Tlp>,
    coverage: Option<Coverage>,
    scope: Option<StoredScope>,
    confirm_gone: Option<i64>,
    sha256: String,
    bytes: u64,
    received_at: Timestamp,
}

impl Report {
    fn context(&self) -> Context {
        let Self { format, ref source, tlp, received_at, .. } = *self;
        Context { format, source: source.clone(), tlp, received_at }
    }
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

/// The interrupted import that the report goes on with, if there is one.
async fn interrupted(caller: &Caller, report: &Report, options: ImportOptions) -> Result<Option<import::Model>> {
    let read = caller.begin_in(Permission::WriteImports, &[report.tenant.to_string()]).await?;
    let rows = unfinished(&read.scope(), report).await?;
    refuse_running(&rows, caller.now(), options)?;
    Ok(of_same_source(rows, report))
}

/// The import's row: a new one, or that of an interrupted import of the same bytes and source.
async fn open(caller: &Caller, report: &Report, plan: &Plan, options: ImportOptions) -> Result<import::Model> {
    let write = caller.begin_write(Permission::WriteImports).await?;
    let command = write.command(report.tenant.0).await?;
    let rows = unfinished(&command.scope(), report).await?;
    refuse_running(&rows, caller.now(), options)?;
    release(&command, &rows).await?;
    let mut row = fresh(caller, &command, report, plan);
    let earlier = of_same_source(rows, report);
    if let Some(earlier) = &earlier {
        if continues(earlier, &row) {
            row = import::Model {
                status: ImportStatus::Running,
                heartbeat_at: command.recorded_at(),
                // Whoever sends the bytes again is led to the outcome, and may see it.
                principal_id: caller.principal().0,
                confirm_gone: row.confirm_gone,
                ..earlier.clone()
            };
        } else {
            // Begun again from the start: repeating what is stored changes nothing, and the counts say so.
            row.id = earlier.id;
        }
    }
    save(&command, &row, plan, earlier.is_some()).await?;
    command.commit_step().await?;
    Ok(row)
}

/// Imports of the same bytes that have not ended, whatever their source: no two of them may run at once.
async fn unfinished(scope: &Scope<'_>, report: &Report) -> Result<Vec<import::Model>> {
    use import::Column as C;
    // In the words of the partial index `import_unfinished`, which is as short as the list of what waits.
    let same = Condition::all()
        .add(Expr::cust(r#""import"."status" <> 'completed'"#))
        .add(C::Sha256.eq(report.sha256.as_str()))
        .add(C::Format.eq(report.format));
    scope.find::<import::Entity>().filter(same).all().await
}

/// An import goes on for its own source, coverage and marking only: what it has stored already went there, and was
/// marked so. Sent again without a marking, it goes on with the one it had.
fn of_same_source(rows: Vec<import::Model>, report: &Report) -> Option<import::Model> {
    let is_same = |row: &import::Model| {
        row.source == report.source
            && (row.coverage, &row.scope) == (report.coverage, &report.scope)
            && (report.tlp.is_none() || row.tlp == report.tlp)
    };
    // The narrowest, where several wait and nothing is said.
    rows.into_iter().filter(is_same).max_by_key(|row| row.tlp)
}

fn refuse_running(rows: &[import::Model], now: Timestamp, options: ImportOptions) -> Result<()> {
    let lease = chrono::TimeDelta::from_std(options.lease).unwrap_or(chrono::TimeDelta::MAX);
    let is_alive = |row: &&import::Model| row.status == ImportStatus::Running && now - row.heartbeat_at < lease;
    match rows.iter().find(is_alive) {
        Some(row) => Err(Error::refused(Code::ImportRunning, format!("import {} has not ended", row.id))),
        None => Ok(()),
    }
}

/// Marks those whose process is gone, in case the sweep has not come by: only one may say that it runs.
async fn release(command: &Command, rows: &[import::Model]) -> Result<()> {
    let running = rows.iter().filter(|row| row.status == ImportStatus::Running).map(|row| row.id);
    let silent: Vec<Uuid> = running.collect();
    if silent.is_empty() {
        return Ok(());
    }
    let change = import::ActiveModel { status: Set(ImportStatus::Interrupted), ..Default::default() };
    command.update_where::<import::Entity>(import::Column::Id.is_in(silent), change).await?;
    Ok(())
}

/// Whether the place that the earlier import has reached is one in this plan. It is
/// not where another version of the importer reads other records out of the same bytes.
fn continues(earlier: &import::Model, planned: &import::Model) -> bool {
    let plan = |row: &import::Model| (row.started_at, row.read, row.rejected, row.merged);
    plan(earlier) == plan(planned)
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn fresh(caller: &Caller, command: &Command, report: &Report, plan: &Plan) -> import::Model {
    import::Model {
        tenant_id: report.tenant.0,
        id: Uuid::now_v7(),
        format: report.format,
        status: ImportStatus::Running,
        source: report.source.clone(),
        tlp: report.tlp,
        coverage: report.coverage,
        scope: report.scope.clone(),
        confirm_gone: report.confirm_gone,
        gone: 0,
        verified: 0,
        gone_withheld: 0,
        sha256: report.sha256.clone(),
        bytes: count(report.bytes),
        read: count(plan.read),
        created: 0,
        updated: 0,
        unchanged: count(plan.merged),
        rejected: count(plan.rejected),
        reopened: 0,
        merged: count(plan.merged),
        assets_created: 0,
        position: 0,
        principal_id: caller.principal().0,
        started_at: report.received_at,
        heartbeat_at: command.recorded_at(),
        finished_at: None,
        seq: 0,
    }
}

async fn save(command: &Command, row: &import::Model, plan: &Plan, is_known: bool) -> Result<()> {
    let model = row.clone().into_active_model().reset_all();
    if is_known {
        command.update_where::<import::Entity>(import::Column::Id.eq(row.id), model).await?;
        command.delete::<import_rejection::Entity>(import_rejection::Column::ImportId.eq(row.id)).await?;
    } else {
        command.insert::<import::Entity>(vec![model]).await?;
    }
    let rejections = plan.rejections.iter().map(|(position, rejection)| import_rejection::ActiveModel {
        tenant_id: Set(row.tenant_id),
        import_id: Set(row.id),
        position: Set(count(*position)),
        place: Set(rejection.place.clone()),
        reason: Set(rejection.reason.clone()),
    });
    command.insert::<import_rejection::Entity>(rejections.collect()).await
}
