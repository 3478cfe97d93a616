//! What a change of an asset means for its findings: another criticality or exposure derives them anew, a
//! merged asset hands them over. The first thousand go with the change itself; for the rest the asset
//! remembers how far it has come, so that no command holds the tenant's clock for long and a restart loses nothing.

use crate::{
    Result,
    finding::write::{self, Edit},
    tenancy::{Caller, Command, Service},
};
use domain::{Permission, Status, TenantId};
use entity::{asset, finding};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, Iterable, Order, sea_query::Expr};

/// Most findings in one command.
const STEP: u64 = 1_000;
/// Most steps of one tenant before the others have their turn.
const STEPS: u64 = 20;

/// Goes on with what changes have left; says how many steps it took.
///
/// # Errors
/// If the store fails.
pub(crate) async fn work(service: &Service, tenant: TenantId) -> Result<u64> {
    let caller = Caller::system(service.clone(), tenant, Permission::WriteAssets);
    for taken in 0..STEPS {
        let read = caller.begin(Permission::WriteAssets).await?;
        let Some(found) = read.scope().find::<asset::Entity>().filter(is_unfinished()).one().await? else {
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

/// In the words of the partial index `asset_unfinished`: bound values would hide from a store that it holds the row.
fn is_unfinished() -> Expr {
    Expr::cust(r#""asset"."reached_finding" IS NOT NULL"#)
}

/// Takes the next findings of the asset, and notes how far it has come.
pub(super) async fn step(command: &mut Command, row: &asset::Model) -> Result<()> {
    let Some(reached) = row.reached_finding else { return Ok(()) };
    let mut condition = Condition::all().add(finding::Column::AssetId.eq(row.id)).add(finding::Column::Id.gt(reached));
    if row.merged_into.is_none() {
        condition = condition.add(finding::Column::Status.is_in(Status::iter().filter(|status| status.is_open())));
    }
    let find = command.scope().find::<finding::Entity>().filter(condition);
    let found = find.first(None, Order::Asc, STEP).all().await?;
    let is_last = (found.len() as u64) < STEP;
    let reached = found.last().map(|last| last.id).filter(|_| !is_last);
    let edit = |before: finding::Model| {
        let asset_id = row.merged_into.or(before.asset_id);
        Edit::of(before.clone(), finding::Model { asset_id, ..before })
    };
    write::save(command, found.into_iter().map(edit).collect()).await?;
    let change = asset::ActiveModel { reached_finding: Set(reached), ..Default::default() };
    command.update_where::<asset::Entity>(asset::Column::Id.eq(row.id), change).await?;
    Ok(())
}
