//! What makes records one finding: rules of sources, merging and splitting by hand, other names of findings.

use crate::{
    connection::{caller, connection, cost, found, page, shown},
    error::refused,
    finding::{FindingNode, version},
    idempotency::acting,
};
use async_graphql::{
    Context, Object, Result,
    connection::{Connection, EmptyFields},
};
use domain::{
    FindingId, SourceId,
    identity::{Explanation, FindingAlias, FingerprintRule, Merge, RulePreview, SourceRule, Split},
};

#[derive(Default)]
pub(crate) struct IdentityQueries;

#[Object]
impl IdentityQueries {
    /// The other fingerprints under which reports reach a finding: those of findings merged into it, and its own
    /// former ones.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn finding_aliases(
        &self,
        ctx: &Context<'_>,
        id: FindingId,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, FindingAlias, EmptyFields, EmptyFields>> {
        connection(service::finding::aliases(caller(ctx)?, id, &page(first, after)?, None).await, |alias| alias)
    }

    /// The findings of other sources that name the same CVE on the same asset, by id.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn related_findings(
        &self,
        ctx: &Context<'_>,
        id: FindingId,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, FindingNode, EmptyFields, EmptyFields>> {
        connection(service::finding::related(caller(ctx)?, id, &page(first, after)?, None).await, Into::into)
    }

    /// Why two findings are one, or are not; null if either is none, or none for the caller's eyes.
    async fn explain_findings(
        &self,
        ctx: &Context<'_>,
        id: FindingId,
        other: FindingId,
    ) -> Result<Option<Explanation>> {
        shown(ctx, service::finding::explain(caller(ctx)?, id, other).await)
    }

    /// The fingerprint rule of a source; null if there is no such source, or none for the caller's eyes.
    async fn fingerprint_rule(&self, ctx: &Context<'_>, source_id: SourceId) -> Result<Option<SourceRule>> {
        found(ctx, service::fingerprint_rule::get(caller(ctx)?, source_id, None).await)
    }

    /// What a fingerprint rule would make of the stored findings of a source.
    #[graphql(complexity = "100 + child_complexity")]
    async fn preview_fingerprint_rule(
        &self,
        ctx: &Context<'_>,
        source_id: SourceId,
        rule: FingerprintRule,
    ) -> Result<RulePreview> {
        service::fingerprint_rule::preview(caller(ctx)?, source_id, rule).await.map_err(refused)
    }
}

#[derive(Default)]
pub(crate) struct IdentityMutations;

#[Object]
impl IdentityMutations {
    /// Says which fingerprint rule is wanted; it comes into force at the end of its rerun. `ifMatch` is the `version`
    /// that it was read with.
    async fn set_fingerprint_rule(
        &self,
        ctx: &Context<'_>,
        source_id: SourceId,
        if_match: Option<i64>,
        input: FingerprintRule,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<SourceRule> {
        let set =
            service::fingerprint_rule::put(acting(ctx, idempotency_key)?, source_id, version(if_match)?, input).await;
        Ok(set.map_err(refused)?.1)
    }

    /// Applies the fingerprint rule wanted to the stored findings. `ifMatch` is the `version` that it was read with.
    async fn rerun_fingerprint_rule(
        &self,
        ctx: &Context<'_>,
        source_id: SourceId,
        if_match: Option<i64>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<SourceRule> {
        let rerun =
            service::fingerprint_rule::rerun(acting(ctx, idempotency_key)?, source_id, version(if_match)?).await;
        Ok(rerun.map_err(refused)?.1)
    }

    /// Merges a finding into another one by hand; later reports of it reach that. `ifMatch` is the `seq` that it was
    /// read with.
    async fn merge_finding(
        &self,
        ctx: &Context<'_>,
        id: FindingId,
        if_match: Option<i64>,
        input: Merge,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<FindingNode> {
        let merged = service::finding::merge(acting(ctx, idempotency_key)?, id, version(if_match)?, input).await;
        Ok(merged.map_err(refused)?.1.into())
    }

    /// Takes merged findings out of a finding again: they are confirmed, and their reports reach them. `ifMatch` is the
    /// `seq` that the finding was read with.
    async fn split_finding(
        &self,
        ctx: &Context<'_>,
        id: FindingId,
        if_match: Option<i64>,
        input: Split,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<FindingNode> {
        let split = service::finding::split(acting(ctx, idempotency_key)?, id, version(if_match)?, input).await;
        Ok(split.map_err(refused)?.1.into())
    }
}
