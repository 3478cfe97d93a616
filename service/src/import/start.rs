//! The beginning of an import: its rights, its format, its first reading, its row.

use super::{
    Running, Spooled,
    plan::{self, Plan},
    run::Run,
};
use crate::{
    Error, Result,
    tenancy::{Caller, Command},
};
use domain::{Code, ImportFormat, ImportStatus, Permission, TenantId, Timestamp, Violation, text};
use entity::{import, import_rejection};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition};
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
/// `forbidden`, `tenant_required`, `unknown_tenant`, `invalid_body`.
pub fn check(caller: &Caller, request: &ImportRequest) -> Result<TenantId> {
    if let Some(source) = &request.source
        && (source.is_empty() || text::clean_line(source, 100) != *source)
    {
        let violation = Violation::new("source", "takes 1–100 characters on one line");
        return Err(domain::Error { code: Code::InvalidParameter, ..domain::Error::invalid(vec![violation]) }.into());
    }
    caller.one_tenant(Permission::WriteImports, request.tenant.as_deref())
}

/// Reads the report to its end and begins to store it.
///
/// # Errors
/// Those of [`check`]; `unknown_format`; `report_refused`; `import_running`.
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
    let received_at = caller.now();
    let (spooled, plan) = blocking(move || {
        let plan = plan::plan(&mut spooled, format, received_at)?;
        Ok((spooled, plan))
    })
    .await?;
    let report = Report { tenant, format, source: request.source, received_at };
    let row = open(caller, &report, &spooled, &plan, options).await?;
    Ok(Run { caller: caller.clone(), plan, spooled, row }.spawn())
}

struct Report {
    tenant: TenantId,
    format: ImportFormat,
    source: Option<String>,
    received_at: Timestamp,
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

/// The import's row: a new one, or that of an interrupted import of the same bytes.
async fn open(
    caller: &Caller,
    report: &Report,
    spooled: &Spooled,
    plan: &Plan,
    options: ImportOptions,
) -> Result<import::Model> {
    let write = caller.begin_write(Permission::WriteImports).await?;
    let command = write.command(report.tenant.0).await?;
    let row = match unfinished(&command, report, spooled).await? {
        Some(row) if is_alive(&row, caller.now(), options) => {
            return Err(Error::refused(Code::ImportRunning, format!("import {} has not ended", row.id)));
        }
        Some(row) => adopt(&command, row).await?,
        None => insert(caller, &command, report, spooled, plan).await?,
    };
    command.commit_step().await?;
    Ok(row)
}

async fn unfinished(command: &Command, report: &Report, spooled: &Spooled) -> Result<Option<import::Model>> {
    use import::Column as C;
    let source = report.source.as_ref().map_or_else(|| C::Source.is_null(), |source| C::Source.eq(source));
    let same = Condition::all()
        .add(C::Sha256.eq(spooled.sha256.as_str()))
        .add(C::Format.eq(report.format))
        .add(source)
        .add(C::Status.ne(ImportStatus::Completed));
    command.scope().find::<import::Entity>().filter(same).one().await
}

fn is_alive(row: &import::Model, now: Timestamp, options: ImportOptions) -> bool {
    let lease = chrono::TimeDelta::from_std(options.lease).unwrap_or(chrono::TimeDelta::MAX);
    row.status == ImportStatus::Running && now - row.heartbeat_at < lease
}

/// Goes on with an import that was interrupted: from the place it had reached.
async fn adopt(command: &Command, row: import::Model) -> Result<import::Model> {
    let now = command.recorded_at();
    let change =
        import::ActiveModel { status: Set(ImportStatus::Running), heartbeat_at: Set(now), ..Default::default() };
    command.update_where::<import::Entity>(import::Column::Id.eq(row.id), change).await?;
    Ok(import::Model { status: ImportStatus::Running, heartbeat_at: now, ..row })
}

async fn insert(
    caller: &Caller,
    command: &Command,
    report: &Report,
    spooled: &Spooled,
    plan: &Plan,
) -> Result<import::Model> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let row = import::Model {
        tenant_id: report.tenant.0,
        id: Uuid::now_v7(),
        format: report.format,
        status: ImportStatus::Running,
        source: report.source.clone(),
        sha256: spooled.sha256.clone(),
        bytes: count(spooled.bytes),
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
    };
    let model: import::ActiveModel = row.clone().into();
    command.insert::<import::Entity>(vec![sea_orm::ActiveModelTrait::reset_all(model)]).await?;
    let rejections = plan.rejections.iter().map(|(position, rejection)| import_rejection::ActiveModel {
        tenant_id: Set(row.tenant_id),
        import_id: Set(row.id),
        position: Set(count(*position)),
        place: Set(rejection.place.clone()),
        reason: Set(rejection.reason.clone()),
    });
    command.insert::<import_rejection::Entity>(rejections.collect()).await?;
    Ok(row)
}
