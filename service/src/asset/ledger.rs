//! Rows of an inventory put down on assets: which one each means, and what it changes there. Nothing is
//! written before it is asked for, so that the same book-keeping answers what would become of an inventory.

use super::{
    book::{AT_ONCE, Book, Changed, Claim, Given},
    change::{blank, difference},
    person_set,
};
use crate::{
    Result,
    finding::priority,
    tenancy::{Command, Scope},
};
use domain::{
    AssetImport, AssetKind, AssetRow, EventKind, Identifier, Provenance, RejectedRecord, Timestamp,
    import::MAX_REJECTED, text,
};
use entity::asset;
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, sea_query::OnConflict};
use std::collections::HashMap;
use uuid::Uuid;

/// The assets that rows have named so far.
#[derive(Default)]
pub(super) struct Ledger {
    book: Book,
    places: HashMap<Uuid, Place>,
    /// In the order of the rows, so that numbers follow it.
    order: Vec<Uuid>,
}

/// An asset as it is stored (if it is) and as the rows leave it.
struct Place {
    before: Option<asset::Model>,
    after: Said,
}

/// What a row can say of an asset.
#[derive(Clone, PartialEq)]
struct Said {
    name: String,
    kind: AssetKind,
    provenance: Provenance,
    criticality: Option<domain::Criticality>,
    exposure: Option<domain::Exposure>,
    owner_unit: Option<String>,
    seen_after_retirement: bool,
    person_set: i16,
}

impl Said {
    fn of(row: &asset::Model) -> Self {
        Self {
            name: row.name.clone(),
            kind: row.kind,
            provenance: row.provenance,
            criticality: row.criticality,
            exposure: row.exposure,
            owner_unit: row.owner_unit.clone(),
            seen_after_retirement: row.seen_after_retirement,
            person_set: row.person_set,
        }
    }

    /// A discovered asset of which nothing is known but its first name.
    fn unknown(row: &AssetRow) -> Self {
        let first = row.identifiers.first().map(|identifier| identifier.value.clone()).unwrap_or_default();
        Self {
            name: row.name.clone().unwrap_or(first),
            kind: row.kind.unwrap_or_default(),
            provenance: Provenance::Discovered,
            criticality: None,
            exposure: None,
            owner_unit: None,
            seen_after_retirement: false,
            person_set: 0,
        }
    }

    /// Takes what the row says, where no person has said it. One that was only discovered does not overrule what
    /// people call it.
    fn take(&mut self, row: AssetRow, retired: Option<Timestamp>, seen_at: Timestamp) {
        if row.provenance == Provenance::Discovered {
            self.seen_after_retirement |= retired.is_some_and(|retired| seen_at > retired);
            return;
        }
        let free = |bit| self.person_set & bit == 0;
        self.provenance = Provenance::Inventoried;
        self.name = row.name.filter(|_| free(person_set::NAME)).unwrap_or_else(|| std::mem::take(&mut self.name));
        self.kind = row.kind.filter(|_| free(person_set::KIND)).unwrap_or(self.kind);
        self.criticality = row.criticality.filter(|_| free(person_set::CRITICALITY)).or(self.criticality);
        self.exposure = row.exposure.filter(|_| free(person_set::EXPOSURE)).or(self.exposure);
        self.owner_unit = row.owner_unit.filter(|_| free(person_set::OWNER_UNIT)).or_else(|| self.owner_unit.take());
    }

    fn applied(self, row: asset::Model, now: Timestamp) -> asset::Model {
        asset::Model {
            name: self.name,
            kind: self.kind,
            provenance: self.provenance,
            criticality: self.criticality,
            exposure: self.exposure,
            owner_unit: self.owner_unit,
            seen_after_retirement: self.seen_after_retirement,
            updated_at: now,
            ..row
        }
    }
}

impl Ledger {
    /// Looks up the assets that the rows may mean, in a few statements whatever their number.
    pub(super) async fn load(&mut self, scope: &Scope<'_>, rows: &[AssetRow]) -> Result<()> {
        let owners = self.book.load(scope, rows.iter().flat_map(|row| &row.identifiers)).await?;
        for some in owners.chunks(AT_ONCE) {
            let of_owners = asset::Column::Id.is_in(some.iter().copied());
            for row in scope.find::<asset::Entity>().filter(of_owners).all().await? {
                let place = Place { after: Said::of(&row), before: Some(row) };
                self.places.insert(place.before.as_ref().map_or_else(Uuid::nil, |row| row.id), place);
            }
        }
        Ok(())
    }

    /// Puts a row down, and counts what it does. `now` is when it was seen if it does not say.
    pub(super) fn take(&mut self, row: AssetRow, now: Timestamp, outcome: &mut AssetImport) {
        let found = self.book.find(&row.identifiers).filter(|id| self.places.contains_key(id));
        let id = found.unwrap_or_else(Uuid::now_v7);
        let new = || Place { before: None, after: Said::unknown(&row) };
        let place = self.places.entry(id).or_insert_with(new);
        // Nobody has seen what lies ahead.
        let seen_at = row.seen_at.map_or(now, |seen| seen.min(now));
        let is_seen = row.provenance == Provenance::Discovered;
        let claim = if is_seen { Claim::Seen(seen_at) } else { Claim::Entered };
        let mut is_given = false;
        for (identifier, given) in self.book.give_all(id, &row.identifiers, claim) {
            is_given |= matches!(given, Given::New | Given::From(_));
            match given {
                Given::Held | Given::New => {}
                Given::From(owner) => self.order.push(owner),
                Given::Taken(_) | Given::Full => left_out(outcome, &row.place, identifier, given),
            }
        }
        row.shared.iter().for_each(|identifier| shared(outcome, &row.place, identifier));
        let before = place.after.clone();
        let retired = place.before.as_ref().and_then(|before| before.retired_at);
        place.after.take(row, retired, seen_at);
        let is_changed = place.after != before || is_given;
        match found {
            None => outcome.created += 1,
            Some(_) if is_changed => outcome.updated += 1,
            Some(_) => outcome.unchanged += 1,
        }
        let reviewed = found.is_some() && before.provenance != place.after.provenance;
        outcome.reviewed += i64::from(reviewed);
        if found.is_none() || is_changed {
            self.order.push(id);
        }
    }

    /// Forgets what a batch would have written.
    pub(super) fn write_nothing(&mut self) {
        self.book.write_nothing();
        self.order.clear();
    }

    /// Writes what the rows change, in a few statements whatever their number.
    pub(super) async fn save(mut self, command: &mut Command) -> Result<()> {
        let (mut rows, mut weighed) = (Vec::new(), Vec::new());
        for id in std::mem::take(&mut self.order) {
            // An asset that several rows changed is written once.
            let Some(place) = self.places.remove(&id) else { continue };
            let before = place.before.as_ref().map(|before| (before.criticality, before.exposure));
            if before.is_some_and(|before| before != (place.after.criticality, place.after.exposure)) {
                weighed.push(id);
            }
            let row = number(command, id, place.before, place.after, &self.book.take_changes(id));
            rows.extend(row.map(|row| row.into_active_model().reset_all()));
        }
        use asset::Column as C;
        let columns = [
            C::Kind,
            C::Name,
            C::Criticality,
            C::Exposure,
            C::OwnerUnit,
            C::Provenance,
            C::SeenAfterRetirement,
            C::UpdatedAt,
            C::Seq,
        ];
        let again = OnConflict::columns([C::TenantId, C::Id]).update_columns(columns).to_owned();
        command.upsert::<asset::Entity>(rows, again).await?;
        self.book.save(command).await?;
        if weighed.is_empty() { Ok(()) } else { priority::of_assets(command, &weighed).await }
    }
}

fn left_out(outcome: &mut AssetImport, place: &str, identifier: &Identifier, given: Given) {
    let reason = match given {
        Given::Taken(owner) => format!("belongs to asset {owner}, and stays there"),
        _ => format!("is one too many: an asset has at most {} identifiers", Identifier::MAX_OF_ASSET),
    };
    warn(outcome, place, identifier, &reason);
}

fn shared(outcome: &mut AssetImport, place: &str, identifier: &Identifier) {
    warn(outcome, place, identifier, "tells no machine from another: many have it");
}

fn warn(outcome: &mut AssetImport, place: &str, identifier: &Identifier, reason: &str) {
    outcome.identifiers_left_out += 1;
    if outcome.warnings.len() < MAX_REJECTED {
        let reason = format!("{} {} {reason}", text::word(&identifier.kind), identifier.value);
        outcome.warnings.push(RejectedRecord { place: place.to_owned(), reason });
    }
}

/// The row with its new number; none if one row of the inventory has undone what another one did.
fn number(
    command: &mut Command,
    id: Uuid,
    before: Option<asset::Model>,
    said: Said,
    changed: &Changed,
) -> Option<asset::Model> {
    let now = command.recorded_at();
    let Some(before) = before else {
        let mut row = said.clone().applied(blank(command, id, said.kind, said.name.clone(), said.provenance), now);
        row.seq = command.record(EventKind::AssetCreated, id, crate::tenancy::Change::default());
        return Some(row);
    };
    let mut after = said.applied(before.clone(), now);
    let is_reviewed = before.provenance != after.provenance;
    let kind = if is_reviewed { EventKind::AssetReviewed } else { EventKind::AssetUpdated };
    let fields = difference(&before, &after).field("identifiers", &changed.lost, &changed.gained);
    if fields.is_empty() {
        return None;
    }
    after.seq = command.record(kind, id, fields);
    Some(after)
}
