//! What follows from a finding's fields and its surroundings, and is stored with it, since lists sort by it.

use super::{due, priority, write::Edit};
use crate::{Result, platform::Known, tenancy::Command};
use domain::sla::Sla;
use entity::asset;
use sea_orm::ColumnTrait;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Most values asked for in one statement.
const AT_ONCE: usize = 10_000;

/// What the edits' findings stand in: loaded once for all of them.
pub(super) struct Surroundings {
    /// The assets that they are on, or were.
    pub(super) assets: HashMap<Uuid, asset::Model>,
    /// What is known about the CVEs of those that have any.
    pub(super) cves: HashMap<String, Known>,
    /// The municipality's deadlines.
    sla: Sla,
}

impl Surroundings {
    pub(super) async fn load(command: &Command, edits: &[Edit]) -> Result<Self> {
        let before = edits.iter().filter_map(|edit| edit.before.as_ref()?.asset_id);
        let ids: BTreeSet<Uuid> = edits.iter().filter_map(|edit| edit.after.asset_id).chain(before).collect();
        let mut assets = HashMap::with_capacity(ids.len());
        for some in ids.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
            let of_edits = asset::Column::Id.is_in(some.iter().copied());
            let rows = command.scope().find::<asset::Entity>().filter(of_edits).all().await?;
            assets.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        let cves: BTreeSet<&str> = edits.iter().flat_map(|edit| &edit.after.cves.0).map(String::as_str).collect();
        let cves = command.platform().known(&cves.into_iter().collect::<Vec<_>>()).await?;
        Ok(Self { assets, cves, sla: Sla::new(command.settings().clone()) })
    }
}

/// Fills in what is derived.
pub(super) fn apply(command: &Command, edit: &mut Edit, around: &Surroundings) {
    priority::derive(&mut edit.after, around);
    let asset = edit.after.asset_id.and_then(|id| around.assets.get(&id));
    // Last, since the rest decides how long a finding may wait.
    due::apply(edit, asset, &around.sla, command.recorded_at());
}
