//! Risk acceptances: asked for, decided and ended.

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
    AcceptanceId, RiskAcceptance,
    risk_acceptance::{AcceptanceReason, NewRiskAcceptance, RiskAcceptanceFilter},
};

#[derive(Default)]
pub(crate) struct RiskAcceptanceQueries;

#[Object]
impl RiskAcceptanceQueries {
    /// Risk acceptances by id, past ones included.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn risk_acceptances(
        &self,
        ctx: &Context<'_>,
        filter: Option<RiskAcceptanceFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, RiskAcceptance, EmptyFields, EmptyFields>> {
        let (page, filter) = (page(first, after)?, filter.unwrap_or_default());
        connection(service::risk_acceptance::list(caller(ctx)?, &filter, &page, None).await, |acceptance| acceptance)
    }

    /// One risk acceptance; null if there is none, or none for the caller's eyes.
    async fn risk_acceptance(&self, ctx: &Context<'_>, id: AcceptanceId) -> Result<Option<RiskAcceptance>> {
        found(ctx, service::risk_acceptance::get(caller(ctx)?, id, None).await)
    }
}

#[derive(Default)]
pub(crate) struct RiskAcceptanceMutations;

#[Object]
impl RiskAcceptanceMutations {
    /// Asks to have risks accepted until a date, at a known price. Another person decides.
    async fn request_risk_acceptance(
        &self,
        ctx: &Context<'_>,
        tenant: Option<String>,
        input: NewRiskAcceptance,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<RiskAcceptance> {
        Ok(service::risk_acceptance::request(acting(ctx, idempotency_key)?, tenant.as_deref(), input)
            .await
            .map_err(refused)?
            .1)
    }

    /// Approves a requested acceptance. `ifMatch` is the `seq` that it was read with.
    async fn approve_risk_acceptance(
        &self,
        ctx: &Context<'_>,
        id: AcceptanceId,
        if_match: Option<i64>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<RiskAcceptance> {
        Ok(service::risk_acceptance::approve(acting(ctx, idempotency_key)?, id, version(if_match)?)
            .await
            .map_err(refused)?
            .1)
    }

    /// Refuses a requested acceptance. `ifMatch` is the `seq` that it was read with.
    async fn refuse_risk_acceptance(
        &self,
        ctx: &Context<'_>,
        id: AcceptanceId,
        if_match: Option<i64>,
        input: AcceptanceReason,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<RiskAcceptance> {
        Ok(service::risk_acceptance::refuse(acting(ctx, idempotency_key)?, id, version(if_match)?, input)
            .await
            .map_err(refused)?
            .1)
    }

    /// Takes an approved acceptance back before its time. `ifMatch` is the `seq` that it was read with.
    async fn revoke_risk_acceptance(
        &self,
        ctx: &Context<'_>,
        id: AcceptanceId,
        if_match: Option<i64>,
        input: AcceptanceReason,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<RiskAcceptance> {
        Ok(service::risk_acceptance::revoke(acting(ctx, idempotency_key)?, id, version(if_match)?, input)
            .await
            .map_err(refused)?
            .1)
    }
}
