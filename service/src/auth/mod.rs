//! From a token to a [`Caller`]: the signature, the claims, the live grants.

mod claims;
mod keys;
mod snapshot;
mod vault;
mod verify;

pub use claims::Claims;
pub use keys::SigningAlgorithm;
pub use vault::{Vault, VaultError};

use crate::{
    Clock, Error, Result, Store,
    platform::Platform,
    tenancy::{Caller, Identity, Right, Service},
};
use domain::{Code, Scopes, TenantId, Timestamp};
use snapshot::{Snapshot, Snapshots};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use verify::Verifier;

/// What tokens must say to be taken.
#[derive(Clone, Debug)]
pub struct AuthOptions {
    /// The `iss` of own tokens.
    pub issuer: String,
    /// The `aud` that a token must hold.
    pub audience: String,
    /// How own tokens are signed, if the store has no key yet.
    pub algorithm: SigningAlgorithm,
}

/// Verifies tokens and issues own ones.
pub struct Auth {
    service: Service,
    options: AuthOptions,
    verifier: Verifier,
    snapshots: Snapshots,
}

/// A token to issue.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Who it is for.
    pub subject: String,
    /// Where it is for.
    pub tenants: Vec<TenantId>,
    /// What it is for.
    pub scopes: Scopes,
    /// How long it lives; at most [`NewToken::MAX_TTL`].
    pub ttl: Duration,
}

impl NewToken {
    /// The longest life of a token, as its grant ends with it.
    pub const MAX_TTL: Duration = Duration::from_secs(400 * 24 * 3600);
}

impl Auth {
    /// Reads the keys (making the first ones in an empty store) and the grants.
    ///
    /// # Errors
    /// Store errors, or a store key that does not open the signing keys.
    pub async fn start(store: Store, clock: Clock, vault: Arc<Vault>, options: AuthOptions) -> Result<Self> {
        let platform = Platform::new(store.clone());
        keys::ensure(&platform, &vault, &clock, options.algorithm).await?;
        let snapshots = Snapshots::load(platform, clock.clone()).await?;
        let service = Service { apart: store.clone(), store, clock, vault, noted: Arc::default() };
        Ok(Self { service, options, verifier: Verifier::default(), snapshots })
    }

    /// What use cases stand on.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The public keys as a JWK set (RFC 7517).
    pub fn jwks(&self) -> serde_json::Value {
        self.snapshots.current().jwks()
    }

    /// Makes a caller of a bearer token.
    ///
    /// # Errors
    /// `unauthenticated` for a token that proves nothing (always with the same
    /// words, since why is nobody's business but the log's), `unavailable` if
    /// the grants cannot be read.
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        let now = self.service.clock.now();
        let snapshot = self.snapshots.fresh().await?;
        let mut identity = self.identify(token, now, &snapshot);
        if identity.as_ref().map_or_else(Missing::may_be_new, |known| !known.complete) {
            // A key or grant may be newer than the last look: look once more before refusing.
            let snapshot = self.snapshots.look_again().await?;
            identity = self.identify(token, now, &snapshot);
        }
        match identity {
            Ok(known) => Ok(Caller::new(self.service.clone(), known.identity)),
            Err(missing) => {
                tracing::info!(reason = missing.reason(), "token refused");
                Err(Error::refused(Code::Unauthenticated, Code::Unauthenticated.title()))
            }
        }
    }

    fn identify(&self, token: &str, now: Timestamp, snapshot: &Snapshot) -> std::result::Result<Known, Missing> {
        let claims = self.verifier.verify(token, snapshot, &self.options)?;
        claims.check_times(now).map_err(Missing::Refused)?;
        if snapshot.is_revoked(&claims.jti) {
            return Err(Missing::Refused("revoked"));
        }
        let (principal, grants) = snapshot.principal(&claims.iss, &claims.sub).ok_or(Missing::Unknown)?;
        let asked = Scopes::parse_known(&claims.scope);
        let (mut rights, mut complete) = (BTreeMap::new(), true);
        for tenant in claims.tenants.iter().filter_map(|named| snapshot.tenant(named)) {
            let granted = grants
                .iter()
                .filter(|grant| grant.tenant == tenant.id && grant.is_live(now))
                .fold(Scopes::NONE, |sum, grant| sum.union(grant.scopes));
            let scopes = asked.intersection(granted);
            // What a token older than the last look lacks was not granted, or was revoked since.
            complete &= scopes == asked || claims.iat < snapshot.seen_at.timestamp();
            if !scopes.is_empty() {
                rights.insert(tenant.id, Right { tenant: tenant.clone(), scopes });
            }
        }
        let expires_at = claims.expires_at().ok_or(Missing::Refused("exp out of range"))?;
        let identity =
            Identity { principal, issuer: claims.iss.clone(), subject: claims.sub.clone(), expires_at, rights };
        Ok(Known { identity, complete })
    }

    /// Issues a token, with the grants that end with it.
    ///
    /// # Errors
    /// `invalid_body` for a life that is too long, store errors.
    pub async fn issue(&self, new: NewToken, origin: &str) -> Result<String> {
        if new.ttl > NewToken::MAX_TTL || new.ttl.is_zero() {
            let violation = domain::Violation::new("/ttl", "takes from 1 second to 400 days");
            return Err(domain::Error::invalid(vec![violation]).into());
        }
        let now = self.service.clock.now();
        let claims = Claims::new(&self.options, &new, now);
        let until = claims.expires_at().ok_or_else(|| Error::Internal("exp out of range".into()))?;
        let platform = Platform::new(self.service.store.clone());
        let principal = platform.principal(&self.options.issuer, &new.subject, now).await?;
        platform.grant(principal, &new.tenants, new.scopes, origin, (now, until)).await?;
        keys::sign(&platform, &self.service.vault, &claims).await
    }
}

/// A principal, and whether the grants cover all that its token asks for.
struct Known {
    identity: Identity,
    complete: bool,
}

/// Why a token makes no caller.
#[derive(Debug)]
pub(crate) enum Missing {
    /// A key or grant that is not known (yet).
    Unknown,
    /// Refused whatever the grants say.
    Refused(&'static str),
}

impl Missing {
    fn may_be_new(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// For the log alone.
    fn reason(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown key or principal",
            Self::Refused(reason) => reason,
        }
    }
}
