//! A command: one tenant's change, numbered by its clock and recorded with it.

use super::{Caller, Scope, write::stale};
use crate::{
    Error, Result,
    audit::{self, Entry},
    search,
    store::Connection,
};
use domain::{EventKind, ResourceType, TenantId, Timestamp, tenant_settings::TenantSettings};
use entity::{Numbered, TenantOwned, event, tenant_clock};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, Iterable, QueryFilter, QuerySelect,
    sea_query::{LockType, OnConflict},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// One tenant's change in the making. It holds the tenant's clock, so that the
/// order of numbers is the order of commits.
pub struct Command {
    connection: Connection,
    caller: Caller,
    tenant: Uuid,
    clock: tenant_clock::Model,
    settings: TenantSettings,
    value: i64,
    recorded_at: Timestamp,
    events: Vec<event::ActiveModel>,
}

/// What changed in a resource, field by field.
#[derive(Debug, Default)]
pub struct Change(Map<String, Value>);

impl Change {
    /// Notes a field if it differs.
    #[must_use]
    pub fn field<T: serde::Serialize + PartialEq>(mut self, name: &str, before: &T, after: &T) -> Self {
        if before != after {
            self.0.insert(name.to_owned(), json!({"before": before, "after": after}));
        }
        self
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Most values bound in one statement; SQLite takes 32,766, PostgreSQL 65,535.
const MAX_BINDS: usize = 30_000;

impl Command {
    pub(super) async fn lock(connection: Connection, caller: Caller, tenant: Uuid) -> Result<Self> {
        let mut select = tenant_clock::Entity::find().filter(tenant_clock::Column::TenantId.eq(tenant));
        if connection.is_postgres() {
            // SQLite's writer holds the whole store since BEGIN IMMEDIATE.
            select = select.lock(LockType::Update);
        }
        let clock = select.one(&connection).await?.ok_or_else(|| Error::Internal("a tenant without a clock".into()))?;
        // Asked behind the clock, so that also what began before (an import goes on for minutes) ends at its next step.
        let settings = crate::platform::rows(&connection, &[tenant]).settings_of_open().await?;
        let earliest = clock.recorded_at + chrono::TimeDelta::milliseconds(1);
        let recorded_at = caller.now().max(earliest);
        Ok(Self { connection, tenant, value: clock.value, clock, settings, recorded_at, caller, events: Vec::new() })
    }

    /// The tenant.
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// When this command is recorded: whole milliseconds, later than every earlier commit of the tenant.
    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// The tenant's rows.
    pub fn scope(&self) -> Scope<'_> {
        Scope::new(&self.connection, &self.caller, vec![self.tenant])
    }

    /// Who acts.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The platform's rows, for rules that look beyond the tenant.
    pub(crate) fn platform(&self) -> crate::platform::Rows<'_> {
        crate::platform::rows(&self.connection, &[])
    }

    /// The tenant's settings as they stand behind the clock.
    pub(crate) fn settings(&self) -> &TenantSettings {
        &self.settings
    }

    /// A row by its id as it stands behind the clock, if it is in the version that the caller has read.
    ///
    /// # Errors
    /// `not_found`, or `stale` if it has changed since.
    pub async fn get_version<E: Numbered>(&self, id: Uuid, version: i64) -> Result<E::Model> {
        let row = self.get::<E>(id).await?;
        if E::seq_of(&row) == version { Ok(row) } else { Err(stale()) }
    }

    /// A row by its id as it stands behind the clock.
    ///
    /// # Errors
    /// `not_found`, whether it is missing or another tenant's.
    pub async fn get<E: Numbered>(&self, id: Uuid) -> Result<E::Model> {
        self.scope().find::<E>().filter(E::id().eq(id)).one().await?.ok_or_else(Error::not_found)
    }

    /// Numbers a change and notes its event; the number is the resource's new `seq`.
    pub fn record(&mut self, kind: EventKind, resource: Uuid, change: Change) -> i64 {
        self.value += 1;
        self.events.push(event::ActiveModel {
            tenant_id: Set(self.tenant),
            seq: Set(self.value),
            id: Set(Uuid::now_v7()),
            recorded_at: Set(self.recorded_at),
            kind: Set(kind),
            resource_type: Set(kind.resource_type()),
            resource_id: Set(resource),
            actor: Set(self.caller.principal().0),
            changed: Set((!change.is_empty()).then_some(Value::Object(change.0))),
        });
        self.value
    }

    /// Writes new rows, as few statements as the store takes.
    pub async fn insert<E: TenantOwned>(&self, rows: Vec<E::ActiveModel>) -> Result<()>
    where
        E::ActiveModel: Send,
    {
        self.write_rows::<E>(rows, None).await
    }

    /// Writes rows that may be there already; `conflict` says what then.
    pub async fn upsert<E: TenantOwned>(&self, rows: Vec<E::ActiveModel>, conflict: OnConflict) -> Result<()>
    where
        E::ActiveModel: Send,
    {
        self.write_rows::<E>(rows, Some(conflict)).await
    }

    async fn write_rows<E: TenantOwned>(&self, rows: Vec<E::ActiveModel>, conflict: Option<OnConflict>) -> Result<()>
    where
        E::ActiveModel: Send,
    {
        let at_once = MAX_BINDS / E::Column::iter().count().max(1);
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let chunk: Vec<_> = rows.by_ref().take(at_once).map(|row| self.own::<E>(row)).collect::<Result<_>>()?;
            let mut insert = E::insert_many(chunk);
            if let Some(conflict) = &conflict {
                insert = insert.on_conflict(conflict.clone());
            }
            insert.exec_without_returning(&self.connection).await?;
        }
        Ok(())
    }

    /// Refuses a row of another tenant before the database has to.
    fn own<E: TenantOwned>(&self, row: E::ActiveModel) -> Result<E::ActiveModel> {
        let is_own = row.get(E::tenant()).into_value() == Some(self.tenant.into());
        if is_own { Ok(row) } else { Err(Error::Internal("a row outside the command's tenant".into())) }
    }

    /// Changes a resource that is still in the version it was read in.
    ///
    /// # Errors
    /// `stale` if somebody else changed it in between.
    pub async fn update<E: Numbered>(&self, id: Uuid, read_seq: i64, change: E::ActiveModel) -> Result<()>
    where
        E::ActiveModel: Send,
    {
        let as_read = Condition::all().add(E::id().eq(id)).add(E::seq().eq(read_seq));
        if self.update_where::<E>(as_read, change).await? == 1 { Ok(()) } else { Err(stale()) }
    }

    /// Changes rows of the tenant without a number; says how many.
    pub async fn update_where<E: TenantOwned>(
        &self,
        condition: impl sea_orm::sea_query::IntoCondition,
        change: E::ActiveModel,
    ) -> Result<u64>
    where
        E::ActiveModel: Send,
    {
        let update = E::update_many().set(change).filter(E::tenant().eq(self.tenant));
        Ok(update.filter(condition.into_condition()).exec(&self.connection).await?.rows_affected)
    }

    /// Deletes rows of the tenant.
    pub async fn delete<E: TenantOwned>(&self, condition: impl sea_orm::sea_query::IntoCondition) -> Result<()> {
        E::delete_many()
            .filter(E::tenant().eq(self.tenant))
            .filter(condition.into_condition())
            .exec(&self.connection)
            .await?;
        Ok(())
    }

    /// Whether anything has been numbered.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// [`Command::commit`] of what is no resource of the feed.
    pub(crate) async fn commit_about(self, action: &str, (kind, id): (&str, Uuid)) -> Result<()> {
        self.commit_entry(Entry::done(action), Some((kind.to_owned(), id))).await
    }

    /// Commits the change with its events, one audit row for `action`, and the new time of the clock.
    pub async fn commit(self, action: &str, resource: Option<(ResourceType, Uuid)>) -> Result<()> {
        self.commit_entry(Entry::done(action), named(resource)).await
    }

    /// [`Command::commit`] with something more in the audit row: small, and never a finding's text.
    pub(crate) async fn commit_detailed(
        self,
        action: &str,
        resource: Option<(ResourceType, Uuid)>,
        detail: &Value,
    ) -> Result<()> {
        self.commit_entry(Entry::done(action).detail(detail), named(resource)).await
    }

    async fn commit_entry(self, mut entry: Entry, about: Option<(String, Uuid)>) -> Result<()> {
        if self.value > self.clock.value {
            entry = entry.numbered(self.clock.value + 1, self.value);
        }
        if let Some((kind, id)) = about {
            entry = entry.about(kind, id);
        }
        let (vault, principal) = (&self.caller.service().vault, self.caller.principal());
        audit::append(&self.connection, vault, TenantId(self.tenant), principal, entry, self.recorded_at).await?;
        self.commit_step().await
    }

    /// Commits a step of a longer piece of work, whose audit row its last step writes.
    pub async fn commit_step(mut self) -> Result<()> {
        let events = std::mem::take(&mut self.events);
        search::follow_assets(&self, &renamed(&events)).await?;
        self.insert::<event::Entity>(events).await?;
        let ticked = tenant_clock::ActiveModel {
            value: Set(self.value),
            recorded_at: Set(self.recorded_at),
            ..Default::default()
        };
        tenant_clock::Entity::update_many()
            .set(ticked)
            .filter(tenant_clock::Column::TenantId.eq(self.tenant))
            .exec(&self.connection)
            .await?;
        self.caller.settle(self.connection, self.tenant).await
    }
}

/// The assets that are new or have another name.
fn renamed(events: &[event::ActiveModel]) -> Vec<Uuid> {
    let is_other = |event: &&event::ActiveModel| match (event.kind.try_as_ref(), event.changed.try_as_ref()) {
        (Some(EventKind::AssetCreated), _) => true,
        (Some(kind), Some(Some(changed))) => {
            kind.resource_type() == ResourceType::Asset && changed.get("name").is_some()
        }
        _ => false,
    };
    let ids: BTreeSet<Uuid> =
        events.iter().filter(is_other).filter_map(|event| event.resource_id.try_as_ref().copied()).collect();
    ids.into_iter().collect()
}

fn named(resource: Option<(ResourceType, Uuid)>) -> Option<(String, Uuid)> {
    use sea_orm::ActiveEnum;
    resource.map(|(kind, id)| (kind.to_value(), id))
}
