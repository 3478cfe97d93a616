//! Sources: lists, one, what is expected of it, and whether it has fallen silent.

use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Change, Command, Read, Scope, Service},
};
use domain::{
    EventKind, Page, PageRequest, Permission, ResourceType, ScanScope, Source, SourceId, TenantId, Timestamp,
    source::{SourceFilter, SourcePatch, silent_since},
};
use entity::{scan_scope, source};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, IntoActiveModel};
use std::{collections::HashMap, fmt::Write};
use uuid::Uuid;

/// A page of sources by id, unless the caller has it already.
///
/// # Errors
/// `invalid_parameter`, `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &SourceFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Source>>> {
    filter.check()?;
    let read = caller.begin_in(Permission::ReadFindings, &filter.tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("sources", filter))?;
    let find = scope.find::<source::Entity>().filter(condition(filter));
    let mut found = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut found.items);
    let items = shown(&scope, rows).await?;
    // Reports move without a number, so their times are part of the tag.
    let reports = items.iter().fold(String::new(), |all, source| all + &volatile(source));
    let etag = Etag::of_page(&scope, &cursors, page, &reports).await?;
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, found.of(items)) })
}

fn condition(filter: &SourceFilter) -> Condition {
    use source::Column as C;
    let mut all = Condition::all();
    if !filter.kind.is_empty() {
        all = all.add(C::Kind.is_in(filter.kind.iter().copied()));
    }
    let silent = |silent| if silent { C::SilentSince.is_not_null() } else { C::SilentSince.is_null() };
    all.add_option(filter.silent.map(silent))
}

/// What moves without a number.
fn volatile(source: &Source) -> String {
    let mut out = format!("{}", source.last_report_at.0.timestamp_millis());
    for scan in &source.scopes {
        // Writing to a String does not fail.
        let _ = write!(out, ",{}:{}", scan.id, scan.last_complete_at.0.timestamp_millis());
    }
    out + ";"
}

/// One source, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: SourceId, seen: Option<&str>) -> Result<Fresh<Source>> {
    let read = caller.begin(Permission::ReadFindings).await?;
    let source = by_ids(&read, &[id]).await?.pop().ok_or_else(Error::not_found)?;
    let etag = etag(caller, &source);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, source) })
}

fn etag(caller: &Caller, source: &Source) -> Etag {
    Etag::of_resource(source.seq, &[&caller.rights_digest(), &volatile(source)])
}

/// Sources by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[SourceId]) -> Result<Vec<Source>> {
    let scope = read.narrow(Permission::ReadFindings);
    let of_ids = source::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<source::Entity>().filter(of_ids).all().await?;
    shown(&scope, rows).await
}

/// Changes a source in the version read. One that is silent stays so only as long as its new interval says so.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`.
pub async fn patch(caller: &Caller, id: SourceId, version: i64, patch: SourcePatch) -> Result<(Etag, Source)> {
    let patch = patch.normalise()?;
    let write = caller.begin_write(Permission::WriteFindings).await?;
    let before = write.get_version::<source::Entity>(id.0, version).await?;
    let mut command = write.command(before.tenant_id).await?;
    let before = command.get_version::<source::Entity>(id.0, version).await?;
    let mut after = apply(&before, patch, command.recorded_at());
    if after != before {
        after.seq = command.record(EventKind::SourceUpdated, id.0, difference(&before, &after));
        after.updated_at = Some(command.recorded_at());
        let change = after.clone().into_active_model().reset_all();
        command.update::<source::Entity>(id.0, before.seq, change).await?;
    }
    let is_changed = after != before;
    let source = shown(&command.scope(), vec![after]).await?.pop().ok_or_else(Error::not_found)?;
    if is_changed {
        command.commit("source.patch", Some((ResourceType::Source, id.0))).await?;
    }
    Ok((etag(caller, &source), source))
}

fn apply(before: &source::Model, patch: SourcePatch, now: Timestamp) -> source::Model {
    let mut after = before.clone();
    after.kind = patch.kind.unwrap_or(after.kind);
    after.tool = patch.tool.unwrap_or(after.tool);
    after.owner = patch.owner.unwrap_or(after.owner);
    after.expected_interval_hours = patch.expected_interval_hours.unwrap_or(after.expected_interval_hours);
    after.silent_since =
        before.silent_since.and_then(|_| silent_since(last_report_at(before), after.expected_interval_hours, now));
    after
}

fn difference(before: &source::Model, after: &source::Model) -> Change {
    Change::default()
        .field("kind", &before.kind, &after.kind)
        .field("tool", &before.tool, &after.tool)
        .field("owner", &before.owner, &after.owner)
        .field("expected_interval_hours", &before.expected_interval_hours, &after.expected_interval_hours)
        .field("silent_since", &before.silent_since, &after.silent_since)
}

/// When it last reported; one that was made before that was noted reported when it was made.
fn last_report_at(row: &source::Model) -> Timestamp {
    row.last_report_at.unwrap_or(row.created_at)
}

/// Tells of the sources that have not reported within the time expected of them, each silence once; says how many.
/// What fell silent while the server was down is told when it is up again, as of the time at which it was due.
pub(crate) async fn tell_silent(service: &Service, tenant: TenantId) -> Result<u64> {
    use source::Column as C;
    let caller = Caller::system(service.clone(), tenant, Permission::WriteFindings);
    let watched = Condition::all().add(C::ExpectedIntervalHours.is_not_null()).add(C::SilentSince.is_null());
    let since = |row: &source::Model, now| silent_since(last_report_at(row), row.expected_interval_hours, now);
    let read = caller.begin(Permission::WriteFindings).await?;
    let now = service.clock.now();
    let found = read.scope().find::<source::Entity>().filter(watched.clone()).all().await?;
    drop(read);
    if !found.iter().any(|row| since(row, now).is_some()) {
        return Ok(0);
    }
    let mut command = caller.begin_write(Permission::WriteFindings).await?.command(tenant.0).await?;
    let mut told = 0;
    for before in command.scope().find::<source::Entity>().filter(watched).all().await? {
        let Some(since) = since(&before, now) else { continue };
        tell(&mut command, before, since).await?;
        told += 1;
    }
    command.commit("source.silent", None).await?;
    Ok(told)
}

async fn tell(command: &mut Command, before: source::Model, since: Timestamp) -> Result<()> {
    let change = Change::default().field("silent_since", &None, &Some(since));
    let seq = command.record(EventKind::SourceSilent, before.id, change);
    let (id, read) = (before.id, before.seq);
    let after = source::Model { silent_since: Some(since), updated_at: Some(command.recorded_at()), seq, ..before };
    command.update::<source::Entity>(id, read, after.into_active_model().reset_all()).await
}

/// Sources as they are shown: rows with their named scans, in one more statement.
async fn shown(scope: &Scope<'_>, rows: Vec<source::Model>) -> Result<Vec<Source>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let of_sources = scan_scope::Column::SourceId.is_in(rows.iter().map(|row| row.id));
    let mut scans: HashMap<Uuid, Vec<ScanScope>> = HashMap::new();
    for row in scope.find::<scan_scope::Entity>().filter(of_sources).all().await? {
        scans.entry(row.source_id).or_default().push(scan(row));
    }
    let shown = |row: source::Model| {
        let mut scopes = scans.remove(&row.id).unwrap_or_default();
        scopes.sort_by(|a, b| a.name.cmp(&b.name));
        of(row, scopes)
    };
    Ok(rows.into_iter().map(shown).collect())
}

fn scan(row: scan_scope::Model) -> ScanScope {
    ScanScope {
        id: row.id.into(),
        name: row.name,
        assets: row.assets.0,
        networks: row.networks.0,
        rules: row.rules.0,
        last_complete_at: row.last_complete_at.into(),
    }
}

fn of(row: source::Model, scopes: Vec<ScanScope>) -> Source {
    Source {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        last_report_at: last_report_at(&row).into(),
        name: row.name,
        tool: row.tool,
        kind: row.kind,
        owner: row.owner,
        expected_interval_hours: row.expected_interval_hours,
        silent_since: row.silent_since.map(Into::into),
        scopes,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.unwrap_or(row.created_at).into(),
        seq: row.seq,
    }
}
