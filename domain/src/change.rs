//! The change feed's items: every consumer is a cursor over the same feed.

use crate::{
    Asset, Attachment, BusinessService, Comment, DateTime, Error, EventKind, Finding, Import, Permission, Retest,
    RiskAcceptance, Severity, Source, Status, Task, TenantId,
    condition::{few, storable_time},
    error::Result,
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
    /// The municipality itself, where the caller has lost it (`access_lost`).
    Tenant,
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
            Self::Tenant => Permission::ReadFeed,
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
    /// Whether the resource is gone (a tombstone), or out of the caller's reach; `resource` is then null.
    pub deleted: bool,
    /// Whether the resource was in the filter and is no longer: take it out.
    pub left_filter: bool,
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
    /// The cursor after each item, where they were asked for.
    #[serde(skip)]
    pub cursors: Vec<String>,
}

/// Where reading begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Start {
    /// With the state as it stands; of single changes, with the oldest that is kept.
    #[default]
    Beginning,
    /// With what happens from now on.
    Latest,
    /// With what happened at or after a moment.
    Since(DateTime),
    /// Where an earlier page ended, by its cursor.
    Cursor(String),
}

/// The word for [`Start::Latest`] in the place of a cursor.
const LATEST: &str = "latest";

impl Start {
    /// What the two parameters say.
    ///
    /// # Errors
    /// `invalid_parameter` where both are given.
    pub fn of(cursor: Option<String>, since: Option<DateTime>) -> Result<Self> {
        match (cursor, since) {
            (None, None) => Ok(Self::Beginning),
            (None, Some(since)) => {
                storable_time("since", Some(since))?;
                Ok(Self::Since(since))
            }
            (Some(latest), None) if latest == LATEST => Ok(Self::Latest),
            (Some(cursor), None) => Ok(Self::Cursor(cursor)),
            (Some(_), Some(_)) => {
                Err(Error::parameter("since", "goes without a cursor, which says more exactly where"))
            }
        }
    }
}

/// Which page of the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedRequest {
    /// Most items.
    pub limit: u64,
    /// Where it begins.
    pub start: Start,
    /// Whether every item needs a cursor of its own.
    pub each: bool,
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
    /// Only findings that have or had one of these severities. One that has it no more comes once, as `left_filter`.
    #[param(style = Form, explode = false, example = json!(["high", "critical"]))]
    #[graphql(default)]
    pub severity: Vec<Severity>,
    /// Only findings that have or had one of these statuses. One that has it no more comes once, as `left_filter`.
    #[param(style = Form, explode = false, example = json!(["new", "confirmed"]))]
    #[graphql(default)]
    pub status: Vec<Status>,
    /// Recorded at or after, RFC 3339: for tools that keep no cursor. Let windows overlap, and deduplicate by `event_id`.
    pub recorded_from: Option<DateTime>,
    /// Recorded before, RFC 3339.
    pub recorded_to: Option<DateTime>,
}

impl ChangeFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] =
        &["tenant", "types", "mode", "severity", "status", "recorded_from", "recorded_to"];

    /// Refuses what cannot be asked.
    ///
    /// # Errors
    /// `invalid_parameter`: severities or statuses of something else than findings, too many values, times that no store
    /// holds.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("types", &self.types)?;
        few("severity", &self.severity)?;
        few("status", &self.status)?;
        for (name, time) in [("recorded_from", self.recorded_from), ("recorded_to", self.recorded_to)] {
            storable_time(name, time)?;
        }
        if self.is_about_findings() && self.types.iter().any(|kind| *kind != ResourceType::Finding) {
            let name = if self.severity.is_empty() { "status" } else { "severity" };
            return Err(Error::parameter(name, "is about findings; leave `types` out, or make it `finding`"));
        }
        Ok(())
    }

    /// Whether findings are told apart, so that only they come.
    pub fn is_about_findings(&self) -> bool {
        !self.severity.is_empty() || !self.status.is_empty()
    }

    /// Whether resources of the type are meant. That a municipality is lost is told whatever else is.
    pub fn is_of(&self, kind: ResourceType) -> bool {
        match kind {
            ResourceType::Tenant => true,
            ResourceType::Finding => self.types.is_empty() || self.types.contains(&kind),
            other => !self.is_about_findings() && (self.types.is_empty() || self.types.contains(&other)),
        }
    }
}
