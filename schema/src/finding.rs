//! Findings: lists, counts, relations, and what people decide.

use crate::{
    asset::AssetNode,
    comment::{Comments, comments},
    connection::{OrderDirection, caller, changed, connection, cost, found, loaders, page, shown, times},
    error::refused,
    idempotency::acting,
    loaders::MAX_RELATED,
    task::TaskNode,
};
use async_graphql::{
    ComplexObject, Context, InputObject, MaybeUndefined, Object, Result, SimpleObject,
    connection::{Connection, EmptyFields},
};
use domain::{
    Attachment, CommentTarget, DateTime, Evidence, Finding, FindingCounts, FindingFacet, FindingFilter, FindingId,
    FindingSightings, FindingSort, Retest, Severity, Tlp, Transition, finding::FindingPatch,
};
use service::finding::{FindingOrder, FindingQuery};

/// One weakness on one asset, or on none yet.
#[derive(SimpleObject)]
#[graphql(name = "Finding", complex)]
pub(crate) struct FindingNode {
    #[graphql(flatten)]
    pub(crate) finding: Finding,
}

impl From<Finding> for FindingNode {
    fn from(finding: Finding) -> Self {
        Self { finding }
    }
}

#[ComplexObject]
impl FindingNode {
    /// What it was found on, if the caller may read assets.
    #[graphql(complexity = "1 + child_complexity")]
    async fn asset(&self, ctx: &Context<'_>) -> Result<Option<AssetNode>> {
        let Some(id) = self.finding.asset_id else { return Ok(None) };
        Ok(loaders(ctx)?.assets.load_one(id).await.map_err(refused)?.map(Into::into))
    }

    /// Findings of other sources that name the same CVE on the same asset: the first 20 by id; `relatedFindings` lists all.
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn related(&self, ctx: &Context<'_>) -> Result<Vec<FindingNode>> {
        let related = loaders(ctx)?.related_findings.load_one(self.finding.id).await.map_err(refused)?;
        Ok(related.unwrap_or_default().into_iter().map(Into::into).collect())
    }

    /// The tasks that it belongs to, if the caller may read tasks.
    #[graphql(complexity = "1 + times(2, child_complexity)")]
    async fn tasks(&self, ctx: &Context<'_>) -> Result<Vec<TaskNode>> {
        let tasks = loaders(ctx)?.tasks_of_findings.load_one(self.finding.id).await.map_err(refused)?;
        Ok(tasks.unwrap_or_default().into_iter().map(Into::into).collect())
    }

    /// What people say about it, in the order of the conversation, if the caller may read that.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn comments(&self, ctx: &Context<'_>, first: Option<i64>, after: Option<String>) -> Result<Comments> {
        comments(ctx, CommentTarget::Finding(self.finding.id), first, after).await
    }

    /// Its first 100 files, if the caller may read evidence; `/v1/findings/{id}/attachments` lists all.
    #[graphql(complexity = "times(MAX_RELATED, child_complexity)")]
    async fn attachments(&self, ctx: &Context<'_>) -> Result<Vec<Attachment>> {
        let found = loaders(ctx)?.attachments_of_findings.load_one(self.finding.id).await.map_err(refused)?;
        Ok(found.unwrap_or_default())
    }

    /// Its last 100 retests, in the order of their rounds.
    #[graphql(complexity = "times(MAX_RELATED, child_complexity)")]
    async fn retests(&self, ctx: &Context<'_>) -> Result<Vec<Retest>> {
        let found = loaders(ctx)?.retests_of_findings.load_one(self.finding.id).await.map_err(refused)?;
        Ok(found.unwrap_or_default())
    }
}

/// An order of findings.
#[derive(InputObject)]
#[graphql(name = "FindingOrder")]
pub(crate) struct FindingOrderInput {
    /// By what.
    field: FindingSort,
    /// Which end comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

#[derive(Default)]
pub(crate) struct FindingQueries;

#[Object]
impl FindingQueries {
    /// Findings in an order, by id if it is left out; always ended by id.
    #[graphql(complexity = "cost(first, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the older way to say the order is deprecated for one version")]
    async fn findings(
        &self,
        ctx: &Context<'_>,
        filter: Option<FindingFilter>,
        order_by: Option<FindingOrderInput>,
        #[graphql(deprecation = "`orderBy` says both the key and the direction.")] sort: Option<FindingSort>,
        #[graphql(deprecation = "`orderBy` says both the key and the direction.")] descending: Option<bool>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, FindingNode, EmptyFields, EmptyFields>> {
        let order = match order_by {
            Some(order) => FindingOrder { by: order.field, descending: order.direction.is_descending() },
            None => FindingOrder { by: sort.unwrap_or_default(), descending: descending.unwrap_or_default() },
        };
        let query =
            FindingQuery { filter: filter.unwrap_or_default(), order, page: page(first, after)?, include: Vec::new() };
        connection(service::finding::list(caller(ctx)?, &query, None).await, Into::into)
    }

    /// One finding, as it is or as it was at a moment; null if there is none, or none for the caller's eyes.
    async fn finding(&self, ctx: &Context<'_>, id: FindingId, as_of: Option<DateTime>) -> Result<Option<FindingNode>> {
        Ok(found(ctx, service::finding::get(caller(ctx)?, id, as_of, None).await)?.map(Into::into))
    }

    /// What the tool saw of a finding; null if there is none, or none for the caller's eyes. That it was read is recorded.
    async fn finding_evidence(&self, ctx: &Context<'_>, id: FindingId) -> Result<Option<Evidence>> {
        shown(ctx, service::finding::evidence(caller(ctx)?, id).await)
    }

    /// Where a finding was seen, and where it no longer is; null if there is none, or none for the caller's eyes.
    async fn finding_sightings(&self, ctx: &Context<'_>, id: FindingId) -> Result<Option<FindingSightings>> {
        shown(ctx, service::finding::sightings(caller(ctx)?, id).await)
    }

    /// Counts of findings as flat rows, under the same filters as the list.
    async fn finding_counts(
        &self,
        ctx: &Context<'_>,
        #[graphql(default)] by: Vec<FindingFacet>,
        filter: Option<FindingFilter>,
    ) -> Result<FindingCounts> {
        changed(service::finding::counts(caller(ctx)?, &filter.unwrap_or_default(), &by, None).await)
    }
}

/// A change of a finding. A field left out stays as it is; null goes back to
/// what the source says (severity, tags), to what it came in with (tlp), to the
/// municipality's rule (dueAt) or to nobody (assignee). Taking `RED` away needs `evidence:read`.
#[derive(InputObject)]
pub(crate) struct FindingPatchInput {
    /// The severity that a person sets.
    severity: MaybeUndefined<Severity>,
    /// Why it is not the source's: 1–1,000 characters. Needed with a severity that differs from the source's.
    severity_reason: MaybeUndefined<String>,
    /// Who works on it.
    assignee: MaybeUndefined<String>,
    /// Labels, at most 50.
    tags: MaybeUndefined<Vec<String>>,
    /// The marking.
    tlp: MaybeUndefined<Tlp>,
    /// When it is due.
    due_at: MaybeUndefined<DateTime>,
}

impl FindingPatchInput {
    /// What is wished for.
    pub(crate) fn wish(self) -> FindingPatch {
        let Self { severity, severity_reason, assignee, tags, tlp, due_at } = self;
        FindingPatch {
            severity: wish(severity),
            severity_reason: wish(severity_reason),
            assignee: wish(assignee),
            tags: wish(tags),
            tlp: wish(tlp),
            due_at: wish(due_at),
        }
    }
}

/// A field that may be left out, null or something.
pub(crate) fn wish<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// The version that a change is meant for.
pub(crate) fn version(if_match: Option<i64>) -> Result<i64> {
    let tag = if_match.map(|seq| seq.to_string());
    service::etag::required_version(tag.as_deref()).map_err(refused)
}

#[derive(Default)]
pub(crate) struct FindingMutations;

#[Object]
impl FindingMutations {
    /// Changes severity, assignee, tags, marking and due date. `ifMatch` is the `seq` that the finding was read with.
    async fn update_finding(
        &self,
        ctx: &Context<'_>,
        id: FindingId,
        if_match: Option<i64>,
        input: FindingPatchInput,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<FindingNode> {
        let (_, finding) = service::finding::patch(acting(ctx, idempotency_key)?, id, version(if_match)?, input.wish())
            .await
            .map_err(refused)?;
        Ok(finding.into())
    }

    /// Moves a finding to another status. `ifMatch` is the `seq` that it was read with.
    async fn transition_finding(
        &self,
        ctx: &Context<'_>,
        id: FindingId,
        if_match: Option<i64>,
        input: Transition,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<FindingNode> {
        let (_, finding) = service::finding::transition(acting(ctx, idempotency_key)?, id, version(if_match)?, input)
            .await
            .map_err(refused)?;
        Ok(finding.into())
    }
}
