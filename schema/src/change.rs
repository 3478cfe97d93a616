//! The change feed.

use crate::{
    asset::AssetNode,
    connection::{caller, changed, cost},
    error::refused_by_rule,
    finding::FindingNode,
    import::ImportNode,
    task::TaskNode,
};
use async_graphql::{Context, Json, Object, Result, SimpleObject, Union};
use domain::{
    Attachment, BusinessService, Change, Comment, DateTime, EventKind, PageRequest, ResourceType, Retest,
    RiskAcceptance, Source, TenantId,
    change::{ChangeFilter, Resource},
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
    /// Whether the resource is gone (a tombstone).
    deleted: bool,
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
    /// What has changed since a cursor; without one from the beginning.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        filter: Option<ChangeFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<ChangePageNode> {
        let page = PageRequest::new("first", first, PageRequest::MAX_FEED, after).map_err(refused_by_rule)?;
        let filter = filter.unwrap_or_default();
        let changes = service::change::list(caller(ctx)?, &filter, page.cursor.as_deref(), page.limit, None).await;
        let page = changed(changes)?;
        let items = page.items.into_iter().map(Into::into).collect();
        Ok(ChangePageNode { items, next_cursor: page.next_cursor, has_more: page.has_more })
    }
}
