//! Retests: recorded by who may verify, and what follows for the finding.

use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    finding::{self, transition, write::Edit},
    paging,
    tenancy::{Caller, Change, Command, Read, Scope},
};
use domain::{
    EventKind, FindingId, Page, PageRequest, Permission, ResourceType, Retest, RetestId, Transition, Violation,
    retest::NewRetest,
};
use entity::{attachment, finding as row, retest};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, IntoActiveModel, QueryOrder, QuerySelect};
use std::collections::HashSet;
use uuid::Uuid;

/// Records what the caller saw of a finding in the version read, and moves it accordingly. A finding whose fix did not
/// hold is open again, as if a scan had seen it.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `transition_refused`, `same_person` if the caller claimed the fix, `invalid_body`.
pub async fn record(caller: &Caller, id: FindingId, version: i64, new: NewRetest) -> Result<(Etag, Retest)> {
    let new = new.normalise()?;
    let write = caller.begin_write(Permission::VerifyFindings).await?;
    let tenant = write.get_version::<row::Entity>(id.0, version).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    let before = command.get_version::<row::Entity>(id.0, version).await?;
    let after = moved(&command, caller, &before, &new).await?;
    check_attachment(&command, id, &new).await?;
    let round = last_round(&command, id).await? + 1;
    let told = serde_json::json!({"round": round, "method": new.method, "result": new.result});
    let extra = Change::default().field("retest", &None, &Some(told));
    let edit = Edit { extra, ..Edit::of(before.clone(), after) };
    let saved = finding::write::save(&mut command, vec![edit]).await?.pop().ok_or_else(Error::not_found)?.row;
    let retest_id = Uuid::now_v7();
    let row = retest::Model {
        tenant_id: tenant,
        id: retest_id,
        finding_id: id.0,
        round,
        method: new.method,
        result: new.result,
        attachment_id: new.attachment_id.map(|id| id.0),
        comment: new.comment,
        tested_by: caller.principal().0,
        tested_at: command.recorded_at(),
        status_before: before.status,
        status_after: saved.status,
        finding_seq: saved.seq,
        seq: command.record(EventKind::RetestRecorded, retest_id, Change::default()),
    };
    command.insert::<retest::Entity>(vec![row.clone().into_active_model().reset_all()]).await?;
    let shown = shown(&command.scope(), vec![row]).await?.pop().ok_or_else(Error::not_found)?;
    command.commit("finding.retest", Some((ResourceType::Retest, retest_id))).await?;
    Ok((etag(caller, &shown), shown))
}

/// The finding as the result leaves it. What a retest moves, it moves by the rules of a move by hand; only that it may
/// also reopen what was verified, since it has seen it.
async fn moved(command: &Command, caller: &Caller, before: &row::Model, new: &NewRetest) -> Result<row::Model> {
    let Some(to) = new.result.leads_to(before.status)? else { return Ok(before.clone()) };
    let wish = Transition { to, justification: None, comment: None, duplicate_of: None };
    let judge = transition::Judge::of(command, caller, &wish, std::slice::from_ref(before)).await?;
    judge.check(before, &wish)?;
    Ok(judge.apply(before, &wish))
}

/// The file that shows it must be one of this finding's.
async fn check_attachment(command: &Command, finding: FindingId, new: &NewRetest) -> Result<()> {
    use attachment::Column as C;
    let Some(id) = new.attachment_id else { return Ok(()) };
    let of_finding = Condition::all().add(C::Id.eq(id.0)).add(C::FindingId.eq(finding.0));
    if command.scope().find::<attachment::Entity>().filter(of_finding).one().await?.is_some() {
        return Ok(());
    }
    let violation = Violation::new("/attachment_id", "is no attachment of this finding");
    Err(domain::Error::invalid(vec![violation]).into())
}

async fn last_round(command: &Command, finding: FindingId) -> Result<i32> {
    use retest::Column as C;
    let find = command.scope().find::<retest::Entity>().filter(C::FindingId.eq(finding.0));
    let last = find.with(|select| select.order_by_desc(C::Round).limit(1)).one().await?;
    Ok(last.map_or(0, |last| last.round))
}

/// A page of the retests of a finding, in the order of their rounds, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    id: FindingId,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Retest>>> {
    let read = caller.begin(Permission::ReadFindings).await?;
    let scope = read.scope();
    let of_id = row::Column::Id.eq(id.0);
    scope.find::<row::Entity>().filter(of_id).one().await?.ok_or_else(Error::not_found)?;
    let cursors = Bound::of(caller, &("retests", id))?;
    let etag = Etag::of_page(&scope, &cursors, page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let find = scope.find::<retest::Entity>().filter(retest::Column::FindingId.eq(id.0));
    let mut page = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut page.items);
    let items = shown(&scope, rows).await?;
    Ok(Fresh::Changed(etag, page.of(items)))
}

/// One retest, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: RetestId, seen: Option<&str>) -> Result<Fresh<Retest>> {
    let read = caller.begin(Permission::ReadFindings).await?;
    let retest = by_ids(&read, &[id]).await?.pop().ok_or_else(Error::not_found)?;
    let etag = etag(caller, &retest);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, retest) })
}

/// The tag of a retest: what is withheld of it changes with its finding's marking.
fn etag(caller: &Caller, retest: &Retest) -> Etag {
    Etag::of_resource(retest.seq, &[&caller.rights_digest(), &retest.withheld.to_string()])
}

/// Retests by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[RetestId]) -> Result<Vec<Retest>> {
    let scope = read.narrow(Permission::ReadFindings);
    let of_ids = retest::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<retest::Entity>().filter(of_ids).all().await?;
    shown(&scope, rows).await
}

/// The last retests of each finding, in the order of their rounds: at most `each` of every one.
pub async fn of_findings(read: &Read, findings: &[FindingId], each: u64) -> Result<Vec<Retest>> {
    use retest::{Column as C, Entity as E};
    let scope = read.narrow(Permission::ReadFindings);
    let find = scope.find::<E>().filter(C::FindingId.is_in(findings.iter().map(|id| id.0)));
    let last = find.first_of_each(&[C::FindingId], "round DESC", each, &[C::Id]);
    let rows = last.with(|select| select.order_by_asc(C::Round)).all().await?;
    shown(&scope, rows).await
}

#[derive(sea_orm::FromQueryResult)]
struct Restricted {
    id: Uuid,
}

/// Retests as they are shown: what was said and attached is withheld with the finding's own evidence.
async fn shown(scope: &Scope<'_>, rows: Vec<retest::Model>) -> Result<Vec<Retest>> {
    use row::Column as C;
    let unseen = |row: &&retest::Model| !scope.may(Permission::ReadEvidence, row.tenant_id);
    let findings: Vec<Uuid> = rows.iter().filter(unseen).map(|row| row.finding_id).collect();
    let mut restricted = HashSet::new();
    if !findings.is_empty() {
        let marked = <domain::Tlp as sea_orm::Iterable>::iter().filter(|tlp| tlp.is_restricted());
        let find = scope.find::<row::Entity>().filter(C::Id.is_in(findings)).filter(C::Tlp.is_in(marked));
        let ids: Vec<Restricted> = find.with(|select| select.select_only().column(C::Id)).rows().await?;
        restricted.extend(ids.into_iter().map(|finding| finding.id));
    }
    let of = |row: retest::Model| {
        let withheld = restricted.contains(&row.finding_id);
        of(row, withheld)
    };
    Ok(rows.into_iter().map(of).collect())
}

fn of(row: retest::Model, withheld: bool) -> Retest {
    Retest {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        finding_id: row.finding_id.into(),
        round: row.round,
        method: row.method,
        result: row.result,
        attachment_id: row.attachment_id.filter(|_| !withheld).map(Into::into),
        comment: row.comment.filter(|_| !withheld),
        withheld,
        tested_by: row.tested_by.into(),
        tested_at: row.tested_at.into(),
        status_before: row.status_before,
        status_after: row.status_after,
        finding_seq: row.finding_seq,
        seq: row.seq,
    }
}
