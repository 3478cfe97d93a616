//! What a person says about a finding, over what its source says.

use super::{
    list, row,
    write::{self, Edit},
};
use crate::{Etag, Result, tenancy::Caller};
use domain::{
    Finding, FindingId, Permission, PrincipalId, ResourceType, Timestamp,
    adjusted_severity::{Adjusted, Wish},
    finding::FindingPatch,
};
use entity::{finding, finding_term, json::StringList};
use sea_orm::ActiveValue::Set;

/// Marks of what a person has set, which no import then touches.
pub(crate) mod person_set {
    /// Severity.
    pub(crate) const SEVERITY: i16 = 1;
    /// Tags.
    pub(crate) const TAGS: i16 = 2;
    /// Marking.
    pub(crate) const TLP: i16 = 4;
    /// Due date.
    pub(crate) const DUE: i16 = 8;
}

/// Changes severity, assignee, tags, marking and due date of a finding in the version read. A
/// raised severity puts it under the default rule, as an import's would; one that
/// differs from the source's needs a reason.
///
/// Anybody who may write may mark a finding TLP:RED. Taking that mark away also needs
/// `evidence:read`: who may not see what is withheld does not get to unlock it.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`.
pub async fn patch(caller: &Caller, id: FindingId, version: i64, patch: FindingPatch) -> Result<(Etag, Finding)> {
    let patch = patch.normalise()?;
    let write = caller.begin_write(Permission::WriteFindings).await?;
    let before = write.get_version::<finding::Entity>(id.0, version).await?;
    let after = changed(caller, &before, &patch, caller.now())?;
    if after == before {
        return answer(caller, row::shown(&write.scope(), vec![after]).await?);
    }
    let mut command = write.command(before.tenant_id).await?;
    let before = command.get_version::<finding::Entity>(id.0, version).await?;
    let now = command.recorded_at();
    let edit = Edit::of(before.clone(), changed(caller, &before, &patch, now)?);
    let saved = write::save(&mut command, vec![edit]).await?;
    let shown = row::shown(&command.scope(), saved.into_iter().map(|saved| saved.row).collect()).await?;
    command.commit("finding.patch", Some((ResourceType::Finding, id.0))).await?;
    answer(caller, shown)
}

/// The fields that a person has set: saying again what the source says is a change too, since it then stays.
pub(super) fn set_by_person(row: &finding::Model) -> Vec<&'static str> {
    let fields = [
        (person_set::SEVERITY, "severity"),
        (person_set::TAGS, "tags"),
        (person_set::TLP, "tlp"),
        (person_set::DUE, "due_at"),
    ];
    fields.into_iter().filter(|(bit, _)| row.person_set & bit != 0).map(|(_, name)| name).collect()
}

/// What a change answers: the finding as it now is, with its tag.
pub(super) fn answer(caller: &Caller, mut shown: Vec<Finding>) -> Result<(Etag, Finding)> {
    let finding = shown.pop().ok_or_else(crate::Error::not_found)?;
    Ok((list::etag(caller, &finding), finding))
}

/// The finding as the change leaves it.
///
/// # Errors
/// `forbidden` if the mark that withholds goes and the caller may not see what it withholds; `invalid_body`.
pub(super) fn changed(
    caller: &Caller,
    before: &finding::Model,
    patch: &FindingPatch,
    now: Timestamp,
) -> Result<finding::Model> {
    patch.check(before.status)?;
    let after = apply(before, patch.clone(), caller.principal(), now)?;
    if before.tlp.is_restricted() && !after.tlp.is_restricted() {
        caller.require(Permission::ReadEvidence, before.tenant_id)?;
    }
    Ok(after)
}

fn apply(before: &finding::Model, patch: FindingPatch, by: PrincipalId, now: Timestamp) -> Result<finding::Model> {
    let mut after = before.clone();
    adjust(&mut after, Wish { severity: patch.severity, reason: patch.severity_reason }, by, now)?;
    if let Some(assignee) = patch.assignee {
        after.assignee = assignee;
    }
    if let Some(tags) = patch.tags {
        mark(&mut after, person_set::TAGS, tags.is_some());
        after.tags = tags.map_or_else(|| before.reported_tags.clone(), StringList);
    }
    if let Some(tlp) = patch.tlp {
        mark(&mut after, person_set::TLP, tlp.is_some());
        after.tlp = tlp.unwrap_or(before.reported_tlp);
    }
    if let Some(due) = patch.due_at {
        // Without one, the rule fills it in again.
        mark(&mut after, person_set::DUE, due.is_some());
        after.due_at = due.map_or(before.due_at, |due| Some(due.0));
    }
    Ok(after)
}

/// Gives it another severity or reason, and notes who did so; nothing if both stay.
fn adjust(row: &mut finding::Model, wish: Wish, by: PrincipalId, now: Timestamp) -> Result<()> {
    let is_set = row.person_set & person_set::SEVERITY != 0;
    let before = Adjusted { severity: row.severity, is_set, reason: row.severity_reason.clone() };
    let after = before.by(&wish, row.reported_severity)?;
    if after != before {
        mark(row, person_set::SEVERITY, after.is_set);
        (row.severity_by, row.severity_at) = after.is_set.then_some((by.0, now)).unzip();
        (row.severity, row.severity_reason) = (after.severity, after.reason);
    }
    Ok(())
}

fn mark(row: &mut finding::Model, bit: i16, set: bool) {
    row.person_set = if set { row.person_set | bit } else { row.person_set & !bit };
}

/// One row per value, for filters.
pub(super) fn terms(row: &finding::Model, kind: &str, values: &[String]) -> Vec<finding_term::ActiveModel> {
    let unique: std::collections::BTreeSet<&String> = values.iter().collect();
    unique
        .into_iter()
        .map(|term| finding_term::ActiveModel {
            tenant_id: Set(row.tenant_id),
            kind: Set(kind.to_owned()),
            term: Set(term.clone()),
            finding_id: Set(row.id),
        })
        .collect()
}
