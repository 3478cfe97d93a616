//! Who may do what, as it was at most two seconds ago.

use crate::{
    Clock, Error, Result,
    platform::{ClientRow, Directory, GrantRow, KeyRow, Platform, Principal, To},
};
use domain::{ClientId, PrincipalId, Scopes, Tenant, TenantId, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// How old a look at the epoch may be before the next request looks again.
const LOOK_EVERY: Duration = Duration::from_millis(1500);
/// How soon an unknown principal may cause another look.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long one look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the service goes on while the store cannot be read.
const MAX_BLIND: Duration = Duration::from_secs(5);

/// Keys, tenants, principals, clients and grants of one epoch.
pub(super) struct Snapshot {
    epoch: i64,
    keys: HashMap<String, VerifyingKey>,
    tenants: Vec<Tenant>,
    principals: HashMap<(String, String), Principal>,
    clients: HashMap<ClientId, ClientRow>,
    by_principal: HashMap<PrincipalId, ClientId>,
    grants: HashMap<To, Vec<GrantRow>>,
    revoked: HashSet<String>,
    /// The service's time when the store was looked at.
    pub(super) seen_at: Timestamp,
}

/// The public half of a signing key, pinned to its algorithm.
pub(super) struct VerifyingKey {
    pub(super) algorithm: String,
    pub(super) verifies: Algorithm,
    pub(super) public: DecodingKey,
    jwk: serde_json::Value,
    verifies_until: Option<Timestamp>,
}

impl Snapshot {
    fn of(directory: Directory, seen_at: Timestamp) -> Result<Self> {
        let principals =
            directory.principals.into_iter().map(|who| ((who.issuer.clone(), who.subject.clone()), who)).collect();
        let mut grants: HashMap<To, Vec<GrantRow>> = HashMap::new();
        for grant in directory.grants {
            grants.entry(grant.to.clone()).or_default().push(grant);
        }
        let by_principal = directory.clients.iter().map(|client| (client.principal, client.id)).collect();
        let clients = directory.clients.into_iter().map(|client| (client.id, client)).collect();
        let keys = directory.keys.into_iter().map(verifying_key).collect::<Result<_>>()?;
        let revoked = directory.revoked.into_iter().collect();
        let (epoch, tenants) = (directory.epoch, directory.tenants);
        Ok(Self { epoch, keys, tenants, principals, clients, by_principal, grants, revoked, seen_at })
    }

    /// The key with this id, if its tokens still count.
    pub(super) fn key(&self, kid: &str, now: Timestamp) -> Option<&VerifyingKey> {
        self.keys.get(kid).filter(|key| key.verifies_until.is_none_or(|end| now < end))
    }

    pub(super) fn jwks(&self, now: Timestamp) -> serde_json::Value {
        let counts = |key: &&VerifyingKey| key.verifies_until.is_none_or(|end| now < end);
        let mut keys: Vec<_> = self.keys.values().filter(counts).map(|key| key.jwk.clone()).collect();
        keys.sort_by_key(|jwk| jwk.get("kid").map(ToString::to_string));
        serde_json::json!({ "keys": keys })
    }

    pub(super) fn tenant(&self, named: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.is_named(named))
    }

    pub(super) fn principal(&self, issuer: &str, subject: &str) -> Option<&Principal> {
        self.principals.get(&(issuer.to_owned(), subject.to_owned()))
    }

    pub(super) fn client(&self, id: ClientId) -> Option<&ClientRow> {
        self.clients.get(&id)
    }

    /// The client that acts as this principal.
    pub(super) fn client_of(&self, principal: PrincipalId) -> Option<&ClientRow> {
        self.clients.get(self.by_principal.get(&principal)?)
    }

    /// The live grants that a principal, with the roles that its token carries, has in a tenant.
    ///
    /// It takes two keys for a provider's people and clients: a grant of their own, and the
    /// municipality's to the provider, which caps it. For everybody else the organisation's adds.
    pub(super) fn rights(
        &self,
        who: &Principal,
        roles: &[String],
        tenant: TenantId,
        now: Timestamp,
    ) -> Vec<Reason<'_>> {
        let here = |to: To| {
            let all = self.grants.get(&to).into_iter().flatten();
            all.filter(move |grant| grant.tenant == tenant && grant.is_live(now))
        };
        let roles = roles.iter().map(String::as_str).chain(["*"]);
        let of_role = |role: &str| To::Role { issuer: who.issuer.clone(), role: role.to_owned() };
        let own: Vec<_> = here(To::Principal(who.id)).chain(roles.flat_map(|role| here(of_role(role)))).collect();
        let of_organisation: Vec<_> = who.organisation.into_iter().flat_map(|id| here(To::Organisation(id))).collect();
        let sum = |grants: &[&GrantRow]| grants.iter().fold(Scopes::NONE, |sum, grant| sum.union(grant.scopes));
        let (most, mine) = (sum(&of_organisation), sum(&own));
        let capped = |by: Scopes| {
            move |grant: &GrantRow| if who.of_provider { grant.scopes.intersection(by) } else { grant.scopes }
        };
        let own = own.into_iter().map(|grant| Reason { grant, scopes: capped(most)(grant) });
        let shared = of_organisation.into_iter().map(|grant| Reason { grant, scopes: capped(mine)(grant) });
        own.chain(shared).filter(|reason| !reason.scopes.is_empty()).collect()
    }

    pub(super) fn is_revoked(&self, jti: &str) -> bool {
        self.revoked.contains(jti)
    }
}

/// A grant, and what it gives once everything that caps it has.
pub(super) struct Reason<'s> {
    pub(super) grant: &'s GrantRow,
    pub(super) scopes: Scopes,
}

/// What holds while the store cannot be read: the last look, for a few seconds.
fn without_look(snapshot: Arc<Snapshot>, looked: Instant, reason: &str) -> Result<Arc<Snapshot>> {
    if looked.elapsed() < MAX_BLIND {
        tracing::warn!(reason, "the grants cannot be read; going on with those last seen");
        return Ok(snapshot);
    }
    Err(Error::Unavailable(format!("the grants cannot be read: {reason}")))
}

fn verifying_key(row: KeyRow) -> Result<(String, VerifyingKey)> {
    let jwk: Jwk = serde_json::from_str(&row.public_jwk).map_err(Error::internal)?;
    let public = DecodingKey::from_jwk(&jwk).map_err(Error::internal)?;
    let verifies = row.algorithm.parse().map_err(Error::internal)?;
    let jwk = serde_json::from_str(&row.public_jwk).map_err(Error::internal)?;
    let verifies_until = row.verifies_until;
    Ok((row.kid, VerifyingKey { algorithm: row.algorithm, verifies, public, jwk, verifies_until }))
}

/// The current snapshot, renewed when the epoch has moved.
pub(super) struct Snapshots {
    platform: Platform,
    clock: Clock,
    current: RwLock<(Arc<Snapshot>, Instant)>,
    /// When the last look that failed began, for those who waited for it.
    renewing: tokio::sync::Mutex<Option<Instant>>,
}

impl Snapshots {
    pub(super) async fn load(platform: Platform, clock: Clock) -> Result<Self> {
        let snapshot = Snapshot::of(platform.directory(clock.now()).await?, clock.now())?;
        let current = RwLock::new((Arc::new(snapshot), Instant::now()));
        Ok(Self { platform, clock, current, renewing: tokio::sync::Mutex::new(None) })
    }

    pub(super) fn current(&self) -> Arc<Snapshot> {
        self.read().0
    }

    fn read(&self) -> (Arc<Snapshot>, Instant) {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        (current.0.clone(), current.1)
    }

    /// The snapshot, at most two seconds old; older (up to five) while the store does not answer.
    pub(super) async fn fresh(&self) -> Result<Arc<Snapshot>> {
        let (snapshot, looked) = self.read();
        if looked.elapsed() < LOOK_EVERY { Ok(snapshot) } else { self.look(Instant::now()).await }
    }

    /// The snapshot after another look, for a principal or key that was not in the last one.
    pub(super) async fn look_again(&self) -> Result<Arc<Snapshot>> {
        self.look(Instant::now()).await
    }

    /// A snapshot that was looked at after `asked`.
    async fn look(&self, asked: Instant) -> Result<Arc<Snapshot>> {
        // One look serves all requests that wait for it.
        let mut failed = self.renewing.lock().await;
        let (snapshot, looked) = self.read();
        if looked > asked {
            return Ok(snapshot);
        }
        if failed.is_some_and(|failed| failed > asked) {
            // Who waited for a look that failed does not wait for another one to fail.
            return without_look(snapshot, looked, "a look at the store has just failed");
        }
        // Nobody makes the store be looked at more often than this.
        tokio::time::sleep(LOOK_AGAIN.saturating_sub(looked.elapsed())).await;
        // Before the look: what is granted during it may not be seen by it.
        let began = Instant::now();
        match tokio::time::timeout(LOOK_TIMEOUT, self.renewed(&snapshot)).await {
            Ok(Ok(renewed)) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = (renewed.clone(), began);
                Ok(renewed)
            }
            Ok(Err(error)) => {
                *failed = Some(Instant::now());
                without_look(snapshot, looked, &error.to_string())
            }
            Err(_) => {
                *failed = Some(Instant::now());
                without_look(snapshot, looked, "the store does not answer")
            }
        }
    }

    async fn renewed(&self, snapshot: &Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        let now = self.clock.now();
        if self.platform.epoch().await? == snapshot.epoch {
            return Ok(snapshot.clone());
        }
        Ok(Arc::new(Snapshot::of(self.platform.directory(now).await?, now)?))
    }
}
