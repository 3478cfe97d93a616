//! Who am I, and what may I do where.

use crate::{DateTime, PrincipalId, RightReason, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

/// The caller, as Fynd sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Me {
    /// The principal's id.
    pub principal_id: PrincipalId,
    /// The token's issuer.
    pub issuer: String,
    /// The token's subject.
    pub subject: String,
    /// When the token ends, RFC 3339 UTC.
    pub expires_at: DateTime,
    /// The rights, tenant by tenant; never put together over tenants.
    pub tenants: Vec<TenantRights>,
}

/// What the caller may do in one tenant: what the token asks for and a live grant allows.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct TenantRights {
    /// The tenant.
    pub id: TenantId,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The scopes that hold here.
    pub scopes: Vec<String>,
    /// Why: the grants that give them.
    pub because: Vec<RightReason>,
}
