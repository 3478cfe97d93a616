//! `me` and `tenants`.

use crate::connection::caller;
use async_graphql::{Context, Object, Result};
use domain::{
    Me, Tenant,
    tenant_settings::Language,
    vocabulary::{Label, labels},
};

#[derive(Default)]
pub(crate) struct MeQuery;

#[Object]
impl MeQuery {
    /// Who am I, and what may I do where.
    async fn me(&self, ctx: &Context<'_>) -> Result<Me> {
        Ok(service::me::me(caller(ctx)?))
    }

    /// The municipalities that the caller has rights in, by slug.
    async fn tenants(&self, ctx: &Context<'_>) -> Result<Vec<Tenant>> {
        Ok(service::tenant::list(caller(ctx)?))
    }

    /// What the values of severities, statuses and the like are called, in the order of the vocabulary.
    async fn labels(
        &self,
        #[graphql(default_with = "Language::En", desc = "In which language.")] language: Language,
    ) -> Vec<Label> {
        labels(language).collect()
    }
}
