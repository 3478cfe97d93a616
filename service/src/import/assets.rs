//! From what a report says about an asset to the asset: matched by identifier,
//! or made as `discovered`. No finding is lost for want of an asset.

use crate::{
    Result,
    tenancy::{Change, Command},
};
use domain::{
    EventKind, Identifier, Provenance, ReportedAsset,
    asset_matching::{Candidate, choose},
};
use entity::{asset, asset_identifier};
use sea_orm::{ActiveValue::Set, ColumnTrait};
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

/// Finds or makes the asset of each reported one, in three statements or so.
pub(super) async fn resolve(command: &mut Command, reported: impl Iterator<Item = &ReportedAsset>) -> Result<Assets> {
    let mut wanted: BTreeMap<&Vec<Identifier>, &ReportedAsset> = BTreeMap::new();
    for asset in reported.filter(|asset| !asset.identifiers.is_empty()) {
        wanted.entry(&asset.identifiers).or_insert(asset);
    }
    let mut known = Known::load(command, wanted.keys().flat_map(|identifiers| identifiers.iter())).await?;
    let mut by_identifiers = HashMap::new();
    for (identifiers, asset) in wanted {
        by_identifiers.insert(identifiers.clone(), known.resolve(asset));
    }
    let created = i64::try_from(known.new.len()).unwrap_or(i64::MAX);
    known.save(command).await?;
    Ok(Assets { by_identifiers, created })
}

/// Assets that share an identifier with the batch, and what the batch adds to them.
struct Known {
    identifiers: BTreeMap<Uuid, BTreeSet<Identifier>>,
    owner: HashMap<Identifier, Uuid>,
    new: Vec<(Uuid, ReportedAsset)>,
    added: BTreeMap<Uuid, Vec<Identifier>>,
}

impl Known {
    async fn load(command: &Command, wanted: impl Iterator<Item = &Identifier>) -> Result<Self> {
        let values: BTreeSet<&str> = wanted.map(|identifier| identifier.value.as_str()).collect();
        let mut known =
            Self { identifiers: BTreeMap::new(), owner: HashMap::new(), new: Vec::new(), added: BTreeMap::new() };
        if values.is_empty() {
            return Ok(known);
        }
        let scope = command.scope();
        let of_values = asset_identifier::Column::Value.is_in(values);
        let shared = scope.find::<asset_identifier::Entity>().filter(of_values).all().await?;
        let owners: BTreeSet<Uuid> = shared.iter().map(|row| row.asset_id).collect();
        if owners.is_empty() {
            return Ok(known);
        }
        let of_owners = asset_identifier::Column::AssetId.is_in(owners);
        for row in scope.find::<asset_identifier::Entity>().filter(of_owners).all().await? {
            known.own(row.asset_id, Identifier { kind: row.kind, value: row.value });
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
            if !self.owner.contains_key(identifier) {
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
            rows.push(asset::ActiveModel {
                tenant_id: Set(command.tenant()),
                id: Set(*id),
                kind: Set(reported.kind),
                name: Set(reported.name.clone()),
                criticality: Set(None),
                exposure: Set(None),
                owner_unit: Set(None),
                provenance: Set(Provenance::Discovered),
                first_known_at: Set(now),
                updated_at: Set(now),
                seq: Set(command.record(EventKind::AssetCreated, *id, Change::default())),
            });
        }
        command.insert::<asset::Entity>(rows).await?;
        let new: BTreeSet<Uuid> = self.new.iter().map(|(id, _)| *id).collect();
        for (id, added) in self.added.iter().filter(|(id, _)| !new.contains(id)) {
            let change = Change::default().field("identifiers", &Vec::new(), added);
            let seq = command.record(EventKind::AssetUpdated, *id, change);
            let row = asset::ActiveModel { updated_at: Set(now), seq: Set(seq), ..Default::default() };
            command.update_where::<asset::Entity>(asset::Column::Id.eq(*id), row).await?;
        }
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
