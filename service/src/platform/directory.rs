//! Everything that says who may do what, in one consistent look.

use super::{Platform, To, epoch};
use crate::{Result, store::Connection};
use domain::{ClientId, GrantId, OrganisationId, PrincipalId, Scopes, Tenant, TenantId, Timestamp};
use entity::{
    client, client_secret, client_tenant, grant, organisation, person, person_principal, principal, revoked_token,
    signing_key, tenant,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use std::collections::HashMap;
use uuid::Uuid;

/// Who may do what, of one epoch.
pub(crate) struct Directory {
    /// The epoch.
    pub(crate) epoch: i64,
    /// Every tenant.
    pub(crate) tenants: Vec<Tenant>,
    /// Every principal.
    pub(crate) principals: Vec<Principal>,
    /// Every client.
    pub(crate) clients: Vec<ClientRow>,
    /// Grants that are neither revoked nor over.
    pub(crate) grants: Vec<GrantRow>,
    /// Keys that tokens are verified with.
    pub(crate) keys: Vec<KeyRow>,
    /// `jti` of tokens revoked before their end.
    pub(crate) revoked: Vec<String>,
}

/// Who acts.
#[derive(Clone)]
pub(crate) struct Principal {
    pub(crate) id: PrincipalId,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// The organisation that it, or its person, belongs to.
    pub(crate) organisation: Option<OrganisationId>,
    /// Whether that serves municipalities without being one.
    pub(crate) of_provider: bool,
}

/// A program with credentials of its own.
#[derive(Clone)]
pub(crate) struct ClientRow {
    pub(crate) id: ClientId,
    pub(crate) principal: PrincipalId,
    pub(crate) scopes: Scopes,
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) public_jwks: Option<String>,
    pub(crate) basic_allowed: bool,
    /// Tokens issued before are ended.
    pub(crate) tokens_from: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) disabled: bool,
    /// Keyed digests of its secrets, each with its end.
    pub(crate) secrets: Vec<(Vec<u8>, Option<Timestamp>)>,
}

/// A right of somebody in a tenant.
#[derive(Clone)]
pub(crate) struct GrantRow {
    pub(crate) id: GrantId,
    /// Who.
    pub(crate) to: To,
    /// Where.
    pub(crate) tenant: TenantId,
    /// What.
    pub(crate) scopes: Scopes,
    /// How it came to be.
    pub(crate) origin: String,
    valid_from: Timestamp,
    pub(crate) valid_to: Option<Timestamp>,
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
    /// When its tokens end; none while it signs.
    pub(crate) verifies_until: Option<Timestamp>,
}

impl Platform {
    /// Everything that says who may do what.
    pub(crate) async fn directory(&self, now: Timestamp) -> Result<Directory> {
        let connection = self.read().await?;
        let live = Condition::any().add(grant::Column::ValidTo.is_null()).add(grant::Column::ValidTo.gt(now));
        let grants =
            grant::Entity::find().filter(grant::Column::RevokedAt.is_null()).filter(live).all(&connection).await?;
        // A suspended municipality is one that nobody has rights in.
        let tenants = tenant::Entity::find().filter(tenant::Column::SuspendedAt.is_null()).all(&connection).await?;
        let keys = signing_key::Entity::find().all(&connection).await?;
        let not_over = revoked_token::Column::ExpiresAt.gt(now);
        let revoked = revoked_token::Entity::find().filter(not_over).all(&connection).await?;
        Ok(Directory {
            epoch: epoch(&connection).await?,
            tenants: tenants.into_iter().map(super::tenant::shown).collect(),
            principals: principals(&connection).await?,
            clients: clients(&connection).await?,
            grants: grants.into_iter().filter_map(grant_row).collect(),
            keys: keys.into_iter().map(key_row).collect(),
            revoked: revoked.into_iter().map(|token| token.jti).collect(),
        })
    }
}

async fn principals(connection: &Connection) -> Result<Vec<Principal>> {
    let organisations = organisation::Entity::find().all(connection).await?;
    let providers: HashMap<Uuid, bool> = organisations.into_iter().map(|o| (o.id, o.kind == "provider")).collect();
    let persons = person::Entity::find().all(connection).await?;
    let of_person: HashMap<Uuid, Option<Uuid>> = persons.into_iter().map(|p| (p.id, p.organisation_id)).collect();
    let links = person_principal::Entity::find().all(connection).await?;
    let by_person: HashMap<Uuid, Uuid> =
        links.into_iter().filter_map(|l| Some((l.principal_id, of_person.get(&l.person_id).copied()??))).collect();
    let rows = principal::Entity::find().all(connection).await?;
    let known = |row: principal::Model| {
        let organisation = row.organisation_id.or_else(|| by_person.get(&row.id).copied());
        Principal {
            id: row.id.into(),
            issuer: row.issuer,
            subject: row.subject,
            organisation: organisation.map(Into::into),
            of_provider: organisation.and_then(|id| providers.get(&id).copied()).unwrap_or(false),
        }
    };
    Ok(rows.into_iter().map(known).collect())
}

async fn clients(connection: &Connection) -> Result<Vec<ClientRow>> {
    let mut secrets: HashMap<Uuid, Vec<_>> = HashMap::new();
    for row in client_secret::Entity::find().all(connection).await? {
        secrets.entry(row.client_id).or_default().push((row.digest, row.expires_at));
    }
    let mut tenants: HashMap<Uuid, Vec<TenantId>> = HashMap::new();
    for row in client_tenant::Entity::find().all(connection).await? {
        tenants.entry(row.client_id).or_default().push(row.tenant_id.into());
    }
    let rows = client::Entity::find().all(connection).await?;
    let known = |row: client::Model| ClientRow {
        id: row.id.into(),
        principal: row.principal_id.into(),
        scopes: Scopes::parse_known(&row.scopes),
        tenants: tenants.remove(&row.id).unwrap_or_default(),
        public_jwks: row.public_jwks,
        basic_allowed: row.basic_allowed,
        tokens_from: row.tokens_from,
        expires_at: row.expires_at,
        disabled: row.disabled_at.is_some(),
        secrets: secrets.remove(&row.id).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(known).collect())
}

fn key_row(row: signing_key::Model) -> KeyRow {
    KeyRow { kid: row.kid, algorithm: row.algorithm, public_jwk: row.public_jwk, verifies_until: row.verifies_until }
}

/// A right in a tenant; a grant without one is the operator's and opens no tenant.
fn grant_row(row: grant::Model) -> Option<GrantRow> {
    let to = match (row.principal_id, row.organisation_id, row.issuer, row.role) {
        (Some(id), ..) => To::Principal(id.into()),
        (_, Some(id), ..) => To::Organisation(id.into()),
        (_, _, Some(issuer), Some(role)) => To::Role { issuer, role },
        _ => return None,
    };
    Some(GrantRow {
        id: row.id.into(),
        to,
        tenant: row.tenant_id?.into(),
        // A scope of a newer version, seen by an older replica, means nothing to it.
        scopes: Scopes::parse_known(&row.scopes),
        origin: row.origin,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
    })
}
