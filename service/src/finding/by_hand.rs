//! Merging and splitting by hand. What happened stays: both findings keep their events, and the merged one its
//! comments and evidence.

use super::{
    alias::Owners,
    fingerprint,
    merge::{Decision, Merging},
    patch::answer,
    row,
    write::{self, Edit},
};
use crate::{
    Error, Etag, Result, fingerprint_rule,
    tenancy::{Caller, Change, Scope},
};
use domain::{
    Code, EventKind, Finding, FindingId, Permission, ResourceType, Status, Violation,
    identity::{Merge, Split},
    status::permission_for,
    text,
};
use entity::{finding, finding_alias};
use sea_orm::{ColumnTrait, ExprTrait};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Makes a finding in the version read a duplicate of another one, of its own or another source, which later reports
/// of it reach. The survivor keeps its own decision and fields: whoever merges sees both.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`; `transition_refused` where the finding cannot become a duplicate.
pub async fn merge(caller: &Caller, id: FindingId, version: i64, wish: Merge) -> Result<(Etag, Finding)> {
    wish.check(id)?;
    let write = caller.begin_write(Permission::WriteFindings).await?;
    let tenant = write.get_version::<finding::Entity>(id.0, version).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    let before = command.get_version::<finding::Entity>(id.0, version).await?;
    let mut merging = Merging::load(&command, BTreeSet::from([id.0, wish.into.0])).await?;
    check(&before, merging.get(wish.into.0), wish.into)?;
    if leads(&command.scope(), &before, wish.into).await? {
        return answer(caller, row::shown(&command.scope(), vec![before]).await?);
    }
    merging.load_followers(&command, BTreeSet::from([id.0])).await?;
    merging.absorb(id.0, wish.into.0, Decision::Own);
    if let (Some(comment), Some(row)) = (wish.comment, merging.change(id.0)) {
        row.status_comment = Some(text::clean(&comment, 10_000));
    }
    let saved = merging.save(&mut command).await?;
    let rows = saved.into_iter().map(|saved| saved.row).filter(|row| row.id == id.0).collect();
    let shown = row::shown(&command.scope(), rows).await?;
    command.commit("finding.merge", Some((ResourceType::Finding, id.0))).await?;
    answer(caller, shown)
}

fn check(before: &finding::Model, into: Option<&finding::Model>, id: FindingId) -> Result<()> {
    let detail = match into {
        None => "is no finding of this municipality",
        Some(into) if into.status == Status::Duplicate => "is a duplicate itself",
        Some(into) if into.status == Status::RiskAccepted && before.status.is_open() => {
            // It would rest through an acceptance that nobody gave for it.
            return Err(Error::refused(Code::AcceptanceRequired, Code::AcceptanceRequired.title()));
        }
        Some(_) if before.status == Status::Duplicate && before.duplicate_of == Some(id.0) => return Ok(()),
        Some(_) => {
            permission_for(before.status, Status::Duplicate)?;
            return Ok(());
        }
    };
    Err(Error::Refused(domain::Error::invalid(vec![Violation::new("/into", detail)])))
}

/// Whether the finding's reports reach the other one already.
async fn leads(scope: &Scope<'_>, row: &finding::Model, into: FindingId) -> Result<bool> {
    let owners = Owners::of(scope, &[(row.source_id, row.fingerprint.as_str())]).await?;
    let other = owners.other(&(row.source_id, row.fingerprint.clone()));
    let leads = other.is_some_and(|other| (other.finding_id, other.merged_id) == (into.0, Some(row.id)));
    Ok(row.status == Status::Duplicate && leads)
}

/// Takes merged findings out of a finding in the version read: they are confirmed again, and their reports reach them.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`; `invalid_body` for a fingerprint that leads to no finding merged into this one,
/// or none that the caller may know; `transition_refused` where the rule of their source makes them one.
pub async fn split(caller: &Caller, id: FindingId, version: i64, wish: Split) -> Result<(Etag, Finding)> {
    wish.check()?;
    let write = caller.begin_write(Permission::WriteFindings).await?;
    let tenant = write.get_version::<finding::Entity>(id.0, version).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    let survivor = command.get_version::<finding::Entity>(id.0, version).await?;
    let merged = named(&command.scope(), &survivor, &wish).await?;
    for row in &merged {
        refuse_one(&command.scope(), &survivor, row).await?;
        permission_for(row.status, Status::Confirmed)?;
    }
    let ids: Vec<Uuid> = merged.iter().map(|row| row.id).collect();
    let mut edits: Vec<Edit> = merged.into_iter().map(|row| confirmed(row, command.recorded_at())).collect();
    let extra = Change::default().field("merged", &ids, &Vec::new());
    edits.push(Edit { kind: Some(EventKind::FindingSplit), extra, ..Edit::of(survivor.clone(), survivor) });
    let saved = write::save(&mut command, edits).await?;
    let rows = saved.into_iter().map(|saved| saved.row).filter(|row| row.id == id.0).collect();
    let shown = row::shown(&command.scope(), rows).await?;
    command.commit("finding.split", Some((ResourceType::Finding, id.0))).await?;
    answer(caller, shown)
}

/// The merged findings whose fingerprints are named. Of what is withheld from the caller a guess finds nothing.
async fn named(scope: &Scope<'_>, survivor: &finding::Model, wish: &Split) -> Result<Vec<finding::Model>> {
    use finding_alias::Column as C;
    let asked = C::FindingId.eq(survivor.id).and(C::Fingerprint.is_in(wish.fingerprints.iter().map(String::as_str)));
    let aliases = scope.find::<finding_alias::Entity>().filter(asked).all().await?;
    let ids = aliases.iter().filter_map(|alias| alias.merged_id);
    let rows = scope.find::<finding::Entity>().filter(finding::Column::Id.is_in(ids)).all().await?;
    let may = scope.may(Permission::ReadEvidence, survivor.tenant_id);
    let is_open = |row: &finding::Model| may || !(row.tlp.is_restricted() || survivor.tlp.is_restricted());
    let rows: BTreeMap<Uuid, _> = rows.into_iter().filter(is_open).map(|row| (row.id, row)).collect();
    let is_known = |text: &String| {
        let mut led = aliases.iter().filter(|alias| alias.fingerprint == *text).filter_map(|alias| alias.merged_id);
        led.any(|merged| rows.contains_key(&merged))
    };
    let unknown = wish.fingerprints.iter().enumerate().filter(|(_, text)| !is_known(text));
    let detail = "is no fingerprint of a finding that was merged into this one";
    let violations: Vec<_> = unknown.map(|(at, _)| Violation::new(format!("/fingerprints/{at}"), detail)).collect();
    if violations.is_empty() {
        Ok(rows.into_values().collect())
    } else {
        Err(domain::Error::invalid(violations).into())
    }
}

/// What the rule in force makes one cannot be told apart by its next report.
async fn refuse_one(scope: &Scope<'_>, survivor: &finding::Model, merged: &finding::Model) -> Result<()> {
    if (survivor.source_id, survivor.asset_id) != (merged.source_id, merged.asset_id) {
        return Ok(());
    }
    let (rule, _) = fingerprint_rule::in_force(scope, merged.source_id).await?;
    let key = |row| fingerprint::weakness_key(&rule, &fingerprint::told(row));
    if key(survivor).is_none_or(|own| key(merged) != Some(own)) {
        return Ok(());
    }
    let detail = format!(
        "the fingerprint rule of the source makes {} and {} one: change the rule first",
        merged.id, survivor.id
    );
    Err(Error::refused(Code::TransitionRefused, detail))
}

fn confirmed(before: finding::Model, now: domain::Timestamp) -> Edit {
    let after = finding::Model {
        status: Status::Confirmed,
        justification: None,
        status_comment: None,
        duplicate_of: None,
        decided_at: Some(now),
        reopened_count: before.reopened_count + 1,
        seen_after_dismissal: false,
        ..before.clone()
    };
    Edit { kind: Some(EventKind::FindingSplit), ..Edit::of(before, after) }
}
