//! The settings of a municipality.

use crate::{
    connection::{caller, changed},
    error::refused,
    finding::version,
    idempotency::acting,
};
use async_graphql::{Context, Object, Result};
use domain::tenant_settings::{TenantSettings, TenantSettingsPatch};

#[derive(Default)]
pub(crate) struct TenantSettingsQueries;

#[Object]
impl TenantSettingsQueries {
    /// A municipality's deadlines, calendar and language.
    async fn tenant_settings(&self, ctx: &Context<'_>, tenant: String) -> Result<TenantSettings> {
        changed(service::tenant_settings::get(caller(ctx)?, &tenant, None).await)
    }
}

#[derive(Default)]
pub(crate) struct TenantSettingsMutations;

#[Object]
impl TenantSettingsMutations {
    /// Changes them. `ifMatch` is the `version` that they were read with.
    async fn update_tenant_settings(
        &self,
        ctx: &Context<'_>,
        tenant: String,
        if_match: Option<i64>,
        input: TenantSettingsPatch,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TenantSettings> {
        let changed =
            service::tenant_settings::patch(acting(ctx, idempotency_key)?, &tenant, version(if_match)?, input).await;
        Ok(changed.map_err(refused)?.1)
    }
}
