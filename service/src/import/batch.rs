//! One batch: some records, one command. Statements depend on the number of
//! tables, not on the number of records.

use super::{assets, findings, plan};
use crate::{Result, tenancy::Command};
use domain::{ImportFormat, Observation, Timestamp, Tlp, text};
use entity::{import, source};
use sea_orm::{ActiveValue::Set, ColumnTrait};
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};
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
}

/// A record whose source and asset are known.
pub(super) struct Placed {
    pub(super) source: Uuid,
    pub(super) asset: Option<Uuid>,
    pub(super) record: Observation,
}

impl Context {
    pub(super) fn of(row: &import::Model) -> Self {
        Self { format: row.format, source: row.source.clone(), tlp: row.tlp, received_at: row.started_at }
    }

    /// The name of the record's source: the one named with the report, the tool's, or the format's.
    fn source_of(&self, record: &Observation) -> String {
        let tool = record.tool.as_ref().map(|tool| text::clean_line(tool, 100)).filter(|tool| !tool.is_empty());
        self.source.clone().or(tool).unwrap_or_else(|| self.format.as_str().to_owned())
    }
}

/// Stores the records: sources and assets first, then findings and what follows from them.
pub(super) async fn store(command: &mut Command, context: &Context, records: Vec<Observation>) -> Result<Outcome> {
    let sources = sources(command, context, &records).await?;
    let reported = records
        .iter()
        .filter_map(|record| Some((record.asset.as_ref()?, plan::observed_at(record, context.received_at))));
    let assets = assets::resolve(command, reported).await?;
    let place = |record: Observation| {
        let source = sources.get(&context.source_of(&record)).copied().unwrap_or_default();
        let asset = record.asset.as_ref().and_then(|asset| assets.of(asset));
        Placed { source, asset, record }
    };
    let placed = records.into_iter().map(place).collect();
    let outcome = findings::store(command, context, placed).await?;
    Ok(Outcome { assets_created: assets.created, ..outcome })
}

/// The ids of the sources named; new ones are made.
async fn sources(command: &Command, context: &Context, records: &[Observation]) -> Result<BTreeMap<String, Uuid>> {
    let names: BTreeSet<String> = records.iter().map(|record| context.source_of(record)).collect();
    let of_names = source::Column::Name.is_in(names.iter().cloned());
    let known = command.scope().find::<source::Entity>().filter(of_names).all().await?;
    let mut ids: BTreeMap<String, Uuid> = known.into_iter().map(|row| (row.name, row.id)).collect();
    let mut new = Vec::new();
    for name in names {
        if let Entry::Vacant(vacant) = ids.entry(name.clone()) {
            let id = *vacant.insert(Uuid::now_v7());
            new.push(source::ActiveModel {
                tenant_id: Set(command.tenant()),
                id: Set(id),
                name: Set(name),
                tool: Set(context.format.as_str().to_owned()),
                created_at: Set(command.recorded_at()),
            });
        }
    }
    command.insert::<source::Entity>(new).await?;
    Ok(ids)
}
