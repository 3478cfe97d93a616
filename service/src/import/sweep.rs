//! Imports whose process is gone.

use super::ImportOptions;
use crate::{
    Result,
    platform::Platform,
    tenancy::{Caller, Service},
};
use domain::{ImportStatus, Permission};
use entity::import;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition};

/// Marks imports without a sign of life as `interrupted`, tenant by tenant; says how many. Those of a suspended
/// tenant wait until it is resumed.
pub async fn mark_interrupted(service: &Service, options: ImportOptions) -> Result<u64> {
    let lease = chrono::TimeDelta::from_std(options.lease).unwrap_or(chrono::TimeDelta::MAX);
    let silent = Condition::all()
        .add(import::Column::Status.eq(ImportStatus::Running))
        .add(import::Column::HeartbeatAt.lt(service.clock.now() - lease));
    let mut marked = 0;
    for tenant in Platform::new(service.store.clone()).open_tenants().await? {
        let caller = Caller::system(service.clone(), tenant.id, Permission::WriteImports);
        let found = caller.begin(Permission::WriteImports).await?;
        if found.scope().find::<import::Entity>().filter(silent.clone()).one().await?.is_none() {
            continue;
        }
        drop(found);
        let command = caller.begin_write(Permission::WriteImports).await?.command(tenant.id.0).await?;
        let change = import::ActiveModel { status: Set(ImportStatus::Interrupted), ..Default::default() };
        marked += command.update_where::<import::Entity>(silent.clone(), change).await?;
        command.commit_step().await?;
    }
    Ok(marked)
}
