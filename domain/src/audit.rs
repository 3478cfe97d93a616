//! Audit: who did what. (What happened to a resource stands in its events.)

use crate::{
    DateTime, PrincipalId, TenantId,
    condition::{few, storable, storable_time},
    error::Result,
};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How it ended.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
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
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused; `code` says why.
    Refused,
    /// Something restricted was read.
    Read,
}

impl AuditOutcome {
    /// The outcome's name, which is also what the chain hashes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Read => "read",
        }
    }
}

/// One thing that somebody did, read or was refused. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct AuditRecord {
    /// Identifier, UUIDv7.
    pub id: Uuid,
    /// The municipality in whose chain it stands.
    pub tenant_id: TenantId,
    /// When, RFC 3339 UTC.
    pub recorded_at: DateTime,
    /// Who; the nil id is the service itself.
    pub principal_id: PrincipalId,
    /// What: a command such as `finding.transition`, or the operation that was refused.
    pub action: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// Why it was refused: a code of the one table.
    pub code: Option<String>,
    /// How often within a minute; commands stand one by one.
    pub count: i64,
    /// The type of what it was about.
    pub resource_type: Option<String>,
    /// The id of what it was about; of a refusal only if all of its repeats were about the same one.
    pub resource_id: Option<Uuid>,
    /// The first number on the tenant's clock that it gave; 0 if it changed nothing that is numbered.
    pub first_seq: i64,
    /// The last number that it gave.
    pub last_seq: i64,
    /// What else is worth knowing; never a secret or a finding's text.
    #[schema(value_type = Option<Object>)]
    pub detail: Option<serde_json::Value>,
}

impl AuditRecord {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "recorded_at",
        "principal_id",
        "action",
        "outcome",
        "code",
        "count",
        "resource_type",
        "resource_id",
        "first_seq",
        "last_seq",
        "detail",
    ];
}

/// Which records. All conditions hold together; an empty filter is all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// Who.
    #[param(style = Form, explode = false)]
    #[graphql(default)]
    pub principal: Vec<PrincipalId>,
    /// What.
    #[param(style = Form, explode = false, example = json!(["finding.transition"]))]
    #[graphql(default)]
    pub action: Vec<String>,
    /// How it ended.
    #[param(style = Form, explode = false, example = json!(["refused"]))]
    #[graphql(default)]
    pub outcome: Vec<AuditOutcome>,
    /// Recorded at or after, RFC 3339.
    pub recorded_from: Option<DateTime>,
    /// Recorded before, RFC 3339.
    pub recorded_to: Option<DateTime>,
}

impl AuditFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] =
        &["tenant", "principal", "action", "outcome", "recorded_from", "recorded_to"];

    /// Refuses what no store can be asked.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("principal", &self.principal)?;
        few("action", &self.action)?;
        few("outcome", &self.outcome)?;
        storable("action", &self.action)?;
        storable_time("recorded_from", self.recorded_from)?;
        storable_time("recorded_to", self.recorded_to)
    }
}
