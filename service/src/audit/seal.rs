//! Sealing: rows become a chain, and its head is signed.

use super::{canonical, chains, head};
use crate::{Result, store::Access, store::Connection, tenancy::Service};
use domain::{TenantId, Timestamp};
use entity::{audit, audit_head, audit_seal};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, SqlErr,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

/// Most rows of one step; each has two values more than columns.
const STEP: u64 = 500;
/// How often a step that another replica was quicker with is tried again.
const ATTEMPTS: u32 = 5;

/// Seals what is not sealed yet, chain by chain, in the order of (`recorded_at`, id); says how many rows.
/// With `since` only rows recorded from then on are looked for, which an index finds; without it all.
///
/// # Errors
/// Store errors.
pub async fn seal(service: &Service, since: Option<Timestamp>) -> Result<u64> {
    let mut sealed = 0;
    for chain in waiting(service, since).await? {
        loop {
            let rows = step_or_again(service, chain, since).await?;
            sealed += rows;
            if rows < STEP {
                break;
            }
        }
    }
    Ok(sealed)
}

/// The chains that have rows to seal: one read for all of them.
async fn waiting(service: &Service, since: Option<Timestamp>) -> Result<Vec<TenantId>> {
    let all: Vec<Uuid> = chains(service).await?.into_iter().map(|(chain, _)| chain.0).collect();
    let connection = service.store.begin(Access::Read, &all).await?;
    let of_chains = audit::Column::TenantId.is_in(all);
    let find = audit::Entity::find().select_only().column(audit::Column::TenantId).distinct();
    let found: Vec<Uuid> = find.filter(of_chains).filter(unsealed(since)).into_tuple().all(&connection).await?;
    Ok(found.into_iter().map(TenantId).collect())
}

/// Rows without a seal.
pub(super) fn unsealed(since: Option<Timestamp>) -> Condition {
    use audit_seal::{Column as S, Entity as Seal};
    let same = |seal: S, row: audit::Column| Expr::col((Seal, seal)).eq(Expr::col((audit::Entity, row)));
    let seal = Query::select()
        .expr(Expr::val(1))
        .from(Seal)
        .and_where(same(S::TenantId, audit::Column::TenantId))
        .and_where(same(S::AuditId, audit::Column::Id))
        .to_owned();
    let recorded = since.map(|since| audit::Column::RecordedAt.gte(since));
    Condition::all().add(Expr::exists(seal).not()).add_option(recorded)
}

async fn step_or_again(service: &Service, chain: TenantId, since: Option<Timestamp>) -> Result<u64> {
    let mut attempt = 1;
    loop {
        match step(service, chain, since).await {
            // The position is the key: another replica has taken it, so this one goes on after it.
            Err(crate::Error::Store(error)) if was_quicker(&error) && attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

fn was_quicker(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// One step: the end of the chain, the next rows, their seals, the signed head; all in one transaction.
async fn step(service: &Service, chain: TenantId, since: Option<Timestamp>) -> Result<u64> {
    let connection = service.store.begin(Access::Write, &[chain.0]).await?;
    let (mut position, mut hash) = end(&connection, chain).await?;
    let rows = audit::Entity::find()
        .filter(audit::Column::TenantId.eq(chain.0))
        .filter(unsealed(since))
        .order_by_asc(audit::Column::RecordedAt)
        .order_by_asc(audit::Column::Id)
        .limit(STEP)
        .all(&connection)
        .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let seals = rows.iter().map(|row| {
        position += 1;
        hash = canonical::chained(&hash, row);
        let seal = audit_seal::Model { tenant_id: chain.0, position, audit_id: row.id, hash: hash.clone() };
        seal.into_active_model().reset_all()
    });
    let seals: Vec<_> = seals.collect();
    audit_seal::Entity::insert_many(seals).exec_without_returning(&connection).await?;
    let sealed_at = service.clock.now();
    let mut signed = audit_head::Model { tenant_id: chain.0, position, hash, signature: Vec::new(), sealed_at };
    signed.signature = service.vault.sign(&head::signed(&signed));
    audit_head::Entity::insert(signed.into_active_model().reset_all()).exec_without_returning(&connection).await?;
    connection.commit().await?;
    Ok(rows.len() as u64)
}

/// The last position of a chain with its hash.
async fn end(connection: &Connection, chain: TenantId) -> Result<(i64, Vec<u8>)> {
    let of_chain = audit_seal::Entity::find().filter(audit_seal::Column::TenantId.eq(chain.0));
    let last = of_chain.order_by_desc(audit_seal::Column::Position).one(connection).await?;
    Ok(last.map_or_else(|| (0, canonical::GENESIS.to_vec()), |seal| (seal.position, seal.hash)))
}
