//! Merging: two assets that turned out to be one.

use super::{
    change::{self, difference},
    identifiers, moving, person_set,
};
use crate::{
    Etag, Result, business_service,
    finding::priority,
    task_rule,
    tenancy::{Caller, Change, Command},
};
use domain::{
    Asset, AssetId, EventKind, Identifier, Permission, Provenance,
    asset_change::{Survivor, check_survivor},
};
use entity::asset;
use sea_orm::ColumnTrait;
use uuid::Uuid;

/// Merges an asset in the version read into another one of its municipality.
///
/// Identifiers, findings with their history and business services go to the survivor, so that later reports
/// reach it, and it takes over what nobody has said about it. The merged asset stays as an alias, which its id leads to.
/// What both had becomes one finding and a duplicate, so that an asset with findings also needs `findings:write`.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `asset_merged`, `too_many_identifiers`, `invalid_body` if the other one is not one
/// to merge into.
pub async fn merge(caller: &Caller, id: AssetId, version: i64, into: AssetId) -> Result<(Etag, Asset)> {
    let (mut command, before) = change::open(caller, id, version).await?;
    let found = command.scope().find::<asset::Entity>().filter(asset::Column::Id.eq(into.0)).one().await?;
    let identifiers: Vec<Identifier> = identifiers::of(&command, before.id).await?.into_iter().collect();
    let together = identifiers.len() + identifiers::of(&command, into.0).await?.len();
    let survivor = |row: &asset::Model| Survivor {
        is_itself: row.id == before.id,
        is_merged: row.merged_into.is_some(),
        is_retired: row.retired_at.is_some(),
        identifiers: together,
    };
    check_survivor(found.as_ref().map(survivor))?;
    let Some(survivor) = found else { return Err(crate::Error::not_found()) };
    if moving::has_findings(&command, before.id).await? {
        caller.require(Permission::WriteFindings, before.tenant_id)?;
    }
    identifiers::hand_over(&command, before.id, survivor.id).await?;
    business_service::hand_over(&mut command, before.id, survivor.id).await?;
    moving::hand_over_sightings(&command, before.id, survivor.id).await?;
    lead_to(&mut command, before.id, survivor.id).await?;
    task_rule::hand_over_asset(&mut command, before.id, &survivor).await?;
    let alias = end(&mut command, &before, &survivor, &identifiers).await?;
    take_over(&mut command, &before, survivor, &identifiers).await?;
    moving::step(&mut command, &alias).await?;
    change::answer(command, before.id, "asset.merge").await
}

/// Ids that led to the merged asset lead to the survivor, in one step.
async fn lead_to(command: &mut Command, from: Uuid, into: Uuid) -> Result<()> {
    let aliases = command.scope().find::<asset::Entity>().filter(asset::Column::MergedInto.eq(from)).all().await?;
    for before in aliases {
        let mut after = asset::Model { merged_into: Some(into), ..before.clone() };
        after.seq = command.record(EventKind::AssetUpdated, after.id, difference(&before, &after));
        change::write(command, &before, &after).await?;
    }
    Ok(())
}

/// The merged asset becomes an alias.
async fn end(
    command: &mut Command,
    before: &asset::Model,
    survivor: &asset::Model,
    identifiers: &[Identifier],
) -> Result<asset::Model> {
    let mut alias = before.clone();
    alias.merged_into = Some(survivor.id);
    alias.retired_at.get_or_insert(command.recorded_at());
    alias.moved_finding = Some(Uuid::nil());
    let fields = difference(before, &alias).field("identifiers", &identifiers.to_vec(), &Vec::new());
    alias.seq = command.record(EventKind::AssetMerged, alias.id, fields);
    change::write(command, before, &alias).await?;
    Ok(alias)
}

/// The survivor takes over what nobody has said about it.
async fn take_over(
    command: &mut Command,
    merged: &asset::Model,
    before: asset::Model,
    identifiers: &[Identifier],
) -> Result<()> {
    let mut after = before.clone();
    // What a person said of the merged one stands over what an import says of the survivor.
    let is_said = |bit| merged.person_set & bit != 0 && before.person_set & bit == 0;
    let (own, other) = (&before, merged);
    let (first, second) = if is_said(person_set::CRITICALITY) { (other, own) } else { (own, other) };
    after.criticality = first.criticality.or(second.criticality);
    let (first, second) = if is_said(person_set::EXPOSURE) { (other, own) } else { (own, other) };
    after.exposure = first.exposure.or(second.exposure);
    let (first, second) = if is_said(person_set::OWNER_UNIT) { (other, own) } else { (own, other) };
    after.owner_unit = first.owner_unit.clone().or_else(|| second.owner_unit.clone());
    after.person_set |= merged.person_set & (person_set::CRITICALITY | person_set::EXPOSURE | person_set::OWNER_UNIT);
    after.first_known_at = before.first_known_at.min(merged.first_known_at);
    if merged.provenance == Provenance::Inventoried {
        after.provenance = Provenance::Inventoried;
    }
    let fields: Change = difference(&before, &after).field("identifiers", &Vec::new(), &identifiers.to_vec());
    if fields.is_empty() {
        return Ok(());
    }
    after.seq = command.record(EventKind::AssetUpdated, after.id, fields);
    change::write(command, &before, &after).await?;
    if (before.criticality, before.exposure) != (after.criticality, after.exposure) {
        priority::of_assets(command, &[after.id]).await?;
    }
    Ok(())
}
