//! The findings of a merged asset on their way to its survivor. The first thousand move with the merge itself;
//! for the rest the asset remembers how far it has come, so that no command holds the tenant's clock for long
//! and a restart loses nothing.

use crate::{
    Result,
    finding::{
        alias::{self, Alias, Owners},
        fingerprint, merge,
        write::{self, Edit},
    },
    tenancy::{Caller, Command, Service},
};
use domain::{Permission, TenantId};
use entity::{asset, asset_sighting, finding};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, IntoActiveModel, Order,
    sea_query::{Expr, OnConflict},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Most findings in one command.
const STEP: u64 = 1_000;
/// Most steps of one tenant before the others have their turn.
const STEPS: u64 = 20;

/// Goes on with what merges have left; says how many steps it took.
///
/// # Errors
/// If the store fails.
pub(crate) async fn work(service: &Service, tenant: TenantId) -> Result<u64> {
    let caller = Caller::system(service.clone(), tenant, Permission::WriteAssets);
    for taken in 0..STEPS {
        let read = caller.begin(Permission::WriteAssets).await?;
        let Some(found) = read.scope().find::<asset::Entity>().filter(is_moving()).one().await? else {
            return Ok(taken);
        };
        drop(read);
        let mut command = caller.begin_write(Permission::WriteAssets).await?.command(tenant.0).await?;
        // Read again behind the clock: another replica may have been here.
        let row = command.get::<asset::Entity>(found.id).await?;
        step(&mut command, &row).await?;
        command.commit_step().await?;
    }
    Ok(STEPS)
}

/// In the words of the partial index `asset_moving`: bound values would hide from a store that it holds the row.
fn is_moving() -> Expr {
    Expr::cust(r#""asset"."moved_finding" IS NOT NULL"#)
}

/// Whether any finding is about the asset.
pub(super) async fn has_findings(command: &Command, asset: Uuid) -> Result<bool> {
    let of_asset = finding::Column::AssetId.eq(asset);
    let find = command.scope().find::<finding::Entity>().filter(of_asset).first(None, Order::Asc, 1);
    Ok(!find.all().await?.is_empty())
}

/// Moves the next findings of a merged asset, and notes how far it has come.
pub(super) async fn step(command: &mut Command, merged: &asset::Model) -> Result<()> {
    let (Some(survivor), Some(moved)) = (merged.merged_into, merged.moved_finding) else { return Ok(()) };
    let rest = Condition::all().add(finding::Column::AssetId.eq(merged.id)).add(finding::Column::Id.gt(moved));
    let find = command.scope().find::<finding::Entity>().filter(rest);
    let found = find.first(None, Order::Asc, STEP).all().await?;
    let is_last = (found.len() as u64) < STEP;
    let moved = found.last().map(|last| last.id).filter(|_| !is_last);
    let moved_row = |before: &finding::Model| finding::Model { asset_id: Some(survivor), ..before.clone() };
    let edit = |before: &finding::Model| Edit::of(before.clone(), moved_row(before));
    write::save(command, found.iter().map(edit).collect()).await?;
    rename(command, survivor, &found).await?;
    let change = asset::ActiveModel { moved_finding: Set(moved), ..Default::default() };
    command.update_where::<asset::Entity>(asset::Column::Id.eq(merged.id), change).await?;
    Ok(())
}

/// Lets reports about the survivor reach the findings that came to it. One that the survivor has already becomes a
/// duplicate of that. A finding of before there were weakness keys gets none here: its next report makes a new one.
async fn rename(command: &mut Command, survivor: Uuid, moved: &[finding::Model]) -> Result<()> {
    let name = |row: &finding::Model| {
        let fingerprint = fingerprint::of_key(Some(survivor), row.weakness_key.as_deref()?);
        Some(Alias { source_id: row.source_id, fingerprint, finding_id: row.id, merged_id: None })
    };
    let names: Vec<Alias> = moved.iter().filter_map(name).collect();
    let asked: Vec<_> = names.iter().map(|name| (name.source_id, name.fingerprint.as_str())).collect();
    let owners = Owners::of(&command.scope(), &asked).await?;
    let (mut new, mut same) = (Vec::new(), Vec::new());
    for name in names {
        match owners.reached(&(name.source_id, name.fingerprint.clone())) {
            Some(owner) if owner == name.finding_id => {}
            Some(owner) => same.push((name.finding_id, owner)),
            None => new.push(name),
        }
    }
    alias::add(command, new).await?;
    merge::absorb(command, same).await
}

/// Hands over when which source saw the merged asset, so that the survivor is watched by what watched either.
pub(super) async fn hand_over_sightings(command: &Command, from: Uuid, into: Uuid) -> Result<()> {
    use asset_sighting::Column as C;
    let of_both = C::AssetId.is_in([from, into]);
    let rows = command.scope().find::<asset_sighting::Entity>().filter(of_both).all().await?;
    let (mut theirs, mut own) = (Vec::new(), HashMap::new());
    for row in rows {
        if row.asset_id == into { drop(own.insert(row.source_id, row)) } else { theirs.push(row) }
    }
    let together = |row: asset_sighting::Model| {
        let known = own.get(&row.source_id);
        let last_seen = known.map_or(row.last_seen, |known| known.last_seen.max(row.last_seen));
        // What complete reports missed on the survivor is told from those about the survivor alone.
        let scans = known.and_then(|known| known.scans.clone());
        asset_sighting::Model { asset_id: into, last_seen, scans, ..row }.into_active_model().reset_all()
    };
    let again = OnConflict::columns([C::TenantId, C::AssetId, C::SourceId]).update_column(C::LastSeen).to_owned();
    command.upsert::<asset_sighting::Entity>(theirs.into_iter().map(together).collect(), again).await?;
    command.delete::<asset_sighting::Entity>(C::AssetId.eq(from)).await
}
