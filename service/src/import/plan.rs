//! The first reading of a report: is it whole, and which of its records stand.

use super::{Spooled, batch::Context, fingerprint, rules::Rules};
use crate::{Error, Result, finding::fingerprint::number};
use domain::{Code, ImportFormat, Observation, RejectedRecord, ReportedAsset, Timestamp, import::MAX_REJECTED};
use formats::import::{Covered, Limits, Record, Refusal};
use std::collections::HashMap;
use uuid::Uuid;

/// Most records of one report. While it is planned each takes a [`Key`] of 64
/// bytes, so that this bounds the memory of an import as its size on disk does not.
const MAX_RECORDS: u64 = 5_000_000;

/// What is to be done with a report: one bit is kept of each record.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) read: u64,
    pub(super) rejected: u64,
    pub(super) merged: u64,
    /// The first of the rejected records, with their place in the order of records.
    pub(super) rejections: Vec<(u64, RejectedRecord)>,
    /// One bit per record: whether it stands for itself (and is not merged into another one).
    stands: Vec<u64>,
}

/// What the first reading found. It holds no record, only a key of each.
#[derive(Default)]
pub(super) struct Reading {
    plan: Plan,
    keys: Vec<Key>,
    /// What records without a time of their own are about, each once.
    assets: Vec<ReportedAsset>,
    /// Where in `assets` one is, by the number of its identifiers.
    places: HashMap<u128, u32>,
}

struct Key {
    same: u128,
    content: u128,
    observed_at: Timestamp,
    position: u64,
    /// Its place in [`Reading::assets`], for a record without a time of its own.
    asset: Option<std::num::NonZeroU32>,
}

/// Reads the whole report.
///
/// # Errors
/// `report_refused` if it is not whole, not of its format or has too many records.
pub(super) fn first(spooled: &mut Spooled, context: &Context, rules: &Rules) -> Result<Reading> {
    first_of(spooled, context, rules, MAX_RECORDS)
}

fn first_of(spooled: &mut Spooled, context: &Context, rules: &Rules, most: u64) -> Result<Reading> {
    let mut reading = Reading::default();
    read(spooled, context.format, &mut |record| {
        if matches!(record, Record::Covered(_)) {
            return;
        }
        // Beyond the limit the rest is only counted; the report is refused when it ends.
        match record {
            _ if reading.plan.read >= most => {}
            Record::Observation(observation) => reading.note(*observation, context, rules),
            Record::Rejected(rejection) => reading.plan.reject(rejection),
            Record::Covered(_) => {}
        }
        reading.plan.read += 1;
    })?;
    if reading.plan.read > most {
        let detail = format!("record {} is one too many: a report may have at most {most} records", most + 1);
        return Err(Error::refused(Code::ReportRefused, detail));
    }
    Ok(reading)
}

/// Hands over every record of a report, in order.
pub(super) fn read(spooled: &mut Spooled, format: ImportFormat, each: &mut dyn FnMut(Record)) -> Result<()> {
    let mut reader = spooled.reader()?;
    formats::import::read(format, &mut reader, &Limits::default(), each).map_err(|refusal| match refusal {
        Refusal::Invalid(reason) => Error::refused(Code::ReportRefused, reason),
        Refusal::Io(error) => Error::Internal(error.to_string()),
    })
}

/// A word that says no more than that a tool looked, as a record without a rule, which makes no finding.
pub(super) fn only_seen(covered: Covered) -> Observation {
    let Covered { tool, asset, observed_at } = covered;
    Observation { tool, asset, observed_at, ..Default::default() }
}

/// When the record was observed: never after it was received, or a wrong clock would have the last word for ever.
pub(super) fn observed_at(observation: &Observation, received_at: Timestamp) -> Timestamp {
    crate::clock::milliseconds(observation.observed_at.map_or(received_at, |at| at.min(received_at)))
}

impl Reading {
    fn note(&mut self, observation: Observation, context: &Context, rules: &Rules) {
        let received_at = context.received_at;
        let observed_at = observed_at(&observation, received_at);
        let about = fingerprint::about(observation.asset.as_ref());
        let source = context.source_of(&observation);
        let same = fingerprint::weakness(&source, rules.of(&source).0, &observation) ^ about;
        let content = number(&fingerprint::content(&observation));
        let timeless = observed_at == crate::clock::milliseconds(received_at);
        let asset = observation.asset.filter(|asset| timeless && !asset.identifiers.is_empty());
        let asset = asset.and_then(|asset| self.place(about, asset));
        self.keys.push(Key { same, content, observed_at, position: self.plan.read, asset });
    }

    /// The place of an asset in the list of them, from 1.
    fn place(&mut self, about: u128, asset: ReportedAsset) -> Option<std::num::NonZeroU32> {
        let place = *self.places.entry(about).or_insert_with(|| {
            self.assets.push(asset);
            u32::try_from(self.assets.len()).unwrap_or(0)
        });
        std::num::NonZeroU32::new(place)
    }

    /// What records without a time of their own are about. Another name of one
    /// asset makes no difference for records that have one.
    pub(super) fn assets(&self) -> &[ReportedAsset] {
        &self.assets
    }

    /// Takes different names of one asset as one, told which asset each of [`Reading::assets`] is.
    ///
    /// Without a time of its own the record that comes last would stand, and each import of the same
    /// report would turn the finding to the one and back to the other.
    pub(super) fn recognise(&mut self, assets: &[Uuid]) {
        let about: Vec<u128> = self.assets.iter().map(|asset| fingerprint::about(Some(asset))).collect();
        let mut first: HashMap<Uuid, u128> = HashMap::new();
        let names = about.iter().zip(assets).map(|(about, asset)| about ^ *first.entry(*asset).or_insert(*about));
        let exchange: Vec<u128> = names.collect();
        for key in &mut self.keys {
            let place = key.asset.and_then(|place| exchange.get(place.get() as usize - 1));
            key.same ^= place.copied().unwrap_or_default();
        }
    }

    /// Among records that are the same finding the greatest (observed, content) stands, whatever their order.
    pub(super) fn choose(self) -> Plan {
        let Self { mut plan, mut keys, .. } = self;
        keys.sort_unstable_by_key(|key| (key.same, key.observed_at, key.content, key.position));
        plan.stands = vec![0; usize::try_from(plan.read / 64 + 1).unwrap_or(0)];
        let mut keys = keys.into_iter().peekable();
        while let Some(key) = keys.next() {
            if keys.peek().is_some_and(|next| next.same == key.same) {
                plan.merged += 1;
            } else if let Some(word) = plan.stands.get_mut((key.position / 64) as usize) {
                *word |= 1 << (key.position % 64);
            }
        }
        plan
    }
}

impl Plan {
    fn reject(&mut self, rejection: RejectedRecord) {
        self.rejected += 1;
        if self.rejections.len() < MAX_REJECTED {
            self.rejections.push((self.read, rejection));
        }
    }

    /// Whether the record at this place stands for itself.
    pub(super) fn stands(&self, position: u64) -> bool {
        self.stands.get((position / 64) as usize).is_some_and(|word| word & (1 << (position % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::Spool;

    #[test]
    fn a_report_may_have_so_many_records_and_a_key_is_as_large_as_said() {
        assert_eq!(size_of::<Key>(), 64);
        let mut spool = Spool::new(&std::env::temp_dir(), 1000).unwrap();
        spool.push(b"{\"template-id\":\"a\",\"host\":\"a.norrvik.example\"}\n{}\n{}\n").unwrap();
        let mut spooled = spool.finish().unwrap();
        let (format, received_at) = (ImportFormat::Nuclei, Timestamp::default());
        let context = Context { format, source: None, tlp: None, received_at };
        let mut read = |most| first_of(&mut spooled, &context, &Rules::default(), most);
        assert_eq!(read(3).map(|reading| reading.choose().read).unwrap(), 3);
        let refused = read(2).map(|_| ()).unwrap_err();
        assert_eq!(refused.code(), Code::ReportRefused);
        assert!(refused.to_string().contains("record 3"), "{refused}");
    }
}
