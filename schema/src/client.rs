//! API clients.

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
    Client, ClientCredentials, ClientId,
    client::{ClientFilter, ClientPatch, NewClient},
};
use std::time::Duration;

#[derive(Default)]
pub(crate) struct ClientQueries;

#[Object]
impl ClientQueries {
    /// Clients by id.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn clients(
        &self,
        ctx: &Context<'_>,
        filter: Option<ClientFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, Client, EmptyFields, EmptyFields>> {
        let page = page(first, after)?;
        connection(service::client::list(caller(ctx)?, &filter.unwrap_or_default(), &page, None).await, |client| client)
    }

    /// One client; null if there is none, or none for the caller's eyes.
    async fn client(&self, ctx: &Context<'_>, id: ClientId) -> Result<Option<Client>> {
        found(ctx, service::client::get(caller(ctx)?, id, None).await)
    }
}

#[derive(Default)]
pub(crate) struct ClientMutations;

#[Object]
impl ClientMutations {
    /// Makes a client. Its secret is in this answer and nowhere else.
    async fn create_client(
        &self,
        ctx: &Context<'_>,
        input: NewClient,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<ClientCredentials> {
        Ok(service::client::create(acting(ctx, idempotency_key)?, None, input).await.map_err(refused)?.1)
    }

    /// Changes, disables or enables a client. `ifMatch` is the `version` that it was read with.
    async fn update_client(
        &self,
        ctx: &Context<'_>,
        id: ClientId,
        if_match: Option<i64>,
        input: ClientPatch,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Client> {
        Ok(service::client::patch(acting(ctx, idempotency_key)?, id, version(if_match)?, input)
            .await
            .map_err(refused)?
            .1)
    }

    /// Gives a client a new secret; the one before goes on for `overlapSeconds`, 30 days at most.
    async fn rotate_client_secret(
        &self,
        ctx: &Context<'_>,
        id: ClientId,
        if_match: Option<i64>,
        #[graphql(default = 86400)] overlap_seconds: u32,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<ClientCredentials> {
        let overlap = Duration::from_secs(overlap_seconds.into());
        let rotated =
            service::client::rotate_secret(acting(ctx, idempotency_key)?, id, version(if_match)?, overlap).await;
        Ok(rotated.map_err(refused)?.1)
    }

    /// Ends every token that the client has, within five seconds.
    async fn revoke_client_tokens(
        &self,
        ctx: &Context<'_>,
        id: ClientId,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Client> {
        Ok(service::client::revoke_tokens(acting(ctx, idempotency_key)?, id).await.map_err(refused)?.1)
    }
}
