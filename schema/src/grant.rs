//! Grants: who may do what in a municipality.

use crate::{
    connection::{caller, connection, cost, found, page},
    error::refused,
    finding::version,
    idempotency::acting,
};
use async_graphql::{
    Context, Object, Result,
    connection::{Connection, EmptyFields},
};
use domain::{
    Grant, GrantId,
    grant::{GrantFilter, GrantPatch, NewGrant},
};

#[derive(Default)]
pub(crate) struct GrantQueries;

#[Object]
impl GrantQueries {
    /// Grants by id, revoked and past ones included.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn grants(
        &self,
        ctx: &Context<'_>,
        filter: Option<GrantFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, Grant, EmptyFields, EmptyFields>> {
        let page = page(first, after)?;
        connection(service::grant::list(caller(ctx)?, &filter.unwrap_or_default(), &page, None).await, |grant| grant)
    }

    /// One grant; null if there is none, or none for the caller's eyes.
    async fn grant(&self, ctx: &Context<'_>, id: GrantId) -> Result<Option<Grant>> {
        found(ctx, service::grant::get(caller(ctx)?, id, None).await)
    }
}

#[derive(Default)]
pub(crate) struct GrantMutations;

#[Object]
impl GrantMutations {
    /// Gives a right in a municipality: no more than the giver holds.
    async fn create_grant(
        &self,
        ctx: &Context<'_>,
        tenant: Option<String>,
        input: NewGrant,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Grant> {
        Ok(service::grant::create(acting(ctx, idempotency_key)?, tenant.as_deref(), input).await.map_err(refused)?.1)
    }

    /// Shortens or narrows a grant. `ifMatch` is the `version` that it was read with.
    async fn update_grant(
        &self,
        ctx: &Context<'_>,
        id: GrantId,
        if_match: Option<i64>,
        input: GrantPatch,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Grant> {
        Ok(service::grant::patch(acting(ctx, idempotency_key)?, id, version(if_match)?, input)
            .await
            .map_err(refused)?
            .1)
    }

    /// Revokes a grant: what it allows ends within five seconds.
    async fn revoke_grant(
        &self,
        ctx: &Context<'_>,
        id: GrantId,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Grant> {
        Ok(service::grant::revoke(acting(ctx, idempotency_key)?, id).await.map_err(refused)?.1)
    }
}
