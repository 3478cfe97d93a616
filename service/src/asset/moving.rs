//! The findings of a merged asset on their way to its survivor. The first thousand move with the merge itself;
//! for the rest the asset remembers how far it has come, so that no command holds the tenant's clock for long
//! and a restart loses nothing.

use crate::{
    Result,
    finding::write::{self, Edit},
    tenancy::{Caller, Command, Service},
};
use domain::{Permission, TenantId};
use entity::{asset, finding};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, Order, sea_query::Expr};

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

/// Moves the next findings of a merged asset, and notes how far it has come.
pub(super) async fn step(command: &mut Command, merged: &asset::Model) -> Result<()> {
    let (Some(survivor), Some(moved)) = (merged.merged_into, merged.moved_finding) else { return Ok(()) };
    let rest = Condition::all().add(finding::Column::AssetId.eq(merged.id)).add(finding::Column::Id.gt(moved));
    let find = command.scope().find::<finding::Entity>().filter(rest);
    let found = find.first(None, Order::Asc, STEP).all().await?;
    let is_last = (found.len() as u64) < STEP;
    let moved = found.last().map(|last| last.id).filter(|_| !is_last);
    let edit = |before: finding::Model| Edit::of(before.clone(), finding::Model { asset_id: Some(survivor), ..before });
    write::save(command, found.into_iter().map(edit).collect()).await?;
    let change = asset::ActiveModel { moved_finding: Set(moved), ..Default::default() };
    command.update_where::<asset::Entity>(asset::Column::Id.eq(merged.id), change).await?;
    Ok(())
}
