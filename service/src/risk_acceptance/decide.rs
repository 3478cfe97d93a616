//! Another person decides.

use super::{list, member, price};
use crate::{
    Error, Etag, Result,
    finding::write::{self, Edit},
    tenancy::{Caller, Change, Command},
};
use domain::{
    AcceptanceId, AcceptanceOutcome, AcceptanceStatus, EventKind, Permission, PrincipalId, ResourceType,
    RiskAcceptance, Status,
    risk_acceptance::{AcceptanceReason, Decision, can_rest},
    sla::Sla,
};
use entity::{finding, risk_acceptance};
use sea_orm::{ActiveModelTrait, IntoActiveModel};

/// Approves a requested acceptance: those of its findings that wait for work rest until it expires, and what
/// became of the others is kept.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`; `same_person` if whoever asked approves, by whatever login or client;
/// `acceptance_state`.
pub async fn approve(caller: &Caller, id: AcceptanceId, version: i64) -> Result<(Etag, RiskAcceptance)> {
    let (mut command, before) = begin(caller, id, version).await?;
    let now = command.recorded_at();
    decision(&command, caller, &before).await?.approve(now, Sla::new(command.settings().clone()).latest_expiry(now))?;
    let (standstill_days, cost_per_day) = price::of_decision(&command, &before).await?;
    let members = member::of(&command, id.0).await?;
    let findings = member::findings(&command, &members).await?;
    let (mut edits, mut outcomes) = (Vec::new(), Vec::new());
    for one in members {
        let Some(row) = findings.get(&one.finding_id) else { continue };
        if can_rest(row.status) {
            edits.push(Edit::of(row.clone(), rested(row, id, now)));
            outcomes.push(member::become_of(one, AcceptanceOutcome::Accepted, None));
        } else {
            outcomes.push(member::become_of(one, AcceptanceOutcome::Skipped, Some(row.status)));
        }
    }
    let mut after = decided(&before, AcceptanceStatus::Approved, caller.principal(), now);
    (after.standstill_days, after.cost_per_day) = (standstill_days, cost_per_day);
    after.accepted_count = count(edits.len());
    after.skipped_count = count(outcomes.len() - edits.len());
    write::save(&mut command, edits).await?;
    member::save(&command, outcomes).await?;
    save(command, caller, &before, after, EventKind::RiskAcceptanceApproved, "risk_acceptance.approve").await
}

fn rested(before: &finding::Model, id: AcceptanceId, now: domain::Timestamp) -> finding::Model {
    finding::Model {
        status: Status::RiskAccepted,
        acceptance_id: Some(id.0),
        status_comment: None,
        decided_at: Some(now),
        ..before.clone()
    }
}

/// Refuses a requested acceptance, with a reason. Who asked for it takes it back this way, too.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`, `acceptance_state`.
pub async fn refuse(
    caller: &Caller,
    id: AcceptanceId,
    version: i64,
    why: AcceptanceReason,
) -> Result<(Etag, RiskAcceptance)> {
    let reason = why.normalise()?;
    let (command, before) = begin(caller, id, version).await?;
    decision(&command, caller, &before).await?.refuse()?;
    let dropped = member::of(&command, id.0).await?.into_iter();
    let dropped = dropped.map(|one| member::become_of(one, AcceptanceOutcome::Dropped, None)).collect();
    member::save(&command, dropped).await?;
    let mut after = decided(&before, AcceptanceStatus::Refused, caller.principal(), command.recorded_at());
    after.decision_reason = Some(reason);
    save(command, caller, &before, after, EventKind::RiskAcceptanceRefused, "risk_acceptance.refuse").await
}

fn decided(
    before: &risk_acceptance::Model,
    status: AcceptanceStatus,
    by: PrincipalId,
    now: domain::Timestamp,
) -> risk_acceptance::Model {
    risk_acceptance::Model { status, decided_by: Some(by.0), decided_at: Some(now), ..before.clone() }
}

fn count(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

/// A command on an acceptance in the version read, as it stands behind the clock.
pub(super) async fn begin(
    caller: &Caller,
    id: AcceptanceId,
    version: i64,
) -> Result<(Command, risk_acceptance::Model)> {
    let write = caller.begin_write(Permission::ApproveRisk).await?;
    let read = write.get_version::<risk_acceptance::Entity>(id.0, version).await?;
    let command = write.command(read.tenant_id).await?;
    let before = command.get_version::<risk_acceptance::Entity>(id.0, version).await?;
    Ok((command, before))
}

pub(super) async fn decision(command: &Command, caller: &Caller, row: &risk_acceptance::Model) -> Result<Decision> {
    Ok(Decision {
        status: row.status,
        expires_at: row.expires_at,
        requested_by: command.platform().hand(PrincipalId(row.requested_by)).await?,
        by: command.platform().hand(caller.principal()).await?,
    })
}

/// Numbers and stores what an acceptance has become.
pub(super) async fn store(
    command: &mut Command,
    before: &risk_acceptance::Model,
    mut after: risk_acceptance::Model,
    kind: EventKind,
) -> Result<risk_acceptance::Model> {
    let change = Change::default()
        .field("status", &before.status, &after.status)
        .field("accepted_count", &before.accepted_count, &after.accepted_count)
        .field("skipped_count", &before.skipped_count, &after.skipped_count)
        .field("standstill_days", &before.standstill_days, &after.standstill_days)
        .field("cost_per_day", &before.cost_per_day, &after.cost_per_day)
        .field("decided_by", &before.decided_by, &after.decided_by)
        .field("decision_reason", &before.decision_reason, &after.decision_reason)
        .field("revoked_by", &before.revoked_by, &after.revoked_by)
        .field("revocation_reason", &before.revocation_reason, &after.revocation_reason)
        .field("review_needed", &before.review_needed, &after.review_needed)
        .field("review_reason", &before.review_reason, &after.review_reason);
    after.updated_at = command.recorded_at();
    after.seq = command.record(kind, after.id, change);
    let row = after.clone().into_active_model().reset_all();
    command.update::<risk_acceptance::Entity>(after.id, before.seq, row).await?;
    Ok(after)
}

/// [`store`], commit, and what is answered.
pub(super) async fn save(
    mut command: Command,
    caller: &Caller,
    before: &risk_acceptance::Model,
    after: risk_acceptance::Model,
    kind: EventKind,
    action: &str,
) -> Result<(Etag, RiskAcceptance)> {
    let after = store(&mut command, before, after, kind).await?;
    let id = after.id;
    let shown = list::shown(&command.scope(), vec![after]).await?.pop().ok_or_else(Error::not_found)?;
    command.commit(action, Some((ResourceType::RiskAcceptance, id))).await?;
    Ok((list::etag(caller, &shown), shown))
}
