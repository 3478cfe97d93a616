//! From a token to a [`Caller`]: the signature, the claims, the live grants.

mod claims;
mod issuer;
mod keys;
mod newcomers;
mod oauth;
mod rights;
mod secret;
mod snapshot;
mod vault;
mod verify;

pub use claims::Claims;
pub(crate) use issuer::OfferedGrant;
pub use issuer::{ClaimNames, IssuerOptions, RoleOptions};
pub use keys::SigningAlgorithm;
pub use oauth::{Credentials, IssuedToken, OauthError, TokenRequest};
pub(crate) use secret::{ClientKeys, Secret};
pub use vault::{Vault, VaultError};

use crate::{
    Clock, Error, Result, Store,
    attachment::Storage,
    audit::{self, Entry},
    outbound::Outbound,
    platform::{self, Platform, To},
    tenancy::{Caller, Identity, Membership, OPERATOR, Service},
};
use domain::{Code, PrincipalId, Scopes, TenantId, Timestamp};
use issuer::Issuers;
use newcomers::Newcomers;
use rights::{Asked, check_client, membership, rights};
use snapshot::{Snapshot, Snapshots};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use verify::{Proof, Verifier, VerifyingKeys};

/// What tokens must say to be taken.
#[derive(Clone, Debug)]
pub struct AuthOptions {
    /// The `iss` of own tokens.
    pub issuer: String,
    /// The `aud` that a token must hold.
    pub audience: String,
    /// How own tokens are signed, if the store has no key yet.
    pub algorithm: SigningAlgorithm,
    /// How long the tokens of clients live.
    pub token_life: Duration,
    /// Outside issuers whose tokens are taken.
    pub issuers: Vec<IssuerOptions>,
}

/// Verifies tokens and issues own ones.
pub struct Auth {
    service: Service,
    options: AuthOptions,
    verifier: Verifier,
    snapshots: Snapshots,
    issuers: Issuers,
    newcomers: Newcomers,
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
    pub async fn start(
        store: Store,
        clock: Clock,
        vault: Arc<Vault>,
        options: AuthOptions,
        outbound: &Outbound,
    ) -> Result<Self> {
        let platform = Platform::new(store.clone());
        keys::ensure(&platform, &vault, &clock, options.algorithm).await?;
        let issuers = Issuers::new(options.issuers.clone(), outbound).map_err(Error::Internal)?;
        if issuers.named(&options.issuer).is_some() {
            return Err(Error::Internal(format!("issuers: {} is this service itself", options.issuer)));
        }
        let snapshots = Snapshots::load(platform, clock.clone()).await?;
        let issuer = options.issuer.as_str().into();
        let attachments = Arc::new(Storage::none());
        let service = Service {
            apart: store.clone(),
            store,
            clock,
            vault,
            issuer,
            attachments,
            noted: Arc::default(),
            running: Arc::default(),
        };
        let (verifier, newcomers) = (Verifier::default(), Newcomers::default());
        Ok(Self { service, options, verifier, snapshots, issuers, newcomers })
    }

    /// The same with a place for attachments.
    #[must_use]
    pub fn with_attachments(mut self, storage: Storage) -> Self {
        self.service.attachments = Arc::new(storage);
        self
    }

    /// What use cases stand on.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The public keys as a JWK set (RFC 7517).
    pub fn jwks(&self) -> serde_json::Value {
        self.snapshots.current().jwks(self.service.clock.now())
    }

    /// Makes a caller of a bearer token.
    ///
    /// # Errors
    /// `unauthenticated` for a token that proves nothing (always with the same
    /// words, since why is nobody's business but the log's), `unavailable` if
    /// the grants cannot be read.
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        let now = self.service.clock.now();
        let mut snapshot = self.snapshots.fresh().await?;
        let mut identity = self.identify(token, now, &snapshot);
        // A key, a subject and a grant may each be newer than what is known: every one of them is asked for once.
        let (mut asked_issuer, mut met, mut looked) = (false, false, false);
        loop {
            match &identity {
                Err(Missing::Key(iss)) if !asked_issuer => {
                    asked_issuer = true;
                    if let Some(issuer) = self.issuers.named(iss) {
                        issuer.renew().await;
                    }
                }
                Err(Missing::Newcomer(iss, sub)) if !met => {
                    met = true;
                    let id = self.meet(iss, sub, now).await?;
                    self.newcomers.remember(iss, sub, id);
                }
                Err(Missing::Unknown) | Ok(Known { complete: false, .. }) if !looked => {
                    looked = true;
                    snapshot = self.snapshots.look_again().await?;
                }
                _ => break,
            }
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

    /// The principal of an outside subject that is in no snapshot: looked up first, so that only a new one is a
    /// write, and those are bounded.
    async fn meet(&self, iss: &str, sub: &str, now: Timestamp) -> Result<PrincipalId> {
        let platform = Platform::new(self.service.store.clone());
        if let Some(id) = platform.find_principal(iss, sub).await? {
            return Ok(id);
        }
        if !self.newcomers.has_room(iss, Instant::now()) {
            return Err(Error::Unavailable(format!("too many new subjects of {iss} at once")));
        }
        platform.meet(iss, sub, now).await
    }

    /// The principal of a proven token; of an outside one also if nobody has granted it anything by name.
    fn principal(&self, proof: &Proof, snapshot: &Snapshot) -> std::result::Result<platform::Principal, Missing> {
        let (iss, sub) = (&proof.claims.iss, &proof.claims.sub);
        if let Some(known) = snapshot.principal(iss, sub) {
            return Ok(known.clone());
        }
        if !proof.is_outside {
            return Err(Missing::Unknown);
        }
        let id = self.newcomers.id(iss, sub).ok_or_else(|| Missing::Newcomer(iss.clone(), sub.clone()))?;
        Ok(platform::Principal {
            id,
            issuer: iss.clone(),
            subject: sub.clone(),
            organisation: None,
            of_provider: false,
        })
    }

    fn keys<'k>(&'k self, snapshot: &'k Snapshot, now: Timestamp) -> VerifyingKeys<'k> {
        VerifyingKeys { own: snapshot, issuers: &self.issuers, options: &self.options, now }
    }

    /// Fetches the keys of outside issuers, so that their first tokens do not wait.
    pub async fn warm_up(&self) {
        self.issuers.warm_up().await;
    }

    /// Fetches those of their keys again that have grown old, without waiting for them.
    pub fn renew_old_keys(&self) {
        self.issuers.renew_old();
    }

    /// Makes grants of what the settings offer to the roles of outside issuers. For the server alone, whose
    /// settings count.
    ///
    /// # Errors
    /// Store errors.
    pub async fn offer_grants(&self) -> Result<()> {
        let platform = Platform::new(self.service.store.clone());
        platform.sync_offers(self.issuers.offers(), self.service.clock.now()).await
    }

    /// Makes a caller of a client's id and secret, sent with every request (HTTP Basic, RFC 7617), where the
    /// client is allowed to.
    ///
    /// # Errors
    /// As [`Auth::authenticate`].
    pub async fn authenticate_basic(&self, client: &str, secret: &str) -> Result<Caller> {
        let now = self.service.clock.now();
        let credentials = Credentials::Secret { client: client.to_owned(), secret: secret.to_owned() };
        let refused = || Error::refused(Code::Unauthenticated, Code::Unauthenticated.title());
        let (client, snapshot) = match self.client(&credentials, now).await {
            Ok((client, snapshot)) if client.basic_allowed => (client, snapshot),
            Err(OauthError::Service(error)) => return Err(error),
            _ => return Err(refused()),
        };
        let subject = client.id.to_string();
        let who = snapshot.principal(&self.options.issuer, &subject).ok_or_else(refused)?;
        let named: Vec<String> = client.tenants.iter().map(ToString::to_string).collect();
        let asked = Asked { scopes: client.scopes, tenants: &named, roles: &[] };
        let rights = rights(&snapshot, who, &asked, now);
        let expires_at = client.expires_at.unwrap_or(now + self.options.token_life);
        let identity = Identity {
            principal: who.id,
            issuer: who.issuer.clone(),
            subject,
            expires_at,
            organisation: membership(who),
            rights,
        };
        Ok(Caller::new(self.service.clone(), identity))
    }

    fn identify(&self, token: &str, now: Timestamp, snapshot: &Snapshot) -> std::result::Result<Known, Missing> {
        let proof = self.verifier.verify(token, &self.keys(snapshot, now))?;
        let claims = &proof.claims;
        claims.check_times(now).map_err(Missing::Refused)?;
        if snapshot.is_revoked(&claims.jti) {
            return Err(Missing::Refused("revoked"));
        }
        let who = &self.principal(&proof, snapshot)?;
        if let Some(client) = snapshot.client_of(who.id) {
            check_client(client, claims.iat, now).map_err(Missing::Refused)?;
        }
        let asked = Asked { scopes: Scopes::parse_known(&claims.scope), tenants: &claims.tenants, roles: &proof.roles };
        let rights = rights(snapshot, who, &asked, now);
        // What a token older than the last look lacks was not granted, or was revoked since.
        let is_new = !proof.is_outside && claims.iat >= snapshot.seen_at.timestamp();
        let named = claims.tenants.iter().filter_map(|named| snapshot.tenant(named));
        let complete =
            !is_new || named.into_iter().all(|t| rights.get(&t.id).is_some_and(|right| right.scopes == asked.scopes));
        let expires_at = claims.expires_at().ok_or(Missing::Refused("exp out of range"))?;
        let identity = Identity {
            principal: who.id,
            issuer: claims.iss.clone(),
            subject: claims.sub.clone(),
            expires_at,
            organisation: membership(who),
            rights,
        };
        Ok(Known { identity, complete })
    }

    /// The operator, for the command line alone: what it gives may belong to an organisation.
    ///
    /// # Errors
    /// `invalid_body` for an unknown organisation, store errors.
    pub async fn operator(&self, organisation: Option<&str>) -> Result<Caller> {
        let platform = Platform::new(self.service.store.clone());
        let principal = platform.principal(OPERATOR.0, OPERATOR.1, self.service.clock.now()).await?;
        let organisation = match organisation {
            None => None,
            Some(named) => {
                let unknown = || domain::Error::invalid(vec![domain::Violation::new("/organisation", "is unknown")]);
                let id = platform.find_organisation(named).await?.ok_or_else(unknown)?;
                Some(Membership { id, is_provider: false })
            }
        };
        Ok(Caller::operator(self.service.clone(), principal, platform.tenants().await?, organisation))
    }

    /// Makes a new signing key, which signs after `lead`; tokens of the keys before are verified for `overlap`
    /// more. Says its id.
    ///
    /// # Errors
    /// Store errors.
    pub async fn rotate_keys(&self, algorithm: SigningAlgorithm, lead: Duration, overlap: Duration) -> Result<String> {
        let platform = Platform::new(self.service.store.clone());
        let (vault, clock) = (&self.service.vault, &self.service.clock);
        let kid = keys::rotate(&platform, vault, clock, algorithm, (lead, overlap)).await?;
        let entry = Entry::done("signing_key.rotate").detail(&serde_json::json!({"kid": kid}));
        audit::operator(&self.service, entry).await?;
        Ok(kid)
    }

    /// Ends a token of any principal by its `jti`: the operator's.
    ///
    /// # Errors
    /// Store errors.
    pub async fn revoke_jti(&self, jti: &str) -> Result<()> {
        let now = self.service.clock.now();
        Platform::new(self.service.store.clone()).revoke_token(jti, now + NewToken::MAX_TTL, now).await?;
        let entry = Entry::done("token.revoke").detail(&serde_json::json!({"jti": jti}));
        audit::operator(&self.service, entry).await
    }

    /// Issues a token, with the grants that end with it.
    ///
    /// # Errors
    /// `invalid_body` for a life that is too long, store errors.
    pub async fn issue(&self, new: NewToken, origin: &'static str) -> Result<String> {
        if new.ttl > NewToken::MAX_TTL || new.ttl.is_zero() {
            let violation = domain::Violation::new("/ttl", "takes from 1 second to 400 days");
            return Err(domain::Error::invalid(vec![violation]).into());
        }
        let now = self.service.clock.now();
        let claims = Claims::new(&self.options, &new, now);
        let until = claims.expires_at().ok_or_else(|| Error::Internal("exp out of range".into()))?;
        let platform = Platform::new(self.service.store.clone());
        let principal = platform.principal(&self.options.issuer, &new.subject, now).await?;
        platform.grant(To::Principal(principal), &new.tenants, new.scopes, origin, (now, Some(until))).await?;
        keys::sign(&platform, &self.service.vault, &claims, now).await
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
    /// A key of this outside issuer that is not known (yet).
    Key(String),
    /// A subject of an outside issuer that was never seen.
    Newcomer(String, String),
    /// Refused whatever the grants say.
    Refused(&'static str),
}

impl Missing {
    /// For the log alone.
    fn reason(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown key or principal",
            Self::Key(_) => "unknown key of an outside issuer",
            Self::Newcomer(..) => "unknown subject of an outside issuer",
            Self::Refused(reason) => reason,
        }
    }
}
