//! What a person says about a business service.

use super::{assets, row};
use crate::{
    Error, Etag, Result,
    tenancy::{Caller, Change, Command},
};
use domain::{
    AssetId, BusinessService, BusinessServiceId, EventKind, Permission, ResourceType,
    business_service_change::{Amended, BusinessServicePatch, NewBusinessService, Said},
};
use entity::{business_service, business_service_asset};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel};
use uuid::Uuid;

/// Enters a business service of one municipality.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `invalid_body`.
pub async fn create(caller: &Caller, tenant: Option<&str>, new: NewBusinessService) -> Result<(Etag, BusinessService)> {
    let tenant = caller.one_tenant(Permission::WriteAssets, tenant)?;
    let (said, asset_ids) = new.normalise()?;
    let mut command = caller.begin_write(Permission::WriteAssets).await?.command(tenant.0).await?;
    assets::check(&command, "/asset_ids", &asset_ids, 0).await?;
    let id = Uuid::now_v7();
    let seq = command.record(EventKind::BusinessServiceCreated, id, Change::default());
    let row = stored(&command, id, said, command.recorded_at(), seq);
    command.insert::<business_service::Entity>(vec![row.clone().into_active_model().reset_all()]).await?;
    assets::add(&command, id, asset_ids.into_iter()).await?;
    answer(command, row, "business_service.create").await
}

/// Changes a business service in the version read.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`.
pub async fn patch(
    caller: &Caller,
    id: BusinessServiceId,
    version: i64,
    patch: BusinessServicePatch,
) -> Result<(Etag, BusinessService)> {
    let (mut command, before) = open(caller, id, version).await?;
    let Amended { said, add, remove } = patch.apply(said(&before))?;
    let held = assets::of(&command, id.0).await?;
    let gained: Vec<AssetId> = add.into_iter().filter(|id| !held.contains(id)).collect();
    let lost: Vec<AssetId> = remove.into_iter().filter(|id| held.contains(id)).collect();
    assets::check(&command, "/add_asset_ids", &gained, held.len() - lost.len()).await?;
    let change = difference(&before, &said).field("asset_ids", &lost, &gained);
    if change.is_empty() {
        let shown = shown(&command, before).await?;
        return Ok(shown);
    }
    let seq = command.record(EventKind::BusinessServiceUpdated, id.0, change);
    let after = stored(&command, id.0, said, before.created_at, seq);
    command.update::<business_service::Entity>(id.0, before.seq, after.clone().into_active_model().reset_all()).await?;
    assets::remove(&command, id.0, &lost).await?;
    assets::add(&command, id.0, gained.into_iter()).await?;
    answer(command, after, "business_service.patch").await
}

/// Deletes a business service in the version read; its assets stay. Answers what it was.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`.
pub async fn delete(caller: &Caller, id: BusinessServiceId, version: i64) -> Result<(Etag, BusinessService)> {
    let (mut command, before) = open(caller, id, version).await?;
    let was = shown(&command, before).await?;
    command.record(EventKind::BusinessServiceDeleted, id.0, Change::default());
    let of_service = business_service_asset::Column::ServiceId.eq(id.0);
    command.delete::<business_service_asset::Entity>(of_service).await?;
    command.delete::<business_service::Entity>(business_service::Column::Id.eq(id.0)).await?;
    command.commit("business_service.delete", Some((ResourceType::BusinessService, id.0))).await?;
    Ok(was)
}

async fn open(caller: &Caller, id: BusinessServiceId, version: i64) -> Result<(Command, business_service::Model)> {
    let write = caller.begin_write(Permission::WriteAssets).await?;
    let tenant = write.get_version::<business_service::Entity>(id.0, version).await?.tenant_id;
    let command = write.command(tenant).await?;
    let before = command.get_version::<business_service::Entity>(id.0, version).await?;
    Ok((command, before))
}

fn said(row: &business_service::Model) -> Said {
    Said {
        name: row.name.clone(),
        description: row.description.clone(),
        criticality: row.criticality,
        cost_per_day: row.cost_per_day,
        currency: row.currency.clone(),
        days_to_restore: row.days_to_restore,
        manual_fallback: row.manual_fallback.clone(),
        owner_unit: row.owner_unit.clone(),
    }
}

fn stored(command: &Command, id: Uuid, said: Said, created_at: domain::Timestamp, seq: i64) -> business_service::Model {
    business_service::Model {
        tenant_id: command.tenant(),
        id,
        name: said.name,
        description: said.description,
        criticality: said.criticality,
        cost_per_day: said.cost_per_day,
        currency: said.currency,
        days_to_restore: said.days_to_restore,
        manual_fallback: said.manual_fallback,
        owner_unit: said.owner_unit,
        created_at,
        updated_at: command.recorded_at(),
        seq,
    }
}

fn difference(before: &business_service::Model, after: &Said) -> Change {
    Change::default()
        .field("name", &before.name, &after.name)
        .field("description", &before.description, &after.description)
        .field("criticality", &before.criticality, &after.criticality)
        .field("cost_per_day", &before.cost_per_day, &after.cost_per_day)
        .field("currency", &before.currency, &after.currency)
        .field("days_to_restore", &before.days_to_restore, &after.days_to_restore)
        .field("manual_fallback", &before.manual_fallback, &after.manual_fallback)
        .field("owner_unit", &before.owner_unit, &after.owner_unit)
}

async fn answer(command: Command, row: business_service::Model, action: &str) -> Result<(Etag, BusinessService)> {
    let id = row.id;
    let shown = shown(&command, row).await?;
    command.commit(action, Some((ResourceType::BusinessService, id))).await?;
    Ok(shown)
}

async fn shown(command: &Command, row: business_service::Model) -> Result<(Etag, BusinessService)> {
    let scope = command.scope();
    let service = row::shown(&scope, vec![row]).await?.pop().ok_or_else(Error::not_found)?;
    Ok((row::etag(scope.caller(), &service), service))
}
