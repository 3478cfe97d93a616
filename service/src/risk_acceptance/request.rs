//! Asking for an acceptance.

use super::{list, member, price};
use crate::{
    Error, Etag, Result,
    tenancy::{Caller, Change, Command},
};
use domain::{
    AcceptanceOutcome, AcceptanceStatus, Code, EventKind, FindingId, Permission, ResourceType, RiskAcceptance,
    Violation, risk_acceptance::NewRiskAcceptance, sla::Sla,
};
use entity::{finding, json::StringList, risk_acceptance, risk_acceptance_finding};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel};
use std::collections::HashMap;
use uuid::Uuid;

/// Asks to have risks accepted until a date, at a known price. Another person decides.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`; `invalid_body` also for a finding that is none of the
/// municipality, or a service that is none or says no price; `already_in_acceptance`.
pub async fn request(caller: &Caller, tenant: Option<&str>, new: NewRiskAcceptance) -> Result<(Etag, RiskAcceptance)> {
    let tenant = caller.one_tenant(Permission::RequestRisk, tenant)?;
    let mut command = caller.begin_write(Permission::RequestRisk).await?.command(tenant.0).await?;
    let now = command.recorded_at();
    let new = new.normalise(now, Sla::new(command.settings().clone()).latest_expiry(now))?;
    check_findings(&command, &new.findings).await?;
    let standstill = price::of_request(&command, &new).await?;
    let row = row(&mut command, caller, &new, standstill);
    let members = new.findings.iter().map(|finding| risk_acceptance_finding::Model {
        tenant_id: tenant.0,
        acceptance_id: row.id,
        finding_id: finding.0,
        outcome: AcceptanceOutcome::Requested,
        found_status: None,
    });
    let members = members.collect();
    command.insert::<risk_acceptance::Entity>(vec![row.clone().into_active_model().reset_all()]).await?;
    member::save(&command, members).await?;
    let id = row.id;
    let shown = list::shown(&command.scope(), vec![row]).await?.pop().ok_or_else(Error::not_found)?;
    command.commit("risk_acceptance.request", Some((ResourceType::RiskAcceptance, id))).await?;
    Ok((list::etag(caller, &shown), shown))
}

/// Refuses findings that are none of the municipality, and those that are in another acceptance.
async fn check_findings(command: &Command, findings: &[FindingId]) -> Result<()> {
    let ids = || findings.iter().map(|id| id.0);
    let scope = command.scope();
    let known = scope.find::<finding::Entity>().filter(finding::Column::Id.is_in(ids())).all().await?;
    let known: std::collections::HashSet<Uuid> = known.into_iter().map(|row| row.id).collect();
    let at = |wrong: &dyn Fn(&Uuid) -> Option<String>| -> Vec<Violation> {
        let places = findings.iter().enumerate();
        places.filter_map(|(at, id)| Some(Violation::new(format!("/findings/{at}"), wrong(&id.0)?))).collect()
    };
    let missing = at(&|id| (!known.contains(id)).then(|| "is no finding of this municipality".to_owned()));
    if !missing.is_empty() {
        return Err(domain::Error::invalid(missing).into());
    }
    use risk_acceptance_finding::{Column as C, Entity as E};
    let live = [AcceptanceOutcome::Requested, AcceptanceOutcome::Accepted];
    let taken = scope.find::<E>().filter(C::FindingId.is_in(ids())).filter(C::Outcome.is_in(live)).all().await?;
    let taken: HashMap<Uuid, Uuid> = taken.into_iter().map(|row| (row.finding_id, row.acceptance_id)).collect();
    let taken = at(&|id| taken.get(id).map(|acceptance| format!("is in acceptance {acceptance}")));
    if taken.is_empty() {
        return Ok(());
    }
    let detail = taken.iter().map(|v| format!("{} {}", v.pointer, v.detail)).take(3).collect::<Vec<_>>().join("; ");
    Err(Error::Refused(domain::Error { code: Code::AlreadyInAcceptance, detail, violations: taken }))
}

fn row(
    command: &mut Command,
    caller: &Caller,
    new: &NewRiskAcceptance,
    (standstill_days, cost_per_day): (i32, i64),
) -> risk_acceptance::Model {
    let id = Uuid::now_v7();
    let now = command.recorded_at();
    risk_acceptance::Model {
        tenant_id: command.tenant(),
        id,
        status: AcceptanceStatus::Requested,
        reason: new.reason.clone(),
        finding_count: i32::try_from(new.findings.len()).unwrap_or(i32::MAX),
        accepted_count: 0,
        skipped_count: 0,
        standstill_days,
        cost_per_day,
        fix_cost: new.fix_cost,
        currency: new.currency.clone().unwrap_or_default(),
        services: StringList(new.services.iter().map(ToString::to_string).collect()),
        days_by_service: new.standstill_days.is_none(),
        cost_by_service: new.cost_per_day.is_none(),
        requested_by: caller.principal().0,
        requested_at: now,
        expires_at: crate::clock::milliseconds(new.expires_at.0),
        decided_by: None,
        decided_at: None,
        decision_reason: None,
        revoked_by: None,
        revocation_reason: None,
        ended_at: None,
        review_needed: false,
        review_reason: None,
        updated_at: now,
        seq: command.record(EventKind::RiskAcceptanceRequested, id, Change::default()),
    }
}
