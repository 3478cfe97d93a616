//! Making one finding of several: one survives, the others become its duplicates, and their names lead to it.

use super::{
    alias::{self, Alias},
    presence,
    write::{self, Edit, Saved},
};
use crate::{
    Result,
    tenancy::{Change, Command},
};
use domain::{
    EventKind, Justification, Status,
    identity::{Carried, Member, carried},
};
use entity::{finding, sighting};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, IntoActiveModel,
    sea_query::{IntoCondition, OnConflict},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Merges each first finding into the second, all of the command's tenant. The survivor carries the decision that
/// leaves the most to do (see [`carried`]); nothing happens where both are one already.
pub(crate) async fn absorb(command: &mut Command, pairs: Vec<(Uuid, Uuid)>) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let mut merging = Merging::load(command, pairs.iter().flat_map(|(from, into)| [*from, *into]).collect()).await?;
    merging.load_followers(command, pairs.iter().map(|(from, _)| *from).collect()).await?;
    for (from, into) in pairs {
        merging.absorb(from, into, Decision::Carried);
    }
    merging.save(command).await?;
    Ok(())
}

/// Whose decision the survivor has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The one that leaves the most to do: for merging by a rule.
    Carried,
    /// Its own: for merging by a person, who sees both.
    Own,
}

/// Findings on their way to become one; written together.
pub(crate) struct Merging {
    rows: HashMap<Uuid, Row>,
    /// In the order in which they were touched, so that events follow it.
    order: Vec<Uuid>,
    /// All names that lead to any of them.
    aliases: Vec<Alias>,
    new_aliases: Vec<Alias>,
    now: domain::Timestamp,
}

struct Row {
    before: finding::Model,
    after: finding::Model,
    seen: Option<sighting::Model>,
    is_merge: bool,
    /// What was merged into it.
    merged: Vec<Uuid>,
    comes_later: bool,
}

impl Merging {
    /// Loads the findings and their sightings: two statements.
    pub(crate) async fn load(command: &Command, ids: BTreeSet<Uuid>) -> Result<Self> {
        let now = command.recorded_at();
        let mut merging =
            Self { rows: HashMap::new(), order: Vec::new(), aliases: Vec::new(), new_aliases: Vec::new(), now };
        merging.add(command, finding::Column::Id.is_in(ids).into_condition()).await?;
        Ok(merging)
    }

    /// Loads what follows findings that are to be merged: their duplicates and names, in three statements.
    pub(crate) async fn load_followers(&mut self, command: &Command, merged: BTreeSet<Uuid>) -> Result<()> {
        let merged: Vec<Uuid> = merged.into_iter().collect();
        self.aliases.extend(alias::of(command, &merged).await?);
        self.add(command, finding::Column::DuplicateOf.is_in(merged).into_condition()).await
    }

    async fn add(&mut self, command: &Command, these: Condition) -> Result<()> {
        let rows = command.scope().find::<finding::Entity>().filter(these).all().await?;
        let rows: Vec<_> = rows.into_iter().filter(|row| !self.rows.contains_key(&row.id)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let of_rows = sighting::Column::FindingId.is_in(rows.iter().map(|row| row.id));
        let seen = command.scope().find::<sighting::Entity>().filter(of_rows).all().await?;
        let mut seen: HashMap<Uuid, _> = seen.into_iter().map(|seen| (seen.finding_id, seen)).collect();
        self.rows.extend(rows.into_iter().map(|row| (row.id, Row::of(seen.remove(&row.id), row))));
        Ok(())
    }

    /// A finding as it stands by now.
    pub(crate) fn get(&self, id: Uuid) -> Option<&finding::Model> {
        Some(&self.rows.get(&id)?.after)
    }

    /// A finding to be changed.
    pub(crate) fn change(&mut self, id: Uuid) -> Option<&mut finding::Model> {
        let row = self.rows.get_mut(&id)?;
        if !self.order.contains(&id) {
            self.order.push(id);
        }
        Some(&mut row.after)
    }

    /// A name that is to lead to a finding.
    pub(crate) fn name(&mut self, alias: Alias) {
        self.new_aliases.push(alias);
    }

    /// Makes `from` a duplicate of `into`, whose names it gives over.
    pub(crate) fn absorb(&mut self, from: Uuid, into: Uuid, decision: Decision) {
        let (Some(merged), Some(survivor)) = (self.rows.get(&from), self.rows.get(&into)) else { return };
        if from == into {
            return;
        }
        let after = match decision {
            Decision::Own => survivor.after.clone(),
            Decision::Carried => decided(survivor, merged, self.now),
        };
        let original = after.duplicate_of.unwrap_or(into);
        let name = (merged.after.source_id, merged.after.fingerprint.clone());
        let (first_seen, last_seen) = (merged.after.first_seen, merged.seen.as_ref().map(|seen| seen.last_seen));
        if let Some(row) = self.change(into) {
            *row = after;
            row.first_seen = row.first_seen.min(first_seen);
        }
        if let Some(row) = self.rows.get_mut(&into) {
            row.is_merge = true;
            row.merged.push(from);
            if let (Some(seen), Some(last)) = (&mut row.seen, last_seen)
                && last > seen.last_seen
            {
                // It is there if either is: what complete reports missed of it before that counts no more.
                row.after.gone_at = presence::saw(seen, last);
                row.comes_later = true;
            }
        }
        self.dismiss(from, original);
        self.lead(name, from, into);
        let follow = |(id, row): (&Uuid, &Row)| (row.after.duplicate_of == Some(from)).then_some(*id);
        let followers: BTreeSet<Uuid> = self.rows.iter().filter_map(follow).collect();
        for id in followers {
            if let Some(row) = self.change(id) {
                row.duplicate_of = Some(original);
            }
        }
    }

    fn dismiss(&mut self, id: Uuid, original: Uuid) {
        let now = self.now;
        if let Some(row) = self.rows.get_mut(&id) {
            row.is_merge = true;
        }
        let Some(row) = self.change(id) else { return };
        if row.status != Status::Duplicate {
            row.decided_at = Some(now);
        }
        row.status = Status::Duplicate;
        row.justification = Some(Justification::SameAsOther);
        row.duplicate_of = Some(original);
        (row.claimed_by, row.claimed_by_external) = (None, None);
        row.acceptance_id = None;
        row.seen_after_dismissal = false;
    }

    /// Its own name and all that led to it lead to the survivor.
    fn lead(&mut self, (source_id, fingerprint): (Uuid, String), from: Uuid, into: Uuid) {
        let mut moved = Vec::new();
        for alias in self.aliases.iter_mut().chain(&mut self.new_aliases).filter(|alias| alias.finding_id == from) {
            alias.finding_id = into;
            alias.merged_id = Some(alias.merged_id.unwrap_or(from)).filter(|merged| *merged != into);
            moved.push(alias.clone());
        }
        self.new_aliases.extend(moved);
        self.new_aliases.push(Alias { source_id, fingerprint, finding_id: into, merged_id: Some(from) });
    }

    /// Writes them, with one event each.
    pub(crate) async fn save(self, command: &mut Command) -> Result<Vec<Saved>> {
        let Self { mut rows, order, new_aliases, .. } = self;
        let touched: Vec<Row> = order.into_iter().filter_map(|id| rows.remove(&id)).collect();
        let later = touched.iter().filter(|row| row.comes_later).filter_map(|row| row.seen.clone());
        let seen: BTreeMap<Uuid, sighting::Model> = later.map(|seen| (seen.finding_id, seen)).collect();
        let edits = touched.into_iter().map(Row::edit).collect();
        let saved = write::save(command, edits).await?;
        let seen = seen.into_values().map(|seen| seen.into_active_model().reset_all()).collect();
        let key = [sighting::Column::TenantId, sighting::Column::FindingId];
        let again = OnConflict::columns(key)
            .update_columns([sighting::Column::LastSeen, sighting::Column::Absences])
            .to_owned();
        command.upsert::<sighting::Entity>(seen, again).await?;
        alias::add(command, new_aliases).await?;
        Ok(saved)
    }
}

impl Row {
    fn of(seen: Option<sighting::Model>, row: finding::Model) -> Self {
        let before = row.clone();
        Self { before, after: row, seen, is_merge: false, merged: Vec::new(), comes_later: false }
    }

    fn edit(self) -> Edit {
        let mut edit = Edit::of(self.before, self.after);
        if self.is_merge {
            edit.kind = Some(EventKind::FindingMerged);
            edit.extra = Change::default().field("merged", &Vec::new(), &self.merged);
        }
        edit
    }
}

/// The survivor with the decision that stands.
fn decided(survivor: &Row, merged: &Row, now: domain::Timestamp) -> finding::Model {
    let mut row = survivor.after.clone();
    let other = &merged.after;
    match carried(&survivor.member(), &merged.member()) {
        Carried::Own => {}
        Carried::Merged => {
            row.status = other.status;
            row.justification = other.justification;
            row.status_comment.clone_from(&other.status_comment);
            row.duplicate_of = None;
            row.claimed_by = other.claimed_by;
            row.claimed_by_external.clone_from(&other.claimed_by_external);
            row.decided_at = other.decided_at;
            row.acceptance_id = None;
        }
        Carried::Confirmed => {
            row.reopened_count += i32::from(row.status == Status::VerifiedFixed);
            row.status = Status::Confirmed;
            row.justification = None;
            row.status_comment = None;
            row.duplicate_of = None;
            (row.claimed_by, row.claimed_by_external) = (None, None);
            row.decided_at = Some(now);
            row.acceptance_id = None;
        }
    }
    // What a source saw after a dismissal is flagged, as an import would.
    let seen_later = |by: &Row| by.member().last_seen > row.decided_at.unwrap_or(now);
    row.seen_after_dismissal =
        row.status.is_dismissal() && (row.seen_after_dismissal || seen_later(survivor) || seen_later(merged));
    if row.assignee.is_none() {
        row.assignee.clone_from(&other.assignee);
    }
    // What the merged one's reports say lands in the survivor from now on, so whoever may not read that sees neither.
    row.reported_tlp = row.reported_tlp.max(other.reported_tlp);
    row.tlp = row.tlp.max(other.tlp);
    row
}

impl Row {
    fn member(&self) -> Member {
        let last_seen = self.seen.as_ref().map_or(self.after.first_seen, |seen| seen.last_seen);
        Member { status: self.after.status, decided_at: self.after.decided_at, last_seen }
    }
}
