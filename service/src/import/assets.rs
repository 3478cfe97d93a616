//! From what a report says about an asset to the asset: matched by identifier,
//! or made as `discovered`. No finding is lost for want of an asset.

use crate::{
    Result,
    tenancy::{Change, Command, Scope},
};
use domain::{
    EventKind, Identifier, Provenance, ReportedAsset,
    asset_matching::{Candidate, choose},
};
use entity::{asset, asset_identifier};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, IntoActiveModel, sea_query::OnConflict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Most values asked for in one statement; a batch can name more than a store takes at once.
const AT_ONCE: usize = 10_000;

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

/// Finds or makes the asset of each reported one, in a few statements whatever their number.
pub(super) async fn resolve(command: &mut Command, reported: impl Iterator<Item = &ReportedAsset>) -> Result<Assets> {
    let mut wanted: BTreeMap<&Vec<Identifier>, &ReportedAsset> = BTreeMap::new();
    for asset in reported.filter(|asset| !asset.identifiers.is_empty()) {
        wanted.entry(&asset.identifiers).or_insert(asset);
    }
    let mut known = Known::load(&command.scope(), wanted.keys().flat_map(|identifiers| identifiers.iter())).await?;
    let mut by_identifiers = HashMap::new();
    for (identifiers, asset) in wanted {
        by_identifiers.insert(identifiers.clone(), known.resolve(asset));
    }
    let created = i64::try_from(known.new.len()).unwrap_or(i64::MAX);
    known.save(command).await?;
    Ok(Assets { by_identifiers, created })
}

/// Which asset each of the reported ones is, or would be if they were stored in this order. Writes nothing.
pub(super) async fn recognise(scope: &Scope<'_>, reported: &[ReportedAsset]) -> Result<Vec<Uuid>> {
    let mut known = Known::load(scope, reported.iter().flat_map(|asset| &asset.identifiers)).await?;
    Ok(reported.iter().map(|asset| known.resolve(asset)).collect())
}

/// Most identifiers of one asset. A report that heaps up more describes no machine,
/// and each of its records would be compared with all of them.
const MAX_IDENTIFIERS: usize = 200;

/// Assets that share an identifier with the batch, and what the batch adds to them.
struct Known {
    identifiers: BTreeMap<Uuid, BTreeSet<Identifier>>,
    owner: HashMap<Identifier, Uuid>,
    new: Vec<(Uuid, ReportedAsset)>,
    added: BTreeMap<Uuid, Vec<Identifier>>,
}

impl Known {
    async fn load(scope: &Scope<'_>, wanted: impl Iterator<Item = &Identifier>) -> Result<Self> {
        let wanted: BTreeSet<&Identifier> = wanted.collect();
        let mut known =
            Self { identifiers: BTreeMap::new(), owner: HashMap::new(), new: Vec::new(), added: BTreeMap::new() };
        let mut owners = BTreeSet::new();
        // Kind by kind, as their key begins: asked for several kinds at once, SQLite walks all of the tenant's.
        let wanted: Vec<_> = wanted.into_iter().collect();
        for some in wanted.chunk_by(|a, b| a.kind == b.kind).flat_map(|of_kind| of_kind.chunks(AT_ONCE)) {
            let shared = scope.find::<asset_identifier::Entity>().filter(any_of(some)).all().await?;
            owners.extend(shared.iter().map(|row| row.asset_id));
        }
        for some in owners.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
            let of_owners = asset_identifier::Column::AssetId.is_in(some.iter().copied());
            for row in scope.find::<asset_identifier::Entity>().filter(of_owners).all().await? {
                known.own(row.asset_id, Identifier { kind: row.kind, value: row.value });
            }
        }
        Ok(known)
    }

    fn own(&mut self, asset: Uuid, identifier: Identifier) {
        self.owner.insert(identifier.clone(), asset);
        self.identifiers.entry(asset).or_default().insert(identifier);
    }

    fn resolve(&mut self, reported: &ReportedAsset) -> Uuid {
        let owners: BTreeSet<Uuid> =
            reported.identifiers.iter().filter_map(|identifier| self.owner.get(identifier)).copied().collect();
        let candidates: Vec<Candidate<Uuid>> = owners
            .into_iter()
            .map(|id| Candidate { id, identifiers: self.identifiers.get(&id).cloned().unwrap_or_default() })
            .collect();
        let id = choose(&reported.identifiers, &candidates).unwrap_or_else(|| {
            let id = Uuid::now_v7();
            self.new.push((id, reported.clone()));
            id
        });
        for identifier in &reported.identifiers {
            // An identifier stays with the asset that had it first.
            let held = self.identifiers.get(&id).map_or(0, BTreeSet::len);
            if held < MAX_IDENTIFIERS && !self.owner.contains_key(identifier) {
                self.own(id, identifier.clone());
                self.added.entry(id).or_default().push(identifier.clone());
            }
        }
        id
    }

    async fn save(self, command: &mut Command) -> Result<()> {
        let now = command.recorded_at();
        let mut rows = Vec::with_capacity(self.new.len());
        for (id, reported) in &self.new {
            let seq = command.record(EventKind::AssetCreated, *id, Change::default());
            rows.push(discovered(command, *id, reported, seq).into_active_model().reset_all());
        }
        let new: BTreeSet<Uuid> = self.new.iter().map(|(id, _)| *id).collect();
        let grown: Vec<Uuid> = self.added.keys().filter(|id| !new.contains(id)).copied().collect();
        for some in grown.chunks(AT_ONCE) {
            let of_grown = asset::Column::Id.is_in(some.iter().copied());
            for row in command.scope().find::<asset::Entity>().filter(of_grown).all().await? {
                let none = Vec::new();
                let added = self.added.get(&row.id).unwrap_or(&none);
                let change = Change::default().field("identifiers", &none, added);
                let seq = command.record(EventKind::AssetUpdated, row.id, change);
                rows.push(asset::Model { updated_at: now, seq, ..row }.into_active_model().reset_all());
            }
        }
        let again = OnConflict::columns([asset::Column::TenantId, asset::Column::Id])
            .update_columns([asset::Column::UpdatedAt, asset::Column::Seq])
            .to_owned();
        command.upsert::<asset::Entity>(rows, again).await?;
        let tenant_id = command.tenant();
        let rows = self.added.into_iter().flat_map(|(id, added)| {
            added.into_iter().map(move |identifier| asset_identifier::ActiveModel {
                tenant_id: Set(tenant_id),
                kind: Set(identifier.kind),
                value: Set(identifier.value),
                asset_id: Set(id),
            })
        });
        command.insert::<asset_identifier::Entity>(rows.collect()).await
    }
}

/// Any of the identifiers, which are all of one kind.
fn any_of(identifiers: &[&Identifier]) -> Condition {
    use asset_identifier::Column as C;
    let kind = identifiers.first().map(|identifier| C::Kind.eq(identifier.kind));
    let values = C::Value.is_in(identifiers.iter().map(|identifier| identifier.value.as_str()));
    Condition::all().add_option(kind).add(values)
}

fn discovered(command: &Command, id: Uuid, reported: &ReportedAsset, seq: i64) -> asset::Model {
    asset::Model {
        tenant_id: command.tenant(),
        id,
        kind: reported.kind,
        name: reported.name.clone(),
        criticality: None,
        exposure: None,
        owner_unit: None,
        provenance: Provenance::Discovered,
        first_known_at: command.recorded_at(),
        updated_at: command.recorded_at(),
        seq,
        open_informational: 0,
        open_low: 0,
        open_medium: 0,
        open_high: 0,
        open_critical: 0,
        overdue_count: 0,
        retired_at: None,
        merged_into: None,
    }
}
