//! Sources, and which assets are watched.

use crate::{
    connection::{caller, connection, cost, found, page},
    error::refused,
    finding::{version, wish},
    idempotency::acting,
};
use async_graphql::{
    Context, InputObject, MaybeUndefined, Object, Result,
    connection::{Connection, EmptyFields},
};
use domain::{
    AssetWatch, Source, SourceId, SourceKind,
    source::{SourceFilter, SourcePatch},
    watch::WatchFilter,
};

#[derive(Default)]
pub(crate) struct SourceQueries;

#[Object]
impl SourceQueries {
    /// Sources by id.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn sources(
        &self,
        ctx: &Context<'_>,
        filter: Option<SourceFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, Source, EmptyFields, EmptyFields>> {
        let page = page(first, after)?;
        connection(service::source::list(caller(ctx)?, &filter.unwrap_or_default(), &page, None).await, |source| source)
    }

    /// One source; null if there is none, or none for the caller's eyes.
    async fn source(&self, ctx: &Context<'_>, id: SourceId) -> Result<Option<Source>> {
        found(ctx, service::source::get(caller(ctx)?, id, None).await)
    }

    /// Inventoried assets by id, with what last saw each of them.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn coverage(
        &self,
        ctx: &Context<'_>,
        filter: Option<WatchFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, AssetWatch, EmptyFields, EmptyFields>> {
        let page = page(first, after)?;
        connection(service::watch::list(caller(ctx)?, &filter.unwrap_or_default(), &page, None).await, |watch| watch)
    }
}

/// A change of a source. A field left out stays as it is; null empties it.
#[derive(InputObject)]
pub(crate) struct SourcePatchInput {
    /// What it is.
    kind: Option<SourceKind>,
    /// The tool that it reports with: 1–100 characters.
    tool: Option<String>,
    /// Who answers for it: 1–200 characters.
    owner: MaybeUndefined<String>,
    /// Hours within which a report is expected: 1–87,600.
    expected_interval_hours: MaybeUndefined<i32>,
}

#[derive(Default)]
pub(crate) struct SourceMutations;

#[Object]
impl SourceMutations {
    /// Changes what is known of a source and expected of it. `ifMatch` is the `seq` that it was read with.
    async fn update_source(
        &self,
        ctx: &Context<'_>,
        id: SourceId,
        if_match: Option<i64>,
        input: SourcePatchInput,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Source> {
        let SourcePatchInput { kind, tool, owner, expected_interval_hours } = input;
        let patch =
            SourcePatch { kind, tool, owner: wish(owner), expected_interval_hours: wish(expected_interval_hours) };
        Ok(service::source::patch(acting(ctx, idempotency_key)?, id, version(if_match)?, patch)
            .await
            .map_err(refused)?
            .1)
    }
}
