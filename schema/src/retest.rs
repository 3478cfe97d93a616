//! Retests.

use crate::{
    connection::{caller, found},
    error::refused,
    finding::version,
    idempotency::acting,
};
use async_graphql::{Context, Object, Result};
use domain::{FindingId, Retest, RetestId, retest::NewRetest};

#[derive(Default)]
pub(crate) struct RetestQueries;

#[Object]
impl RetestQueries {
    /// One retest; null if there is none, or none for the caller's eyes.
    async fn retest(&self, ctx: &Context<'_>, id: RetestId) -> Result<Option<Retest>> {
        found(ctx, service::retest::get(caller(ctx)?, id, None).await)
    }
}

#[derive(Default)]
pub(crate) struct RetestMutations;

#[Object]
impl RetestMutations {
    /// Records what you saw of a finding, and moves it accordingly. `ifMatch` is the `seq` that the finding was read
    /// with.
    async fn record_retest(
        &self,
        ctx: &Context<'_>,
        finding_id: FindingId,
        if_match: Option<i64>,
        input: NewRetest,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Retest> {
        let recorded =
            service::retest::record(acting(ctx, idempotency_key)?, finding_id, version(if_match)?, input).await;
        Ok(recorded.map_err(refused)?.1)
    }
}
