//! What a person says about an asset.

use super::{identifiers, person_set, row};
use crate::{
    Error, Etag, Result,
    finding::priority,
    tenancy::{Caller, Change, Command},
};
use domain::{
    Asset, AssetId, Code, EventKind, Identifier, Permission, Provenance, ResourceType,
    asset::{AssetPatch, NewAsset},
    asset_change::{Amended, Entered, Retirement},
    business_service_change::after as patched,
};
use entity::asset;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use uuid::Uuid;

/// Enters an asset into the inventory of one municipality.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `invalid_body`, `identifier_taken`.
pub async fn create(caller: &Caller, tenant: Option<&str>, new: NewAsset) -> Result<(Etag, Asset)> {
    let tenant = caller.one_tenant(Permission::WriteAssets, tenant)?;
    let Entered { new, identifiers: wanted } = new.normalise()?;
    let mut command = caller.begin_write(Permission::WriteAssets).await?.command(tenant.0).await?;
    let id = Uuid::now_v7();
    let wanted = identifiers::missing(&command, id, &wanted, Identifier::MAX_OF_ASSET).await?;
    let mut row = asset::Model {
        criticality: new.criticality,
        exposure: new.exposure,
        owner_unit: new.owner_unit,
        ..blank(&command, id, new.kind.unwrap_or_default(), new.name, Provenance::Inventoried)
    };
    for (bit, is_set) in [
        (person_set::KIND, new.kind.is_some()),
        (person_set::NAME, true),
        (person_set::CRITICALITY, row.criticality.is_some()),
        (person_set::EXPOSURE, row.exposure.is_some()),
        (person_set::OWNER_UNIT, row.owner_unit.is_some()),
    ] {
        person_set::mark(&mut row, bit, is_set);
    }
    row.seq = command.record(EventKind::AssetCreated, id, Change::default());
    command.insert::<asset::Entity>(vec![row.into_active_model().reset_all()]).await?;
    identifiers::add(&command, wanted.into_iter().map(|identifier| (id, identifier))).await?;
    answer(command, id, "asset.create").await
}

/// An asset of which nothing is known but what it is.
pub(crate) fn blank(
    command: &Command,
    id: Uuid,
    kind: domain::AssetKind,
    name: String,
    provenance: Provenance,
) -> asset::Model {
    asset::Model {
        tenant_id: command.tenant(),
        id,
        kind,
        name,
        criticality: None,
        exposure: None,
        owner_unit: None,
        provenance,
        first_known_at: command.recorded_at(),
        updated_at: command.recorded_at(),
        seq: 0,
        open_informational: 0,
        open_low: 0,
        open_medium: 0,
        open_high: 0,
        open_critical: 0,
        overdue_count: 0,
        retired_at: None,
        merged_into: None,
        retired_reason: None,
        seen_after_retirement: false,
        person_set: 0,
        moved_finding: None,
    }
}

/// Changes an asset in the version read. Another criticality or exposure changes the priority and the due
/// date of its open findings.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`, `identifier_taken`, `asset_merged`.
pub async fn patch(caller: &Caller, id: AssetId, version: i64, patch: AssetPatch) -> Result<(Etag, Asset)> {
    let amended = patch.normalise()?;
    let (command, before) = open(caller, id, version).await?;
    save(command, before, amended, EventKind::AssetUpdated, "asset.patch", |_, _| ()).await
}

/// Takes a discovered asset into the inventory, with what the reviewer says about it.
///
/// # Errors
/// Those of [`patch`].
pub async fn review(caller: &Caller, id: AssetId, version: i64, patch: AssetPatch) -> Result<(Etag, Asset)> {
    let amended = patch.normalise()?;
    let (command, before) = open(caller, id, version).await?;
    let is_new = before.provenance == Provenance::Discovered;
    let kind = if is_new { EventKind::AssetReviewed } else { EventKind::AssetUpdated };
    let change = |row: &mut asset::Model, _| row.provenance = Provenance::Inventoried;
    save(command, before, amended, kind, "asset.review", change).await
}

/// Takes an asset out of use. Its findings and tasks stay as they are: what is wrong with it is not mended by this.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`, `asset_merged`.
pub async fn retire(caller: &Caller, id: AssetId, version: i64, wish: Retirement) -> Result<(Etag, Asset)> {
    let reason = wish.normalise()?;
    let (command, before) = open(caller, id, version).await?;
    let change = |row: &mut asset::Model, now| {
        row.retired_at.get_or_insert(now);
        row.retired_reason = Some(reason);
    };
    save(command, before, Amended::default(), EventKind::AssetRetired, "asset.retire", change).await
}

/// Takes a retired asset into use again.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `asset_merged`.
pub async fn restore(caller: &Caller, id: AssetId, version: i64) -> Result<(Etag, Asset)> {
    let (command, before) = open(caller, id, version).await?;
    let change = |row: &mut asset::Model, _| {
        row.retired_at = None;
        row.retired_reason = None;
        row.seen_after_retirement = false;
    };
    save(command, before, Amended::default(), EventKind::AssetRestored, "asset.restore", change).await
}

/// A command over an asset in the version read.
pub(super) async fn open(caller: &Caller, id: AssetId, version: i64) -> Result<(Command, asset::Model)> {
    let write = caller.begin_write(Permission::WriteAssets).await?;
    let tenant = write.get_version::<asset::Entity>(id.0, version).await?.tenant_id;
    let command = write.command(tenant).await?;
    let before = command.get_version::<asset::Entity>(id.0, version).await?;
    match before.merged_into {
        Some(survivor) => Err(Error::refused(Code::AssetMerged, format!("it was merged into {survivor}"))),
        None => Ok((command, before)),
    }
}

async fn save(
    mut command: Command,
    before: asset::Model,
    amended: Amended,
    kind: EventKind,
    action: &str,
    change: impl FnOnce(&mut asset::Model, domain::Timestamp),
) -> Result<(Etag, Asset)> {
    let id = before.id;
    let held = identifiers::of(&command, id).await?;
    let lost: Vec<Identifier> = amended.remove.into_iter().filter(|one| held.contains(one)).collect();
    let room = Identifier::MAX_OF_ASSET.saturating_sub(held.len() - lost.len());
    let gained = identifiers::missing(&command, id, &amended.add, room).await?;
    let mut after = said(before.clone(), amended.patch);
    change(&mut after, command.recorded_at());
    let fields = difference(&before, &after).field("identifiers", &lost, &gained);
    if fields.is_empty() {
        return answer_unchanged(command, before).await;
    }
    after.seq = command.record(kind, id, fields);
    identifiers::remove(&command, id, &lost).await?;
    identifiers::add(&command, gained.into_iter().map(|identifier| (id, identifier))).await?;
    write(&command, &before, &after).await?;
    if (before.criticality, before.exposure) != (after.criticality, after.exposure) {
        priority::of_assets(&mut command, &[id]).await?;
    }
    answer(command, id, action).await
}

/// The asset as a patch leaves it.
fn said(mut row: asset::Model, patch: AssetPatch) -> asset::Model {
    person_set::follow(&mut row, &patch);
    row.kind = patch.kind.unwrap_or(row.kind);
    row.name = patch.name.unwrap_or(row.name);
    row.criticality = patched(patch.criticality, row.criticality);
    row.exposure = patched(patch.exposure, row.exposure);
    row.owner_unit = patched(patch.owner_unit, row.owner_unit);
    row
}

/// What differs between two states of an asset, by the names under which it is shown.
pub(super) fn difference(before: &asset::Model, after: &asset::Model) -> Change {
    Change::default()
        .field("kind", &before.kind, &after.kind)
        .field("name", &before.name, &after.name)
        .field("criticality", &before.criticality, &after.criticality)
        .field("exposure", &before.exposure, &after.exposure)
        .field("owner_unit", &before.owner_unit, &after.owner_unit)
        .field("set_by_person", &person_set::names(before), &person_set::names(after))
        .field("provenance", &before.provenance, &after.provenance)
        .field("first_known_at", &before.first_known_at, &after.first_known_at)
        .field("retired_at", &before.retired_at, &after.retired_at)
        .field("retired_reason", &before.retired_reason, &after.retired_reason)
        .field("seen_after_retirement", &before.seen_after_retirement, &after.seen_after_retirement)
        .field("merged_into", &before.merged_into, &after.merged_into)
}

/// Writes what people say; the counts are kept by the findings.
pub(super) async fn write(command: &Command, before: &asset::Model, after: &asset::Model) -> Result<()> {
    let row = asset::ActiveModel {
        kind: Set(after.kind),
        name: Set(after.name.clone()),
        criticality: Set(after.criticality),
        exposure: Set(after.exposure),
        owner_unit: Set(after.owner_unit.clone()),
        person_set: Set(after.person_set),
        provenance: Set(after.provenance),
        first_known_at: Set(after.first_known_at),
        retired_at: Set(after.retired_at),
        retired_reason: Set(after.retired_reason.clone()),
        seen_after_retirement: Set(after.seen_after_retirement),
        merged_into: Set(after.merged_into),
        moved_finding: Set(after.moved_finding),
        updated_at: Set(command.recorded_at()),
        seq: Set(after.seq),
        ..Default::default()
    };
    command.update::<asset::Entity>(after.id, before.seq, row).await
}

/// The asset as it now is, read again since its findings may have moved its counts.
pub(super) async fn answer(command: Command, id: Uuid, action: &str) -> Result<(Etag, Asset)> {
    let row = command.get::<asset::Entity>(id).await?;
    let shown = shown(&command, row).await?;
    command.commit(action, Some((ResourceType::Asset, id))).await?;
    Ok(shown)
}

async fn answer_unchanged(command: Command, row: asset::Model) -> Result<(Etag, Asset)> {
    shown(&command, row).await
}

async fn shown(command: &Command, row: asset::Model) -> Result<(Etag, Asset)> {
    let scope = command.scope();
    let asset = row::shown(&scope, vec![row]).await?.pop().ok_or_else(Error::not_found)?;
    Ok((row::etag(scope.caller(), &asset), asset))
}
