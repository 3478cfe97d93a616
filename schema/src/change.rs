//! The change feed.

use crate::{
    asset::AssetNode,
    connection::{caller, changed, cost},
    error::refused_by_rule,
    finding::FindingNode,
    import::ImportNode,
    subscription::Step,
    task::TaskNode,
};
use async_graphql::{Context, Json, Object, Result, SimpleObject, Union};
use domain::{
    Attachment, BusinessService, Change, Comment, DateTime, EventKind, PageRequest, ResourceType, Retest,
    RiskAcceptance, Source, TenantId,
    change::{ChangeFilter, FeedRequest, Resource, Start},
};
use uuid::Uuid;

/// A resource in the feed.
#[derive(Union)]
#[graphql(name = "Resource")]
pub(crate) enum ResourceNode {
    Finding(Box<FindingNode>),
    Asset(Box<AssetNode>),
    BusinessService(BusinessService),
    Task(Box<TaskNode>),
    Import(ImportNode),
    RiskAcceptance(RiskAcceptance),
    Comment(Comment),
    Attachment(Attachment),
    Retest(Retest),
    Source(Source),
}

/// One item of the change feed.
#[derive(SimpleObject)]
#[graphql(name = "Change")]
pub(crate) struct ChangeNode {
    /// Identifier of the change: deduplicate by it.
    event_id: Uuid,
    /// The municipality.
    tenant_id: TenantId,
    /// Its number on the tenant's clock.
    seq: i64,
    /// When it was committed.
    recorded_at: DateTime,
    /// What happened.
    event: EventKind,
    /// The type of the resource.
    resource_type: ResourceType,
    /// The resource's id.
    resource_id: Uuid,
    /// Whether the resource is gone (a tombstone), or out of the caller's reach.
    deleted: bool,
    /// Whether the resource was in the filter and is no longer: take it out.
    left_filter: bool,
    /// What changed, field by field; what the caller does not get of the finding (see its `withheld`) is left out.
    changed: Option<Json<serde_json::Value>>,
    /// The resource as it stands now.
    resource: Option<ResourceNode>,
}

impl From<Resource> for ResourceNode {
    fn from(resource: Resource) -> Self {
        match resource {
            Resource::Finding(finding) => Self::Finding(Box::new((*finding).into())),
            Resource::Asset(asset) => Self::Asset(Box::new((*asset).into())),
            Resource::BusinessService(service) => Self::BusinessService(*service),
            Resource::Task(task) => Self::Task(Box::new((*task).into())),
            Resource::Import(import) => Self::Import((*import).into()),
            Resource::RiskAcceptance(acceptance) => Self::RiskAcceptance(*acceptance),
            Resource::Comment(comment) => Self::Comment(*comment),
            Resource::Attachment(attachment) => Self::Attachment(*attachment),
            Resource::Retest(retest) => Self::Retest(*retest),
            Resource::Source(source) => Self::Source(*source),
        }
    }
}

impl From<Change> for ChangeNode {
    fn from(change: Change) -> Self {
        Self {
            event_id: change.event_id,
            tenant_id: change.tenant_id,
            seq: change.seq,
            recorded_at: change.recorded_at,
            event: change.event,
            resource_type: change.resource_type,
            resource_id: change.resource_id,
            deleted: change.deleted,
            left_filter: change.left_filter,
            changed: change.changed.map(Json),
            resource: change.resource.map(Into::into),
        }
    }
}

/// One page of the change feed.
#[derive(SimpleObject)]
#[graphql(name = "ChangePage")]
pub(crate) struct ChangePageNode {
    /// The changes: tenant by tenant, each in the order of `seq`.
    items: Vec<ChangeNode>,
    /// Where to go on; on every page, an empty one too.
    next_cursor: String,
    /// Whether more can be had right now.
    has_more: bool,
}

#[derive(Default)]
pub(crate) struct ChangeQueries;

#[Object]
impl ChangeQueries {
    /// What has changed since a cursor; without one from the beginning: the state as it stands, or (`mode: EVENTS`) the
    /// oldest change that is kept. The cursor `latest` is what happens from now on.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        filter: Option<ChangeFilter>,
        first: Option<i64>,
        after: Option<String>,
        since: Option<DateTime>,
    ) -> Result<ChangePageNode> {
        let limit = PageRequest::new("first", first, PageRequest::MAX_FEED, None).map_err(refused_by_rule)?.limit;
        let filter = filter.unwrap_or_default();
        let step = ctx.data_opt::<Step>();
        let page = match step.and_then(Step::page) {
            Some(page) => page,
            None => {
                let start = Start::of(after, since).map_err(refused_by_rule)?;
                let request = FeedRequest { limit, start, each: false };
                changed(service::change::list(caller(ctx)?, &filter, &request, None).await)?
            }
        };
        if let Some(step) = step {
            step.asked(&filter, limit, &page);
        }
        let items = page.items.into_iter().map(Into::into).collect();
        Ok(ChangePageNode { items, next_cursor: page.next_cursor, has_more: page.has_more })
    }
}
