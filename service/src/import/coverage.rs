//! What a complete report covers, what it holds, and which findings it has therefore missed.
//!
//! Told from the report and the store alone, so that it can be told before anything is stored, again when all is,
//! and once more after a crash.

use super::{
    Spooled, assets,
    batch::{Context, Placed},
    known, plan,
    rules::Rules,
    watch::Pair,
};
use crate::{
    Error, Result,
    tenancy::{Caller, Scope},
};
use domain::{Identifier, IdentifierKind, ImportScope, Observation, Permission, ReportedAsset, Timestamp};
use entity::{asset, asset_identifier, source};
use formats::import::Record;
use sea_orm::{ColumnTrait, Condition};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use tokio::sync::mpsc;
use uuid::Uuid;

/// What a complete report says.
#[derive(Default)]
pub(super) struct Heard {
    /// When each asset was looked at: its earliest record, so that no other record of the report is older.
    pub(super) covered: BTreeMap<Pair, Timestamp>,
    /// The findings that it holds.
    pub(super) held: HashSet<Uuid>,
    /// Its sources.
    pub(super) sources: BTreeMap<String, Option<Uuid>>,
    /// Assets that did not answer.
    silent: BTreeSet<Pair>,
    earliest: Option<Timestamp>,
}

/// What coverage needs of a record.
struct Word {
    tool: Option<String>,
    asset: Option<ReportedAsset>,
    observed_at: Timestamp,
    /// What it is the same finding by; without a rule if it only says that the asset was looked at.
    record: Observation,
}

/// Words resolved at once.
const CHUNK: usize = 500;

/// Reads a report once more, and tells what it covers and holds as the store stands.
///
/// # Errors
/// `invalid_parameter` for an asset in the scope that is not known here.
pub(super) async fn hear(
    caller: &Caller,
    tenant: Uuid,
    context: &Context,
    scope: &ImportScope,
    mut spooled: Spooled,
) -> Result<(Spooled, Heard)> {
    let (sender, mut words) = mpsc::channel(4);
    let (format, received_at) = (context.format, context.received_at);
    let reader =
        tokio::task::spawn_blocking(move || send(&mut spooled, format, received_at, &sender).map(|()| spooled));
    let mut heard = Heard::default();
    while let Some(chunk) = words.recv().await {
        let read = caller.begin_in(Permission::WriteImports, &[tenant.to_string()]).await?;
        heard.take(&read.scope(), context, chunk).await?;
    }
    let spooled = reader.await.map_err(Error::internal)??;
    let read = caller.begin_in(Permission::WriteImports, &[tenant.to_string()]).await?;
    heard.narrow(&read.scope(), context, scope).await?;
    Ok((spooled, heard))
}

fn send(
    spooled: &mut Spooled,
    format: domain::ImportFormat,
    received_at: Timestamp,
    sender: &mpsc::Sender<Vec<Word>>,
) -> Result<()> {
    let mut chunk = Vec::with_capacity(CHUNK);
    plan::read(spooled, format, &mut |record| {
        match record {
            Record::Observation(observation) => chunk.push(word(*observation, received_at)),
            Record::Covered(covered) => chunk.push(word(plan::only_seen(*covered), received_at)),
            Record::Rejected(_) => {}
        }
        if chunk.len() == CHUNK {
            // Closed only when the listener has failed; the rest is read for nothing.
            let _ = sender.blocking_send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)));
        }
    })?;
    let _ = sender.blocking_send(chunk);
    Ok(())
}

/// A record without what no fingerprint rule counts: its long texts and its evidence.
fn word(record: Observation, received_at: Timestamp) -> Word {
    let observed_at = plan::observed_at(&record, received_at);
    let Observation { tool, asset, rule_key, identity, location, cves, title, source_ref, unanswered, .. } = record;
    let record =
        Observation { rule_key, identity, location, cves, title, source_ref, unanswered, ..Default::default() };
    Word { tool, asset, observed_at, record }
}

impl Heard {
    async fn take(&mut self, scope: &Scope<'_>, context: &Context, words: Vec<Word>) -> Result<()> {
        let names: Vec<String> = words.iter().map(|word| context.source_named(word.tool.as_deref())).collect();
        self.know(scope, names.iter()).await?;
        let named: Vec<ReportedAsset> = words.iter().filter_map(identified).cloned().collect();
        let mut known = assets::recognise(scope, &named).await?.into_iter();
        let mut records = Vec::new();
        for (word, name) in words.into_iter().zip(names) {
            let asset = identified(&word).and_then(|_| known.next());
            self.earliest = Some(self.earliest.map_or(word.observed_at, |earliest| earliest.min(word.observed_at)));
            // A source that is not known yet has no findings that could be missed.
            let Some(source) = self.sources.get(&name).copied().flatten() else { continue };
            let placed = Placed { source, source_name: name, asset, record: word.record };
            match (placed.pair(), asset) {
                (Some(pair), _) => self.cover(pair, word.observed_at),
                (None, Some(asset)) => drop(self.silent.insert(Pair { asset, source })),
                (None, None) => {}
            }
            if !placed.record.rule_key.is_empty() {
                records.push(placed);
            }
        }
        let keyed = known::keyed(scope, &Rules::load(scope).await?, records).await?;
        self.held.extend(known::ids(scope, &keyed).await?);
        Ok(())
    }

    /// Looks up the sources that are new to it.
    async fn know(&mut self, scope: &Scope<'_>, names: impl Iterator<Item = &String>) -> Result<()> {
        let new: BTreeSet<String> = names.filter(|name| !self.sources.contains_key(*name)).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        let of_names = source::Column::Name.is_in(new.iter().cloned());
        let rows = scope.find::<source::Entity>().filter(of_names).all().await?;
        let ids: HashMap<String, Uuid> = rows.into_iter().map(|row| (row.name, row.id)).collect();
        self.sources.extend(new.into_iter().map(|name| (name.clone(), ids.get(&name).copied())));
        Ok(())
    }

    fn cover(&mut self, pair: Pair, at: Timestamp) {
        self.covered.entry(pair).and_modify(|earliest| *earliest = at.min(*earliest)).or_insert(at);
    }

    /// Leaves what the sender says that was scanned, and what answered.
    async fn narrow(&mut self, scope: &Scope<'_>, context: &Context, wish: &ImportScope) -> Result<()> {
        if self.sources.is_empty() {
            // A report without records has the source that it was sent for.
            self.know(scope, std::iter::once(&context.source_named(None))).await?;
        }
        let named = named_assets(scope, &wish.assets).await?;
        let networks = wish.parsed_networks()?;
        if !networks.is_empty() {
            let reachable = within(scope, &self.covered, &networks).await?;
            self.covered.retain(|pair, _| reachable.contains(&pair.asset) || named.contains(&pair.asset));
        } else if !named.is_empty() {
            self.covered.retain(|pair, _| named.contains(&pair.asset));
        }
        let earliest = self.earliest.unwrap_or(context.received_at);
        let sources: Vec<Uuid> = self.sources.values().copied().flatten().collect();
        // Which of several tools looked at what is not said by a list of assets: only what the report shows counts.
        if let &[source] = sources.as_slice() {
            for asset in &named {
                self.covered.entry(Pair { asset: *asset, source }).or_insert(earliest);
            }
        }
        self.covered.retain(|pair, _| !self.silent.contains(pair));
        Ok(())
    }
}

fn identified(word: &Word) -> Option<&ReportedAsset> {
    word.asset.as_ref().filter(|asset| !asset.identifiers.is_empty())
}

/// The assets that the sender names, by id or identifier.
async fn named_assets(scope: &Scope<'_>, names: &[String]) -> Result<BTreeSet<Uuid>> {
    use asset_identifier::Column as C;
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids = names.iter().filter_map(|name| Uuid::parse_str(name).ok());
    let known = scope.find::<asset::Entity>().filter(asset::Column::Id.is_in(ids)).all().await?;
    let mut found: BTreeMap<String, Uuid> =
        known.into_iter().map(|row| (row.id.to_string(), row.merged_into.unwrap_or(row.id))).collect();
    let values = names.iter().flat_map(|name| [name.clone(), normal(name)]);
    let by_value = scope.find::<asset_identifier::Entity>().filter(C::Value.is_in(values)).all().await?;
    for row in by_value {
        // A serial number may read like somebody's host name.
        if found.insert(row.value.clone(), row.asset_id).is_some_and(|other| other != row.asset_id) {
            let detail = format!("`{}` is an identifier of several assets: name the one by its id", row.value);
            return Err(domain::Error::parameter("scope_assets", detail).into());
        }
    }
    let of = |name: &String| {
        found.get(&name.to_lowercase()).or_else(|| found.get(name)).or_else(|| found.get(&normal(name)))
    };
    names
        .iter()
        .map(|name| {
            let unknown =
                || domain::Error::parameter("scope_assets", format!("`{name}` is no asset of this municipality"));
            of(name).copied().ok_or_else(|| unknown().into())
        })
        .collect()
}

/// An identifier as it is stored, if it is one of a host.
fn normal(name: &str) -> String {
    Identifier::of_host(name).map_or_else(|| name.to_owned(), |identifier| identifier.value)
}

/// Assets asked for in one statement.
pub(super) const AT_ONCE: usize = 200;

/// Those of the assets that have an address in one of the networks.
async fn within(
    scope: &Scope<'_>,
    covered: &BTreeMap<Pair, Timestamp>,
    networks: &[domain::coverage::Network],
) -> Result<BTreeSet<Uuid>> {
    use asset_identifier::Column as C;
    let assets: BTreeSet<Uuid> = covered.keys().map(|pair| pair.asset).collect();
    let mut inside = BTreeSet::new();
    for some in assets.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let addresses =
            Condition::all().add(C::AssetId.is_in(some.iter().copied())).add(C::Kind.eq(IdentifierKind::Ip));
        for row in scope.find::<asset_identifier::Entity>().filter(addresses).all().await? {
            let address = row.value.parse().ok();
            if address.is_some_and(|address| networks.iter().any(|network| network.contains(address))) {
                inside.insert(row.asset_id);
            }
        }
    }
    Ok(inside)
}
