//! Signed heads: what an auditor keeps elsewhere, so that not even a tail cut with its heads goes unseen.

use super::chains;
use crate::{Result, auth::Vault, etag::hex, store::Access, tenancy::Service};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{DateTime, TenantId};
use entity::audit_head;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};

/// The head of a chain, as it is printed and kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The municipality's slug, or `(operator)`.
    pub tenant: String,
    /// Its id.
    pub tenant_id: TenantId,
    /// How many rows are sealed.
    pub position: i64,
    /// SHA-256 over all of them, in hexadecimal.
    pub hash: String,
    /// Ed25519 over tenant, position, hash and time; base64url.
    pub signature: String,
    /// What verifies the signature; base64url.
    pub public_key: String,
    /// When it was signed.
    pub sealed_at: DateTime,
}

impl Head {
    /// Whether the store's own key has signed it.
    pub fn is_genuine(&self, vault: &Vault) -> bool {
        let (Some(hash), Ok(signature)) = (from_hex(&self.hash), URL_SAFE_NO_PAD.decode(&self.signature)) else {
            return false;
        };
        let (tenant_id, position, sealed_at) = (self.tenant_id.0, self.position, self.sealed_at.0);
        is_signed(&audit_head::Model { tenant_id, position, hash, signature, sealed_at }, vault)
    }
}

/// The newest head of every chain that has one.
///
/// # Errors
/// Store errors.
pub async fn heads(service: &Service) -> Result<Vec<Head>> {
    let mut heads = Vec::new();
    for (chain, name) in chains(service).await? {
        let connection = service.store.begin(Access::Read, &[chain.0]).await?;
        let of_chain = audit_head::Entity::find().filter(audit_head::Column::TenantId.eq(chain.0));
        let newest = of_chain.order_by_desc(audit_head::Column::Position).one(&connection).await?;
        heads.extend(newest.map(|row| Head {
            tenant: name,
            tenant_id: chain,
            position: row.position,
            hash: hex(&row.hash),
            signature: URL_SAFE_NO_PAD.encode(&row.signature),
            public_key: URL_SAFE_NO_PAD.encode(service.vault.public_key()),
            sealed_at: row.sealed_at.into(),
        }));
    }
    Ok(heads)
}

/// Tells the log the newest heads: whoever keeps the log can then tell a tail that was cut.
///
/// # Errors
/// Store errors.
pub async fn tell_heads(service: &Service) -> Result<()> {
    for Head { tenant, tenant_id, position, hash, signature, public_key, sealed_at } in heads(service).await? {
        let sealed_at = sealed_at.0.to_rfc3339();
        tracing::info!(tenant, %tenant_id, position, hash, signature, public_key, sealed_at, "audit head");
    }
    Ok(())
}

/// What of a head is signed.
pub(super) fn signed(head: &audit_head::Model) -> Vec<u8> {
    let (position, seconds) = (head.position.to_be_bytes(), head.sealed_at.timestamp().to_be_bytes());
    let nanoseconds = head.sealed_at.timestamp_subsec_nanos().to_be_bytes();
    [b"fynd audit head v1".as_slice(), head.tenant_id.as_bytes(), &position, &seconds, &nanoseconds, &head.hash]
        .concat()
}

/// Whether the head is signed with the store's own key.
pub(super) fn is_signed(head: &audit_head::Model, vault: &Vault) -> bool {
    vault.is_signed(&signed(head), &head.signature)
}

/// Reads lower-case or upper-case hexadecimal digits.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|digit| char::from(digit).to_digit(16)).collect::<Option<Vec<u32>>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| u8::try_from(high * 16 + low).ok()).collect()
}
