//! Which parts tell the findings of a source apart: the rule wanted, the rule in force, and the way from the one to
//! the other.
//!
//! A changed rule waits until it is applied to what is stored. Until then reports are read by the rule before, so that
//! none makes a second finding of what will be one.

mod keys;
mod preview;
mod rerun;

pub use preview::preview;
pub(crate) use rerun::go_on;
pub use rerun::rerun;

use crate::{
    Error, Etag, Fresh, Result,
    tenancy::{Caller, Command, Scope},
};
use domain::{
    Code, Permission, SourceId,
    identity::{FingerprintRule, RerunState, SourceRule},
};
use entity::{finding, fingerprint_rule, json::StoredRule, source};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, IntoActiveModel, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

/// The rule by which a source's reports are read, and its version; 0 is the importer's own choice.
pub(crate) async fn in_force(scope: &Scope<'_>, source: Uuid) -> Result<(FingerprintRule, i64)> {
    let row = stored(scope, source).await?;
    Ok(row.and_then(|row| Some((row.in_force?.0, row.in_force_version))).unwrap_or_default())
}

/// The fingerprint rule of a source, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: SourceId, seen: Option<&str>) -> Result<Fresh<SourceRule>> {
    let read = caller.begin(Permission::ReadFindings).await?;
    let source = source_of(&read.scope(), id).await?;
    let rule = shown(&read.scope(), source).await?;
    let etag = etag(caller, &rule);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, rule) })
}

/// Says which rule is wanted, in the version read. It comes into force at the end of its [`rerun`].
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`.
pub async fn put(caller: &Caller, id: SourceId, version: i64, rule: FingerprintRule) -> Result<(Etag, SourceRule)> {
    let rule = rule.normalise()?;
    let (command, source, before) = begin(caller, id, version).await?;
    let unchanged = before.as_ref().map_or_else(FingerprintRule::default, |row| row.rule.0.clone()) == rule;
    if !unchanged {
        let after = changed(&command, &source, before, rule);
        save(&command, after).await?;
    }
    let rule = shown(&command.scope(), source).await?;
    if !unchanged {
        command.commit_about("source.fingerprint_rule", ("source", id.0)).await?;
    }
    Ok((etag(caller, &rule), rule))
}

/// A change of a source's rule, which takes both the right to change findings and the right to change settings.
async fn begin(
    caller: &Caller,
    id: SourceId,
    version: i64,
) -> Result<(Command, source::Model, Option<fingerprint_rule::Model>)> {
    caller.require_anywhere(Permission::ManageTenants)?;
    let write = caller.begin_write(Permission::WriteFindings).await?;
    let source = source_of(&write.scope(), id).await?;
    write.require(Permission::ManageTenants, source.tenant_id)?;
    let command = write.command(source.tenant_id).await?;
    let row = stored(&command.scope(), id.0).await?;
    if row.as_ref().map_or(0, |row| row.version) != version {
        return Err(Error::refused(Code::Stale, Code::Stale.title()));
    }
    Ok((command, source, row))
}

/// One that is being applied goes on from the start with the new rule.
fn changed(
    command: &Command,
    source: &source::Model,
    before: Option<fingerprint_rule::Model>,
    rule: FingerprintRule,
) -> fingerprint_rule::Model {
    let known = before.unwrap_or_else(|| fingerprint_rule::Model {
        tenant_id: source.tenant_id,
        source_id: source.id,
        version: 0,
        rule: StoredRule::default(),
        in_force: None,
        in_force_version: 0,
        running: false,
        reached: None,
        updated_at: command.recorded_at(),
    });
    fingerprint_rule::Model {
        version: known.version + 1,
        rule: StoredRule(rule),
        reached: None,
        updated_at: command.recorded_at(),
        ..known
    }
}

async fn save(command: &Command, row: fingerprint_rule::Model) -> Result<()> {
    use fingerprint_rule::Column as C;
    let columns = [C::Version, C::Rule, C::InForce, C::InForceVersion, C::Running, C::Reached, C::UpdatedAt];
    let again = OnConflict::columns([C::TenantId, C::SourceId]).update_columns(columns).to_owned();
    command.upsert::<fingerprint_rule::Entity>(vec![row.into_active_model().reset_all()], again).await
}

async fn source_of(scope: &Scope<'_>, id: SourceId) -> Result<source::Model> {
    let row = scope.find::<source::Entity>().filter(source::Column::Id.eq(id.0)).one().await?;
    row.ok_or_else(Error::not_found)
}

async fn stored(scope: &Scope<'_>, source: Uuid) -> Result<Option<fingerprint_rule::Model>> {
    scope.find::<fingerprint_rule::Entity>().filter(fingerprint_rule::Column::SourceId.eq(source)).one().await
}

#[derive(sea_orm::FromQueryResult)]
struct Count {
    count: i64,
}

async fn shown(scope: &Scope<'_>, source: source::Model) -> Result<SourceRule> {
    let row = stored(scope, source.id).await?;
    let in_force = row.as_ref().and_then(|row| row.in_force.clone()).unwrap_or_default().0;
    let mut shown = SourceRule {
        source_id: source.id.into(),
        tenant_id: source.tenant_id.into(),
        source: source.name,
        rule: in_force.clone(),
        in_force,
        in_force_version: 0,
        rerun: RerunState::None,
        left: 0,
        version: 0,
    };
    let Some(row) = row else { return Ok(shown) };
    if row.in_force_version != row.version {
        let older = scope.find::<finding::Entity>().filter(finding::Column::SourceId.eq(source.id));
        let older = older.filter(finding::Column::IdentityVersion.lt(row.version));
        let counted = older.with(|select| select.select_only().expr_as(Expr::cust("COUNT(*)"), "count"));
        shown.left = counted.rows::<Count>().await?.first().map_or(0, |row| row.count);
        shown.rerun = if row.running { RerunState::Running } else { RerunState::Wanted };
    }
    shown.rule = row.rule.0;
    shown.in_force_version = row.in_force_version;
    shown.version = row.version;
    Ok(shown)
}

fn etag(caller: &Caller, rule: &SourceRule) -> Etag {
    let state = format!("{}{:?}{}", rule.in_force_version, rule.rerun, rule.left);
    Etag::of_resource(rule.version, &[&caller.rights_digest(), &state])
}
