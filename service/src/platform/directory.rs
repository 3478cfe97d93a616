//! Everything that says who may do what, in one consistent look.

use super::{Platform, epoch};
use crate::Result;
use domain::{PrincipalId, Scopes, Tenant, TenantId, Timestamp};
use entity::{grant, principal, revoked_token, signing_key, tenant};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

/// Who may do what, of one epoch.
pub(crate) struct Directory {
    /// The epoch.
    pub(crate) epoch: i64,
    /// Every tenant.
    pub(crate) tenants: Vec<Tenant>,
    /// Every principal, as (id, issuer, subject).
    pub(crate) principals: Vec<(PrincipalId, String, String)>,
    /// Grants that are neither revoked nor over.
    pub(crate) grants: Vec<GrantRow>,
    /// Keys that tokens are verified with.
    pub(crate) keys: Vec<KeyRow>,
    /// `jti` of tokens revoked before their end.
    pub(crate) revoked: Vec<String>,
}

/// A right of a principal in a tenant.
pub(crate) struct GrantRow {
    /// Who.
    pub(crate) principal: PrincipalId,
    /// Where.
    pub(crate) tenant: TenantId,
    /// What.
    pub(crate) scopes: Scopes,
    valid_from: Timestamp,
    valid_to: Option<Timestamp>,
}

impl GrantRow {
    /// Whether it holds now.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.valid_from <= now && self.valid_to.is_none_or(|end| now < end)
    }
}

/// The public half of a signing key.
pub(crate) struct KeyRow {
    /// Its id.
    pub(crate) kid: String,
    /// The one algorithm that it verifies.
    pub(crate) algorithm: String,
    /// The key as a JWK (RFC 7517).
    pub(crate) public_jwk: String,
}

impl Platform {
    /// Everything that says who may do what.
    pub(crate) async fn directory(&self, now: Timestamp) -> Result<Directory> {
        let connection = self.read().await?;
        let live = Condition::any().add(grant::Column::ValidTo.is_null()).add(grant::Column::ValidTo.gt(now));
        let grants =
            grant::Entity::find().filter(grant::Column::RevokedAt.is_null()).filter(live).all(&connection).await?;
        let principals = principal::Entity::find().all(&connection).await?;
        let tenants = tenant::Entity::find().all(&connection).await?;
        let keys = signing_key::Entity::find().all(&connection).await?;
        let not_over = revoked_token::Column::ExpiresAt.gt(now);
        let revoked = revoked_token::Entity::find().filter(not_over).all(&connection).await?;
        Ok(Directory {
            epoch: epoch(&connection).await?,
            tenants: tenants.into_iter().map(super::tenant::shown).collect(),
            principals: principals.into_iter().map(|p| (p.id.into(), p.issuer, p.subject)).collect(),
            grants: grants.into_iter().map(grant_row).collect(),
            keys: keys
                .into_iter()
                .map(|k| KeyRow { kid: k.kid, algorithm: k.algorithm, public_jwk: k.public_jwk })
                .collect(),
            revoked: revoked.into_iter().map(|token| token.jti).collect(),
        })
    }
}

fn grant_row(row: grant::Model) -> GrantRow {
    GrantRow {
        principal: row.principal_id.into(),
        tenant: row.tenant_id.into(),
        // A scope of a newer version, seen by an older replica, means nothing to it.
        scopes: Scopes::parse_known(&row.scopes),
        valid_from: row.valid_from,
        valid_to: row.valid_to,
    }
}
