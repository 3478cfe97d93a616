//! Which assets a business service needs.

use crate::{
    Result,
    tenancy::{Change, Command},
};
use domain::{AssetId, BusinessService, EventKind, Violation};
use entity::{asset, business_service, business_service_asset as needed};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait,
    sea_query::{Expr, ExprTrait},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The assets that a service needs.
pub(super) async fn of(command: &Command, service: Uuid) -> Result<BTreeSet<AssetId>> {
    let of_service = needed::Column::ServiceId.eq(service);
    let rows = command.scope().find::<needed::Entity>().filter(of_service).all().await?;
    Ok(rows.into_iter().map(|row| row.asset_id.into()).collect())
}

/// Refuses assets that are none of the municipality, or were merged into another one, each by its place.
///
/// # Errors
/// `invalid_body`.
pub(super) async fn check(command: &Command, pointer: &str, wanted: &[AssetId], held: usize) -> Result<()> {
    if held + wanted.len() > BusinessService::MAX_ASSETS {
        let detail = format!("a service needs at most {} assets", BusinessService::MAX_ASSETS);
        return Err(domain::Error::invalid(vec![Violation::new(pointer, detail)]).into());
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let of_ids = asset::Column::Id.is_in(wanted.iter().map(|id| id.0));
    let rows = command.scope().find::<asset::Entity>().filter(of_ids).all().await?;
    let found: BTreeMap<AssetId, Option<Uuid>> = rows.into_iter().map(|row| (row.id.into(), row.merged_into)).collect();
    let violation = |id: &AssetId| match found.get(id) {
        None => Some(Violation::new(pointer, format!("{id} is no asset of this municipality"))),
        Some(Some(survivor)) => Some(Violation::new(pointer, format!("{id} was merged into {survivor}"))),
        Some(None) => None,
    };
    let violations: Vec<Violation> = wanted.iter().filter_map(violation).collect();
    if violations.is_empty() { Ok(()) } else { Err(domain::Error::invalid(violations).into()) }
}

/// Adds assets that the service does not need yet.
pub(super) async fn add(command: &Command, service: Uuid, assets: impl Iterator<Item = AssetId>) -> Result<()> {
    let row = |asset: AssetId| needed::ActiveModel {
        tenant_id: Set(command.tenant()),
        service_id: Set(service),
        asset_id: Set(asset.0),
    };
    command.insert::<needed::Entity>(assets.map(row).collect()).await
}

/// Removes assets from the service.
pub(super) async fn remove(command: &Command, service: Uuid, assets: &[AssetId]) -> Result<()> {
    if assets.is_empty() {
        return Ok(());
    }
    let of_assets = needed::Column::AssetId.is_in(assets.iter().map(|id| id.0));
    command.delete::<needed::Entity>(needed::Column::ServiceId.eq(service).and(of_assets)).await
}

/// Services that need a merged asset need its survivor instead.
pub(crate) async fn hand_over(command: &mut Command, from: Uuid, into: Uuid) -> Result<()> {
    let either = needed::Column::AssetId.is_in([from, into]);
    let rows = command.scope().find::<needed::Entity>().filter(either).all().await?;
    let (lost, held): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.asset_id == from);
    let held: BTreeSet<Uuid> = held.into_iter().map(|row| row.service_id).collect();
    let services: BTreeSet<Uuid> = lost.into_iter().map(|row| row.service_id).collect();
    if services.is_empty() {
        return Ok(());
    }
    command.delete::<needed::Entity>(Expr::col(needed::Column::AssetId).eq(from)).await?;
    let of_services = business_service::Column::Id.is_in(services.iter().copied());
    for before in command.scope().find::<business_service::Entity>().filter(of_services).all().await? {
        let gained: Vec<Uuid> = (!held.contains(&before.id)).then_some(into).into_iter().collect();
        add(command, before.id, gained.iter().map(|id| AssetId(*id))).await?;
        let change = Change::default().field("asset_ids", &vec![from], &gained);
        let seq = command.record(EventKind::BusinessServiceUpdated, before.id, change);
        let row = business_service::ActiveModel {
            updated_at: Set(command.recorded_at()),
            seq: Set(seq),
            ..Default::default()
        };
        command.update::<business_service::Entity>(before.id, before.seq, row).await?;
    }
    Ok(())
}
