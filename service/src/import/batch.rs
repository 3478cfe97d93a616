//! One batch: some records, one command. Statements depend on the number of
//! tables, not on the number of records.

use super::{
    assets, findings, plan,
    rules::Rules,
    sources,
    watch::{Pair, Watch},
};
use crate::{Result, tenancy::Command};
use domain::{ImportFormat, Observation, Timestamp, Tlp, text};
use entity::import;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What holds for all records of an import.
pub(super) struct Context {
    pub(super) format: ImportFormat,
    pub(super) source: Option<String>,
    pub(super) tlp: Option<Tlp>,
    pub(super) received_at: Timestamp,
}

/// What became of a batch's records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) unchanged: i64,
    pub(super) reopened: i64,
    pub(super) assets_created: i64,
    /// The findings that the records are about.
    pub(super) findings: Vec<Uuid>,
}

/// A record whose source and asset are known.
pub(super) struct Placed {
    pub(super) source: Uuid,
    pub(super) source_name: String,
    pub(super) asset: Option<Uuid>,
    pub(super) record: Observation,
}

impl Placed {
    /// Its asset as its source sees it; none for one that did not answer.
    pub(super) fn pair(&self) -> Option<Pair> {
        let asset = self.asset.filter(|_| !self.record.unanswered)?;
        Some(Pair { asset, source: self.source })
    }

    /// When it was observed.
    pub(super) fn observed_at(&self, context: &Context) -> Timestamp {
        plan::observed_at(&self.record, context.received_at)
    }
}

impl Context {
    pub(super) fn of(row: &import::Model) -> Self {
        Self { format: row.format, source: row.source.clone(), tlp: row.tlp, received_at: row.started_at }
    }

    /// The name of the record's source: the one named with the report, the tool's, or the format's.
    pub(super) fn source_of(&self, record: &Observation) -> String {
        self.source_named(record.tool.as_deref())
    }

    /// The same, by the tool alone.
    pub(super) fn source_named(&self, tool: Option<&str>) -> String {
        let tool = tool.map(|tool| text::clean_line(tool, 100)).filter(|tool| !tool.is_empty());
        self.source.clone().or(tool).unwrap_or_else(|| self.format.as_str().to_owned())
    }
}

/// Stores the records: sources and assets first, then findings and what follows from them.
pub(super) async fn store(command: &mut Command, context: &Context, records: Vec<Observation>) -> Result<Outcome> {
    let names = records.iter().map(|record| context.source_of(record)).collect();
    let sources = sources::heard(command, context, names).await?;
    let reported = records
        .iter()
        .filter_map(|record| Some((record.asset.as_ref()?, plan::observed_at(record, context.received_at))));
    let assets = assets::resolve(command, reported).await?;
    let place = |record: Observation| {
        let source_name = context.source_of(&record);
        let source = sources.get(&source_name).copied().unwrap_or_default();
        let asset = record.asset.as_ref().and_then(|asset| assets.of(asset));
        Placed { source, source_name, asset, record }
    };
    let placed: Vec<Placed> = records.into_iter().map(place).collect();
    let mut seen: BTreeMap<Pair, Timestamp> = BTreeMap::new();
    for (pair, at) in placed.iter().filter_map(|placed| Some((placed.pair()?, placed.observed_at(context)))) {
        seen.entry(pair).and_modify(|latest| *latest = at.max(*latest)).or_insert(at);
    }
    let mut watch = Watch::load(command, &seen.keys().copied().collect()).await?;
    let records = placed.into_iter().filter(|placed| !placed.record.rule_key.is_empty()).collect();
    let rules = Rules::load(&command.scope()).await?;
    let outcome = findings::store(command, context, &rules, &watch, records).await?;
    seen.into_iter().for_each(|(pair, at)| watch.saw(command.tenant(), pair, at));
    watch.save(command).await?;
    Ok(Outcome { assets_created: assets.created, ..outcome })
}
