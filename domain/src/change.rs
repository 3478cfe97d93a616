//! The change feed's items: every consumer is a cursor over the same feed.

use crate::{
    Asset, Attachment, BusinessService, Comment, DateTime, EventKind, Finding, Import, Permission, Retest,
    RiskAcceptance, Source, Task, TenantId,
};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// The types of resources in the feed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum ResourceType {
    /// [`Finding`].
    Finding,
    /// [`Asset`].
    Asset,
    /// [`BusinessService`].
    BusinessService,
    /// [`Task`].
    Task,
    /// [`Import`].
    Import,
    /// [`RiskAcceptance`].
    RiskAcceptance,
    /// [`Comment`].
    Comment,
    /// [`Attachment`].
    Attachment,
    /// [`Retest`].
    Retest,
    /// [`Source`].
    Source,
}

impl ResourceType {
    /// What it takes, besides `feed:read`, to see changes of this type.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Finding | Self::Import | Self::RiskAcceptance | Self::Source | Self::Comment | Self::Retest => {
                Permission::ReadFindings
            }
            Self::Asset | Self::BusinessService => Permission::ReadAssets,
            Self::Task => Permission::ReadTasks,
            Self::Attachment => Permission::ReadEvidence,
        }
    }

    /// What will do as well, for those resources of the type that are about tasks.
    pub const fn task_permission(self) -> Option<Permission> {
        match self {
            Self::Comment => Some(Permission::ReadTasks),
            _ => None,
        }
    }
}

/// How the feed is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum ChangeMode {
    /// The last state of each resource that changed since the cursor; `seq` has holes.
    #[default]
    State,
    /// Each change, gapless per tenant before filtering.
    Events,
}

/// One item of the change feed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// Identifier of the change, UUIDv7: deduplicate by it.
    pub event_id: Uuid,
    /// The municipality.
    pub tenant_id: TenantId,
    /// Its number on the tenant's clock.
    pub seq: i64,
    /// When it was committed, RFC 3339 UTC in whole milliseconds, strictly growing per commit of a tenant.
    pub recorded_at: DateTime,
    /// What happened.
    pub event: EventKind,
    /// The type of the resource.
    pub resource_type: ResourceType,
    /// The resource's id.
    pub resource_id: Uuid,
    /// Whether the resource is gone (a tombstone); `resource` is then null.
    pub deleted: bool,
    /// What changed, field by field: `{"status": {"before": "new", "after": "confirmed"}}`. Null for creations.
    /// What the caller does not get of the finding (see its `withheld`) is left out.
    #[schema(value_type = Option<Object>)]
    pub changed: Option<serde_json::Value>,
    /// The resource as it stands now.
    pub resource: Option<Resource>,
}

/// A resource in the feed; which it is says `resource_type`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Resource {
    /// A finding.
    Finding(Box<Finding>),
    /// An asset.
    Asset(Box<Asset>),
    /// A business service.
    BusinessService(Box<BusinessService>),
    /// A task.
    Task(Box<Task>),
    /// An import.
    Import(Box<Import>),
    /// A risk acceptance.
    RiskAcceptance(Box<RiskAcceptance>),
    /// A comment.
    Comment(Box<Comment>),
    /// An attachment, without its content.
    Attachment(Box<Attachment>),
    /// A retest.
    Retest(Box<Retest>),
    /// A source.
    Source(Box<Source>),
}

/// One page of the change feed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ChangePage {
    /// The changes: tenant by tenant, each in the order of `seq`.
    pub items: Vec<Change>,
    /// Where to go on; on every page, an empty one too.
    pub next_cursor: String,
    /// Whether more can be had right now.
    pub has_more: bool,
}

/// Which changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangeFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// Types of resources; all that the caller may see if left out.
    #[param(style = Form, explode = false, example = json!(["finding"]))]
    #[graphql(default)]
    pub types: Vec<ResourceType>,
    /// `state`: the last state of each resource that changed. `events`: each change.
    #[graphql(default)]
    pub mode: ChangeMode,
}

impl ChangeFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &["tenant", "types", "mode"];
}
