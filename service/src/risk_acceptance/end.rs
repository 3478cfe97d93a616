//! The end of an acceptance: its findings are back, but for those that were closed meanwhile.

use super::{decide, member};
use crate::{
    Etag, Result,
    finding::write::{self, Edit},
    tenancy::{Caller, Command, Service},
};
use domain::{
    AcceptanceId, AcceptanceOutcome, AcceptanceStatus, EventKind, Permission, ResourceType, RiskAcceptance, Status,
    TenantId, Timestamp, risk_acceptance::AcceptanceReason,
};
use entity::{finding, risk_acceptance, risk_acceptance_finding};
use sea_orm::{ColumnTrait, Condition, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

/// Takes an approved acceptance back before its time, with a reason: its findings are confirmed again.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`, `acceptance_state`.
pub async fn revoke(
    caller: &Caller,
    id: AcceptanceId,
    version: i64,
    why: AcceptanceReason,
) -> Result<(Etag, RiskAcceptance)> {
    let reason = why.normalise()?;
    let (mut command, before) = decide::begin(caller, id, version).await?;
    decide::decision(&command, caller, &before).await?.revoke()?;
    release(&mut command, &before).await?;
    let after = risk_acceptance::Model {
        status: AcceptanceStatus::Revoked,
        revoked_by: Some(caller.principal().0),
        revocation_reason: Some(reason),
        ended_at: Some(command.recorded_at()),
        ..before.clone()
    };
    decide::save(command, caller, &before, after, EventKind::RiskAcceptanceRevoked, "risk_acceptance.revoke").await
}

/// Most acceptances that are ended in one go; the rest waits for the next time.
const AT_ONCE: u64 = 1_000;

/// Ends the acceptances whose time is over, whenever that was; says how many.
///
/// # Errors
/// If the store fails.
pub(crate) async fn expire(service: &Service, tenant: TenantId) -> Result<u64> {
    let now = service.clock.now();
    let caller = Caller::system(service.clone(), tenant, Permission::ApproveRisk);
    let over: Vec<Uuid> = {
        let read = caller.begin(Permission::ApproveRisk).await?;
        let find = read.scope().find::<risk_acceptance::Entity>().filter(over(now));
        let rows = find.with(|select| select.order_by_asc(risk_acceptance::Column::ExpiresAt).limit(AT_ONCE)).all();
        rows.await?.into_iter().map(|row| row.id).collect()
    };
    let mut expired = 0;
    for id in over {
        // One that cannot be ended keeps no other from ending.
        match expire_one(&caller, tenant, id, now).await {
            Ok(done) => expired += u64::from(done),
            Err(error) => tracing::warn!(%tenant, acceptance = %id, %error, "not ended, and tried again"),
        }
    }
    Ok(expired)
}

/// Those in force or asked for whose time is over, in the words of their index.
fn over(now: Timestamp) -> Condition {
    let live = Expr::cust("status IN ('requested', 'approved')");
    Condition::all().add(live).add(risk_acceptance::Column::ExpiresAt.lte(now))
}

/// Ends one, unless somebody was faster.
async fn expire_one(caller: &Caller, tenant: TenantId, id: Uuid, now: Timestamp) -> Result<bool> {
    let mut command = caller.begin_write(Permission::ApproveRisk).await?.command(tenant.0).await?;
    let still = over(now).add(risk_acceptance::Column::Id.eq(id));
    let Some(before) = command.scope().find::<risk_acceptance::Entity>().filter(still).one().await? else {
        return Ok(false);
    };
    release(&mut command, &before).await?;
    let after = risk_acceptance::Model {
        status: AcceptanceStatus::Expired,
        ended_at: Some(command.recorded_at()),
        ..before.clone()
    };
    decide::store(&mut command, &before, after, EventKind::RiskAcceptanceExpired).await?;
    command.commit("risk_acceptance.expire", Some((ResourceType::RiskAcceptance, id))).await?;
    Ok(true)
}

/// Lets go of the findings of an acceptance.
async fn release(command: &mut Command, acceptance: &risk_acceptance::Model) -> Result<()> {
    let members = member::of(command, acceptance.id).await?;
    let findings = member::findings(command, &members).await?;
    let now = command.recorded_at();
    let (mut edits, mut outcomes) = (Vec::new(), Vec::new());
    for one in members {
        let Some(row) = findings.get(&one.finding_id) else { continue };
        let (outcome, edit) = let_go(one, row, acceptance.id, now);
        outcomes.push(outcome);
        edits.extend(edit);
    }
    write::save(command, edits).await?;
    member::save(command, outcomes).await
}

fn let_go(
    one: risk_acceptance_finding::Model,
    row: &finding::Model,
    acceptance: Uuid,
    now: Timestamp,
) -> (risk_acceptance_finding::Model, Option<Edit>) {
    if one.outcome == AcceptanceOutcome::Requested {
        return (member::become_of(one, AcceptanceOutcome::Dropped, None), None);
    }
    if row.acceptance_id != Some(acceptance) {
        return (member::become_of(one, AcceptanceOutcome::Closed, Some(row.status)), None);
    }
    let back = finding::Model { status: Status::Confirmed, acceptance_id: None, decided_at: Some(now), ..row.clone() };
    (member::become_of(one, AcceptanceOutcome::Returned, None), Some(Edit::of(row.clone(), back)))
}
