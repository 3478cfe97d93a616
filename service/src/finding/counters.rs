//! What an asset counts of its findings: kept with each change, so that it is exact and costs nothing to read.
//!
//! It moves without a number of the asset, which would be an event more for each finding.

use super::write::Edit;
use crate::{Result, tenancy::Command};
use domain::Severity;
use entity::{asset, finding};
use sea_orm::{ActiveModelTrait, IntoActiveModel, sea_query::OnConflict};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// How many findings more: open ones by severity, and overdue ones.
#[derive(Default, PartialEq)]
struct Delta {
    open: [i32; 5],
    overdue: i32,
}

impl Delta {
    fn add(&mut self, row: &finding::Model, sign: i32) {
        if row.status.is_open() {
            self.open[place(row.severity)] += sign;
            self.overdue += sign * i32::from(row.overdue);
        }
    }
}

const fn place(severity: Severity) -> usize {
    match severity {
        Severity::Informational => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

/// Adds what the edits change to the counts of their assets, which are as they were read behind the clock.
pub(super) async fn follow(
    command: &Command,
    edits: impl Iterator<Item = &Edit>,
    mut assets: HashMap<Uuid, asset::Model>,
) -> Result<()> {
    let mut deltas: BTreeMap<Uuid, Delta> = BTreeMap::new();
    for edit in edits {
        let before = edit.before.as_ref().map(|before| (before, -1));
        for (row, sign) in before.into_iter().chain([(&edit.after, 1)]) {
            if let Some(asset) = row.asset_id {
                deltas.entry(asset).or_default().add(row, sign);
            }
        }
    }
    deltas.retain(|_, delta| *delta != Delta::default());
    let moved = deltas.into_iter().filter_map(|(id, delta)| {
        let mut row = assets.remove(&id)?;
        let [informational, low, medium, high, critical] = delta.open;
        row.open_informational += informational;
        row.open_low += low;
        row.open_medium += medium;
        row.open_high += high;
        row.open_critical += critical;
        row.overdue_count += delta.overdue;
        Some(row.into_active_model().reset_all())
    });
    use asset::Column as C;
    let counts = [C::OpenInformational, C::OpenLow, C::OpenMedium, C::OpenHigh, C::OpenCritical, C::OverdueCount];
    let again = OnConflict::columns([C::TenantId, C::Id]).update_columns(counts).to_owned();
    command.upsert::<asset::Entity>(moved.collect(), again).await
}
