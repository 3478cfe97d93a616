//! The first reading of a report: is it whole, and which of its records stand.

use super::{Spooled, fingerprint};
use crate::{Error, Result};
use domain::{Code, ImportFormat, Observation, RejectedRecord, Timestamp, import::MAX_REJECTED};
use formats::import::{Limits, Record, Refusal};

/// What the first reading found. It holds no record, only 48 bytes for each.
pub(super) struct Plan {
    pub(super) read: u64,
    pub(super) rejected: u64,
    pub(super) merged: u64,
    /// The first of the rejected records, with their place in the order of records.
    pub(super) rejections: Vec<(u64, RejectedRecord)>,
    /// One bit per record: whether it stands for itself (and is not merged into another one).
    stands: Vec<u64>,
}

struct Key {
    same: u128,
    observed_at: Timestamp,
    content: u128,
    position: u64,
}

/// Reads the whole report.
///
/// # Errors
/// `report_refused` if it is not whole or not of its format.
pub(super) fn plan(spooled: &mut Spooled, format: ImportFormat, received_at: Timestamp) -> Result<Plan> {
    let mut plan = Plan { read: 0, rejected: 0, merged: 0, rejections: Vec::new(), stands: Vec::new() };
    let mut keys = Vec::new();
    read(spooled, format, &mut |record| {
        match record {
            Record::Observation(observation) => keys.push(key(&observation, received_at, plan.read)),
            Record::Rejected(rejection) => {
                plan.rejected += 1;
                if plan.rejections.len() < MAX_REJECTED {
                    plan.rejections.push((plan.read, rejection));
                }
            }
        }
        plan.read += 1;
    })?;
    plan.choose(keys);
    Ok(plan)
}

/// Hands over every record of a report, in order.
pub(super) fn read(spooled: &mut Spooled, format: ImportFormat, each: &mut dyn FnMut(Record)) -> Result<()> {
    let mut reader = spooled.reader()?;
    formats::import::read(format, &mut reader, &Limits::default(), each).map_err(|refusal| match refusal {
        Refusal::Invalid(reason) => Error::refused(Code::ReportRefused, reason),
        Refusal::Io(error) => Error::Internal(error.to_string()),
    })
}

/// When the record was observed: never after it was received, or a wrong clock would have the last word for ever.
pub(super) fn observed_at(observation: &Observation, received_at: Timestamp) -> Timestamp {
    crate::clock::milliseconds(observation.observed_at.map_or(received_at, |at| at.min(received_at)))
}

fn key(observation: &Observation, received_at: Timestamp, position: u64) -> Key {
    Key {
        same: fingerprint::within_report(observation),
        observed_at: observed_at(observation, received_at),
        content: fingerprint::number(&fingerprint::content(observation)),
        position,
    }
}

impl Plan {
    /// Among records that are the same finding the greatest (observed, content) stands, whatever their order.
    fn choose(&mut self, mut keys: Vec<Key>) {
        keys.sort_unstable_by_key(|key| (key.same, key.observed_at, key.content, key.position));
        self.stands = vec![0; usize::try_from(self.read / 64 + 1).unwrap_or(0)];
        let mut keys = keys.into_iter().peekable();
        while let Some(key) = keys.next() {
            if keys.peek().is_some_and(|next| next.same == key.same) {
                self.merged += 1;
            } else if let Some(word) = self.stands.get_mut((key.position / 64) as usize) {
                *word |= 1 << (key.position % 64);
            }
        }
    }

    /// Whether the record at this place stands for itself.
    pub(super) fn stands(&self, position: u64) -> bool {
        self.stands.get((position / 64) as usize).is_some_and(|word| word & (1 << (position % 64)) != 0)
    }
}
