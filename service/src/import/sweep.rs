//! Imports whose process is gone.

use super::ImportOptions;
use crate::{
    Result,
    tenancy::{Caller, Service},
};
use domain::{ImportStatus, Permission, TenantId};
use entity::import;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, sea_query::Expr};

/// Marks a tenant's imports without a sign of life as `interrupted`; says how many.
///
/// # Errors
/// If the store fails.
pub async fn mark_interrupted(service: &Service, tenant: TenantId, options: ImportOptions) -> Result<u64> {
    let lease = chrono::TimeDelta::from_std(options.lease).unwrap_or(chrono::TimeDelta::MAX);
    let silent = Condition::all()
        // In the words of the partial index `import_running`.
        .add(Expr::cust(r#""import"."status" = 'running'"#))
        .add(import::Column::HeartbeatAt.lt(service.clock.now() - lease));
    let caller = Caller::system(service.clone(), tenant, Permission::WriteImports);
    let found = caller.begin(Permission::WriteImports).await?;
    if found.scope().find::<import::Entity>().filter(silent.clone()).one().await?.is_none() {
        return Ok(0);
    }
    drop(found);
    let command = caller.begin_write(Permission::WriteImports).await?.command(tenant.0).await?;
    let change = import::ActiveModel { status: Set(ImportStatus::Interrupted), ..Default::default() };
    let marked = command.update_where::<import::Entity>(silent, change).await?;
    command.commit_step().await?;
    Ok(marked)
}
