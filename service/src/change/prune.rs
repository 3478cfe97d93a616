//! Forgets events that are older than a municipality keeps them.
//!
//! Of what exists, the last event stays however old it is: reading the feed from its beginning gives the whole state for
//! ever. What goes is what something newer has taken the place of, and what tells of things that are gone.

use crate::{
    Result,
    store::{Access, Connection},
    tenancy::Service,
};
use domain::TenantId;
use entity::{event, tenant, tenant_clock};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};
use uuid::Uuid;

/// Events looked at in one transaction, of which no more go.
const STEP: u64 = 1_000;
/// Most transactions at a time, so that other jobs are not kept waiting.
const STEPS: usize = 10;

/// Forgets what is due of one tenant; says how many events.
///
/// # Errors
/// Store errors.
pub(crate) async fn prune(service: &Service, tenant: TenantId) -> Result<u64> {
    let mut gone = 0;
    for _ in 0..STEPS {
        let Some(old) = look(service, tenant.0).await? else { break };
        // No command: nothing is numbered, and nobody's clock has to wait but for the last statement.
        let write = service.store.begin(Access::Write, &[tenant.0]).await?;
        gone += old.forget(&write, tenant.0).await?;
        write.commit().await?;
    }
    Ok(gone)
}

/// The next events that are old enough: after the first number, up to the second.
struct Old {
    after: i64,
    last: i64,
}

async fn look(service: &Service, tenant: Uuid) -> Result<Option<Old>> {
    use event::Column as C;
    let read = service.store.begin(Access::Read, &[tenant]).await?;
    let settings = tenant::Entity::find_by_id(tenant).one(&read).await?;
    let clock = tenant_clock::Entity::find().filter(tenant_clock::Column::TenantId.eq(tenant)).one(&read).await?;
    let (Some(settings), Some(clock)) = (settings, clock) else { return Ok(None) };
    let before = service.clock.now() - chrono::Days::new(u64::from(settings.event_days.unsigned_abs()));
    let after = clock.pruned_to;
    let old = Condition::all().add(C::TenantId.eq(tenant)).add(C::Seq.gt(after)).add(C::RecordedAt.lt(before));
    let old = event::Entity::find().filter(old).select_only().column(C::Seq).order_by_asc(C::Seq).limit(STEP);
    let seqs: Vec<i64> = old.into_tuple().all(&read).await?;
    Ok(seqs.last().map(|last| Old { after, last: *last }))
}

/// What PostgreSQL has a function for, since the server's role may delete no events there: see migration 22.
const ON_SQLITE: &str = "DELETE FROM event WHERE tenant_id = ?1 AND seq <= ?3
    AND resource_id IN (SELECT resource_id FROM event WHERE tenant_id = ?1 AND seq > ?2 AND seq <= ?3)
    AND (kind IN ('business_service.deleted', 'comment.deleted', 'attachment.deleted')
        OR EXISTS (SELECT 1 FROM event AS later WHERE later.tenant_id = event.tenant_id
            AND later.resource_id = event.resource_id AND later.seq > event.seq AND later.seq <= ?3))";

impl Old {
    async fn forget(&self, write: &Connection, tenant: Uuid) -> Result<u64> {
        let values = [tenant.into(), self.after.into(), self.last.into()];
        let gone = if write.is_postgres() {
            let forget =
                Statement::from_sql_and_values(DbBackend::Postgres, "SELECT forget_events($1, $2, $3)", values);
            let row = write.query_one_raw(forget).await?;
            row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?.unwrap_or(0).unsigned_abs()
        } else {
            let forget = Statement::from_sql_and_values(DbBackend::Sqlite, ON_SQLITE, values);
            write.execute_raw(forget).await?.rows_affected()
        };
        let floor = tenant_clock::ActiveModel { pruned_to: Set(self.last), ..Default::default() };
        let lower = Condition::all()
            .add(tenant_clock::Column::TenantId.eq(tenant))
            .add(tenant_clock::Column::PrunedTo.lt(self.last));
        tenant_clock::Entity::update_many().set(floor).filter(lower).exec(write).await?;
        Ok(gone)
    }
}
