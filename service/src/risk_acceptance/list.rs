//! Lists of acceptances, and one of them. Who may read findings may read what is accepted of them.

use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Read, Scope},
};
use domain::{
    AcceptanceId, AcceptedFinding, Page, PageRequest, Permission, PrincipalId, RiskAcceptance,
    risk_acceptance::{RiskAcceptanceFilter, standstill_cost},
};
use entity::{risk_acceptance, risk_acceptance_finding as member};
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Most findings that are named in an acceptance itself.
const MAX_SHOWN: u64 = 100;

/// A page of acceptances by id, unless the caller has it already.
///
/// # Errors
/// `invalid_parameter`, `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &RiskAcceptanceFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<RiskAcceptance>>> {
    filter.check()?;
    let read = caller.begin_in(Permission::ReadFindings, &filter.tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("risk_acceptances", filter))?;
    let etag = Etag::of_page(&scope, &cursors, page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let find = scope.find::<risk_acceptance::Entity>().filter(condition(filter));
    let mut page = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut page.items);
    let items = shown(&scope, rows).await?;
    Ok(Fresh::Changed(etag, page.of(items)))
}

fn condition(filter: &RiskAcceptanceFilter) -> Condition {
    use risk_acceptance::Column as C;
    let mut all = Condition::all();
    if !filter.status.is_empty() {
        all = all.add(C::Status.is_in(filter.status.iter().copied()));
    }
    all.add_option(filter.finding.map(|finding| Expr::exists(about(finding.0))))
        .add_option(filter.review_needed.map(|needed| C::ReviewNeeded.eq(needed)))
        .add_option(filter.expires_from.map(|time| C::ExpiresAt.gte(time.0)))
        .add_option(filter.expires_to.map(|time| C::ExpiresAt.lt(time.0)))
}

fn about(finding: Uuid) -> SelectStatement {
    use member::{Column as C, Entity as E};
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, C::TenantId)).equals((risk_acceptance::Entity, risk_acceptance::Column::TenantId)))
        .and_where(Expr::col((E, C::AcceptanceId)).equals((risk_acceptance::Entity, risk_acceptance::Column::Id)))
        .and_where(C::FindingId.eq(finding));
    select
}

/// One acceptance, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: AcceptanceId, seen: Option<&str>) -> Result<Fresh<RiskAcceptance>> {
    let read = caller.begin(Permission::ReadFindings).await?;
    let acceptance = by_ids(&read, &[id]).await?.pop().ok_or_else(Error::not_found)?;
    let etag = etag(caller, &acceptance);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, acceptance) })
}

pub(super) fn etag(caller: &Caller, acceptance: &RiskAcceptance) -> Etag {
    Etag::of_resource(acceptance.seq, &[&caller.rights_digest()])
}

/// Acceptances by id; those that the caller may not see are missing.
///
/// # Errors
/// If the store fails.
pub async fn by_ids(read: &Read, ids: &[AcceptanceId]) -> Result<Vec<RiskAcceptance>> {
    let scope = read.narrow(Permission::ReadFindings);
    let of_ids = risk_acceptance::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<risk_acceptance::Entity>().filter(of_ids).all().await?;
    shown(&scope, rows).await
}

/// Acceptances as they are shown: rows with their first findings, in one more statement.
pub(super) async fn shown(scope: &Scope<'_>, rows: Vec<risk_acceptance::Model>) -> Result<Vec<RiskAcceptance>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut findings: HashMap<Uuid, Vec<member::Model>> = HashMap::new();
    for row in first_findings(scope, &ids).await? {
        findings.entry(row.acceptance_id).or_default().push(row);
    }
    let shown = |row: risk_acceptance::Model| {
        let mut findings = findings.remove(&row.id).unwrap_or_default();
        findings.sort_by_key(|member| (member.found_status.is_none(), member.finding_id));
        of(row, findings)
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// The first findings of each, those that were left out before the others.
async fn first_findings(scope: &Scope<'_>, acceptances: &[Uuid]) -> Result<Vec<member::Model>> {
    use member::{Column as C, Entity as E};
    let find = scope.find::<E>().filter(C::AcceptanceId.is_in(acceptances.iter().copied()));
    let by = "found_status IS NULL, finding_id";
    find.first_of_each(&[C::AcceptanceId], by, MAX_SHOWN, &[C::AcceptanceId, C::FindingId]).all().await
}

fn of(row: risk_acceptance::Model, findings: Vec<member::Model>) -> RiskAcceptance {
    let finding = |member: member::Model| AcceptedFinding {
        finding_id: member.finding_id.into(),
        outcome: member.outcome,
        found_status: member.found_status,
    };
    RiskAcceptance {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        status: row.status,
        reason: row.reason,
        finding_count: row.finding_count,
        accepted_count: row.accepted_count,
        skipped_count: row.skipped_count,
        findings: findings.into_iter().map(finding).collect(),
        standstill_days: row.standstill_days,
        cost_per_day: row.cost_per_day,
        standstill_cost: standstill_cost(row.standstill_days, row.cost_per_day),
        fix_cost: row.fix_cost,
        currency: row.currency,
        services: row.services.0.iter().filter_map(|id| id.parse().ok()).collect(),
        requested_by: row.requested_by.into(),
        requested_at: row.requested_at.into(),
        expires_at: row.expires_at.into(),
        decided_by: row.decided_by.map(PrincipalId),
        decided_at: row.decided_at.map(Into::into),
        decision_reason: row.decision_reason,
        revoked_by: row.revoked_by.map(PrincipalId),
        revocation_reason: row.revocation_reason,
        ended_at: row.ended_at.map(Into::into),
        review_needed: row.review_needed,
        review_reason: row.review_reason,
        updated_at: row.updated_at.into(),
        seq: row.seq,
    }
}
