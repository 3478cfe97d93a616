//! From what a report says about an asset to the asset: matched by identifier,
//! or made as `discovered`. No finding is lost for want of an asset.

use crate::{
    Result,
    asset::{
        blank,
        book::{AT_ONCE, Book, Claim},
    },
    tenancy::{Change, Command, Scope},
};
use domain::{EventKind, Identifier, Provenance, ReportedAsset, Timestamp};
use entity::asset;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, IntoActiveModel,
    sea_query::{Expr, OnConflict},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// The assets of a batch.
pub(super) struct Assets {
    by_identifiers: HashMap<Vec<Identifier>, Uuid>,
    pub(super) created: i64,
}

impl Assets {
    /// The asset that a record is about.
    pub(super) fn of(&self, reported: &ReportedAsset) -> Option<Uuid> {
        self.by_identifiers.get(&reported.identifiers).copied()
    }
}

/// Finds or makes the asset of each reported one and when it was observed, in a few statements whatever their number.
pub(super) async fn resolve<'r>(
    command: &mut Command,
    reported: impl Iterator<Item = (&'r ReportedAsset, Timestamp)>,
) -> Result<Assets> {
    let mut wanted: BTreeMap<&Vec<Identifier>, (&ReportedAsset, Timestamp)> = BTreeMap::new();
    for (asset, observed_at) in reported.filter(|(asset, _)| !asset.identifiers.is_empty()) {
        let (_, last) = wanted.entry(&asset.identifiers).or_insert((asset, observed_at));
        *last = observed_at.max(*last);
    }
    let mut known = Known::load(&command.scope(), wanted.keys().flat_map(|identifiers| identifiers.iter())).await?;
    let (mut by_identifiers, mut seen) = (HashMap::new(), HashMap::new());
    for (identifiers, (asset, observed_at)) in wanted {
        let id = known.resolve(asset, Claim::Seen(observed_at));
        by_identifiers.insert(identifiers.clone(), id);
        let last = seen.entry(id).or_insert(observed_at);
        *last = observed_at.max(*last);
    }
    let created = i64::try_from(known.new.len()).unwrap_or(i64::MAX);
    known.save(command).await?;
    flag_retired(command, &seen).await?;
    Ok(Assets { by_identifiers, created })
}

/// Flags assets that were seen after they were taken out of use. They stay out of use, since a person said so.
async fn flag_retired(command: &mut Command, seen: &HashMap<Uuid, Timestamp>) -> Result<()> {
    // In the words of the partial index `asset_retired`, which is as short as the list of what is out of use.
    let is_retired = Expr::cust(r#""asset"."retired_at" IS NOT NULL"#);
    let mut rows = Vec::new();
    for some in seen.keys().copied().collect::<Vec<_>>().chunks(AT_ONCE) {
        let of_seen = Condition::all().add(asset::Column::Id.is_in(some.iter().copied())).add(is_retired.clone());
        let find = command.scope().find::<asset::Entity>().filter(of_seen);
        for row in find.filter(asset::Column::SeenAfterRetirement.eq(false)).all().await? {
            if row.retired_at.zip(seen.get(&row.id)).is_none_or(|(retired, seen)| *seen <= retired) {
                continue;
            }
            let change = Change::default().field("seen_after_retirement", &false, &true);
            let seq = command.record(EventKind::AssetUpdated, row.id, change);
            let row = asset::Model { seen_after_retirement: true, updated_at: command.recorded_at(), seq, ..row };
            rows.push(row.into_active_model().reset_all());
        }
    }
    use asset::Column as C;
    let again = OnConflict::columns([C::TenantId, C::Id])
        .update_columns([C::SeenAfterRetirement, C::UpdatedAt, C::Seq])
        .to_owned();
    command.upsert::<asset::Entity>(rows, again).await
}

/// Which asset each of the reported ones is, or would be if they were stored in this order. Writes nothing.
pub(super) async fn recognise(scope: &Scope<'_>, reported: &[ReportedAsset]) -> Result<Vec<Uuid>> {
    let mut known = Known::load(scope, reported.iter().flat_map(|asset| &asset.identifiers)).await?;
    Ok(reported.iter().map(|asset| known.resolve(asset, Claim::Supposed)).collect())
}

/// Assets that share an identifier with the batch, and what the batch adds to them.
#[derive(Default)]
struct Known {
    book: Book,
    new: Vec<(Uuid, ReportedAsset)>,
}

impl Known {
    async fn load(scope: &Scope<'_>, wanted: impl Iterator<Item = &Identifier>) -> Result<Self> {
        let mut known = Self::default();
        known.book.load(scope, wanted).await?;
        Ok(known)
    }

    fn resolve(&mut self, reported: &ReportedAsset, claim: Claim) -> Uuid {
        let id = self.book.find(&reported.identifiers).unwrap_or_else(|| {
            let id = Uuid::now_v7();
            self.new.push((id, reported.clone()));
            id
        });
        self.book.give_all(id, &reported.identifiers, claim);
        id
    }

    async fn save(mut self, command: &mut Command) -> Result<()> {
        let now = command.recorded_at();
        let mut rows = Vec::with_capacity(self.new.len());
        for (id, reported) in &self.new {
            let seq = command.record(EventKind::AssetCreated, *id, Change::default());
            let row = blank(command, *id, reported.kind, reported.name.clone(), Provenance::Discovered);
            rows.push(asset::Model { seq, ..row }.into_active_model().reset_all());
        }
        let new: BTreeSet<Uuid> = self.new.iter().map(|(id, _)| *id).collect();
        let grown: Vec<Uuid> = self.book.changed().filter(|id| !new.contains(id)).collect();
        for some in grown.chunks(AT_ONCE) {
            let of_grown = asset::Column::Id.is_in(some.iter().copied());
            for row in command.scope().find::<asset::Entity>().filter(of_grown).all().await? {
                let changed = self.book.take_changes(row.id);
                let change = Change::default().field("identifiers", &changed.lost, &changed.gained);
                let seq = command.record(EventKind::AssetUpdated, row.id, change);
                rows.push(asset::Model { updated_at: now, seq, ..row }.into_active_model().reset_all());
            }
        }
        let again = OnConflict::columns([asset::Column::TenantId, asset::Column::Id])
            .update_columns([asset::Column::UpdatedAt, asset::Column::Seq])
            .to_owned();
        command.upsert::<asset::Entity>(rows, again).await?;
        self.book.save(command).await
    }
}
