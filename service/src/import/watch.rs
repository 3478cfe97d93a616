//! When sources saw assets: what coverage is told from, and what a finding that is heard of late has missed.

use crate::{Result, tenancy::Command};
use domain::Timestamp;
use entity::{asset_sighting as watched, import, json::Scan};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, sea_query::OnConflict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// An asset as one source sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pair {
    pub(super) asset: Uuid,
    pub(super) source: Uuid,
}

/// How much later an asset must be seen for that to be written: else each batch would write all of its assets.
const STEP: chrono::TimeDelta = chrono::TimeDelta::hours(1);
/// Most complete reports that are kept of an asset, the latest.
const MAX_SCANS: usize = 32;

/// What is stored about some assets and sources.
pub(super) struct Watch {
    rows: HashMap<Pair, watched::Model>,
    /// The rules of those imports that ran some only.
    rules: HashMap<Uuid, BTreeSet<String>>,
    changed: BTreeSet<Pair>,
}

impl Watch {
    /// Loads what is stored, in one statement; and in another one the rules, where complete reports ran some only.
    pub(super) async fn load(command: &Command, pairs: &BTreeSet<Pair>) -> Result<Self> {
        let mut watch = Self { rows: HashMap::new(), rules: HashMap::new(), changed: BTreeSet::new() };
        if pairs.is_empty() {
            return Ok(watch);
        }
        let assets: BTreeSet<Uuid> = pairs.iter().map(|pair| pair.asset).collect();
        let sources: BTreeSet<Uuid> = pairs.iter().map(|pair| pair.source).collect();
        let find = command.scope().find::<watched::Entity>().filter(watched::Column::AssetId.is_in(assets));
        for row in find.filter(watched::Column::SourceId.is_in(sources)).all().await? {
            watch.rows.insert(Pair { asset: row.asset_id, source: row.source_id }, row);
        }
        let scans = watch.rows.values().filter_map(|row| row.scans.as_ref()).flat_map(|scans| &scans.0);
        let partial: BTreeSet<Uuid> = scans.filter(|scan| scan.some_rules).map(|scan| scan.import_id).collect();
        if !partial.is_empty() {
            let find = command.scope().find::<import::Entity>().filter(import::Column::Id.is_in(partial));
            for row in find.all().await? {
                let rules = row.scope.map(|scope| scope.0.rules).unwrap_or_default();
                watch.rules.insert(row.id, rules.into_iter().collect());
            }
        }
        Ok(watch)
    }

    /// The times at which complete reports covered a rule on an asset; those of one named scan, where one is named.
    pub(super) fn scans(&self, pair: Pair, rule: &str, scope: Option<Uuid>) -> impl Iterator<Item = Timestamp> {
        let scans = self.rows.get(&pair).and_then(|row| row.scans.as_ref()).map(|scans| scans.0.as_slice());
        let runs = move |scan: &&Scan| {
            !scan.some_rules || self.rules.get(&scan.import_id).is_some_and(|rules| rules.contains(rule))
        };
        let is_of = move |scan: &&Scan| scope.is_none_or(|scope| scan.scope_id == Some(scope));
        scans.unwrap_or_default().iter().filter(is_of).filter(runs).map(|scan| scan.at)
    }

    /// Notes that a source saw an asset.
    pub(super) fn saw(&mut self, tenant_id: Uuid, pair: Pair, at: Timestamp) {
        match self.rows.get_mut(&pair) {
            Some(row) if row.last_seen + STEP <= at => row.last_seen = at,
            Some(_) => return,
            None => {
                let Pair { asset: asset_id, source: source_id } = pair;
                self.rows.insert(pair, watched::Model { tenant_id, asset_id, source_id, last_seen: at, scans: None });
            }
        }
        self.changed.insert(pair);
    }

    /// Notes a complete report about an asset. Noting it again changes nothing.
    pub(super) fn scanned(&mut self, tenant_id: Uuid, pair: Pair, scan: Scan) {
        self.saw(tenant_id, pair, scan.at);
        let Some(row) = self.rows.get_mut(&pair) else { return };
        let scans = &mut row.scans.get_or_insert_default().0;
        if scans.contains(&scan) {
            return;
        }
        let place = scans.partition_point(|earlier| earlier.at <= scan.at);
        scans.insert(place, scan);
        if scans.len() > MAX_SCANS {
            scans.remove(0);
        }
        self.changed.insert(pair);
    }

    /// Writes what changed, in one statement.
    pub(super) async fn save(self, command: &Command) -> Result<()> {
        use watched::Column as C;
        let again = OnConflict::columns([C::TenantId, C::AssetId, C::SourceId])
            .update_columns([C::LastSeen, C::Scans])
            .to_owned();
        // In the order of their keys.
        let mut rows: BTreeMap<Pair, watched::Model> = self.rows.into_iter().collect();
        rows.retain(|pair, _| self.changed.contains(pair));
        let rows = rows.into_values().map(|row| row.into_active_model().reset_all());
        command.upsert::<watched::Entity>(rows.collect(), again).await
    }
}
