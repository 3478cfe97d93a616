//! The one way in which findings are written, whoever changes them: what follows
//! from their surroundings is derived, what differs is numbered, history and
//! the counts of assets are kept, and tasks follow. A few statements, whatever
//! the number of findings.

use super::{
    alias, counters,
    derive::{self, Surroundings},
    difference, patch, version,
};
use crate::{
    Result, risk_acceptance, search, task_rule,
    tenancy::{Change, Command},
};
use domain::{EventKind, Status};
use entity::{finding, finding_term};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, Iterable, sea_query::OnConflict};
use uuid::Uuid;

/// A finding that a command makes or changes.
pub(crate) struct Edit {
    /// As it is stored, read behind the tenant's clock; none if it is new.
    pub(crate) before: Option<finding::Model>,
    /// As it is to be. `seq`, `updated_at` and what is derived are filled in.
    pub(crate) after: finding::Model,
    /// What happened, where the fields do not say it.
    pub(crate) kind: Option<EventKind>,
    /// What changed beside the row, for the event.
    pub(crate) extra: Change,
}

impl Edit {
    /// A change of a known finding.
    pub(crate) fn of(before: finding::Model, after: finding::Model) -> Self {
        Self { before: Some(before), after, kind: None, extra: Change::default() }
    }

    /// Whether it now says to do something else.
    pub(crate) fn says_other(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.recommendation != self.after.recommendation)
    }
}

/// What became of an edit.
pub(crate) struct Saved {
    /// The finding as it is stored now.
    pub(crate) row: finding::Model,
    /// Whether anything changed that somebody sees.
    pub(crate) is_numbered: bool,
}

/// Stores the edits, in their order. No two of them are of the same finding.
///
/// What changed beneath what a person has set is stored without a number: nobody sees it, but the way back leads to it.
pub(crate) async fn save(command: &mut Command, mut edits: Vec<Edit>) -> Result<Vec<Saved>> {
    if edits.is_empty() {
        return Ok(Vec::new());
    }
    let around = Surroundings::load(command, &edits).await?;
    for edit in &mut edits {
        derive::apply(command, edit, &around);
        // Where nothing is claimed, nobody in a tracker has claimed it.
        edit.after.claimed_by_external =
            edit.after.claimed_by_external.take().filter(|_| edit.after.claimed_by.is_some());
    }
    let is_numbered: Vec<bool> = edits.iter_mut().map(|edit| number(command, edit)).collect();
    let numbered = || edits.iter().zip(&is_numbered).filter(|(_, is_numbered)| **is_numbered).map(|(edit, _)| edit);
    write_rows(command, edits.iter().filter(|edit| edit.before.as_ref() != Some(&edit.after))).await?;
    write_terms(command, numbered()).await?;
    alias::release(command, left(numbered())).await?;
    version::write(command, numbered()).await?;
    counters::follow(command, numbered(), around.assets).await?;
    task_rule::follow(command, numbered()).await?;
    risk_acceptance::follow(command, numbered()).await?;
    let saved = |(edit, is_numbered): (Edit, bool)| Saved { row: edit.after, is_numbered };
    Ok(edits.into_iter().zip(is_numbered).map(saved).collect())
}

/// Findings that are no duplicates any more: their reports are about themselves again.
fn left<'e>(edits: impl Iterator<Item = &'e Edit>) -> Vec<&'e finding::Model> {
    let was = |edit: &&Edit| edit.before.as_ref().is_some_and(|before| before.status == Status::Duplicate);
    edits.filter(was).filter(|edit| edit.after.status != Status::Duplicate).map(|edit| &edit.after).collect()
}

/// Numbers the edit if it is new or changed, and says whether it is.
fn number(command: &mut Command, edit: &mut Edit) -> bool {
    let extra = std::mem::take(&mut edit.extra);
    let change = match &edit.before {
        None => extra,
        Some(before) => difference::of(before, &edit.after, extra),
    };
    if edit.before.is_some() && change.is_empty() && edit.kind.is_none() {
        return false;
    }
    let kind = edit.kind.unwrap_or_else(|| kind(edit.before.as_ref(), &edit.after));
    edit.after.updated_at = command.recorded_at();
    edit.after.seq = command.record(kind, edit.after.id, change);
    true
}

fn kind(before: Option<&finding::Model>, after: &finding::Model) -> EventKind {
    match before {
        None => EventKind::FindingCreated,
        Some(before) if after.reopened_count > before.reopened_count => EventKind::FindingReopened,
        Some(before) if after.status != before.status => EventKind::FindingStatusChanged,
        Some(_) => EventKind::FindingUpdated,
    }
}

async fn write_rows(command: &Command, edits: impl Iterator<Item = &Edit>) -> Result<()> {
    use finding::Column as C;
    let columns = C::iter().filter(|c| !matches!(c, C::TenantId | C::Id));
    let again = OnConflict::columns([C::TenantId, C::Id]).update_columns(columns).to_owned();
    let rows = edits.map(|edit| edit.after.clone().into_active_model().reset_all()).collect();
    command.upsert::<finding::Entity>(rows, again).await
}

/// The values that filters look up one by one, and the words that are searched for.
async fn write_terms(command: &Command, edits: impl Iterator<Item = &Edit>) -> Result<()> {
    let is_other = |edit: &&Edit| edit.before.as_ref().is_none_or(|before| search::differs(before, &edit.after));
    let edits: Vec<&Edit> = edits.filter(is_other).collect();
    let known: Vec<Uuid> = edits.iter().filter(|edit| edit.before.is_some()).map(|edit| edit.after.id).collect();
    if !known.is_empty() {
        command.delete::<finding_term::Entity>(finding_term::Column::FindingId.is_in(known)).await?;
    }
    let terms = |edit: &&Edit| {
        let row = &edit.after;
        [patch::terms(row, "cve", &row.cves.0), patch::terms(row, "tag", &row.tags.0), search::of_finding(row)].concat()
    };
    command.insert::<finding_term::Entity>(edits.iter().flat_map(terms).collect()).await
}
