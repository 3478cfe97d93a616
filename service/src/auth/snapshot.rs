//! Who may do what, as it was at most two seconds ago.

use crate::{
    Clock, Error, Result,
    platform::{Directory, GrantRow, KeyRow, Platform},
};
use domain::{PrincipalId, Tenant, Timestamp};
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

/// Keys, tenants, principals and grants of one epoch.
pub(super) struct Snapshot {
    epoch: i64,
    keys: HashMap<String, VerifyingKey>,
    tenants: Vec<Tenant>,
    principals: HashMap<(String, String), (PrincipalId, Vec<GrantRow>)>,
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
}

impl Snapshot {
    fn of(directory: Directory, seen_at: Timestamp) -> Result<Self> {
        let mut principals: HashMap<_, (PrincipalId, Vec<GrantRow>)> = HashMap::new();
        for (id, issuer, subject) in directory.principals {
            principals.insert((issuer, subject), (id, Vec::new()));
        }
        let mut by_id: HashMap<PrincipalId, Vec<GrantRow>> = HashMap::new();
        for grant in directory.grants {
            by_id.entry(grant.principal).or_default().push(grant);
        }
        for (id, grants) in principals.values_mut() {
            *grants = by_id.remove(id).unwrap_or_default();
        }
        let keys = directory.keys.into_iter().map(verifying_key).collect::<Result<_>>()?;
        let revoked = directory.revoked.into_iter().collect();
        Ok(Self { epoch: directory.epoch, keys, tenants: directory.tenants, principals, revoked, seen_at })
    }

    pub(super) fn key(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.get(kid)
    }

    pub(super) fn jwks(&self) -> serde_json::Value {
        let mut keys: Vec<_> = self.keys.values().map(|key| key.jwk.clone()).collect();
        keys.sort_by_key(|jwk| jwk.get("kid").map(ToString::to_string));
        serde_json::json!({ "keys": keys })
    }

    pub(super) fn tenant(&self, named: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.is_named(named))
    }

    pub(super) fn principal(&self, issuer: &str, subject: &str) -> Option<(PrincipalId, &[GrantRow])> {
        let (id, grants) = self.principals.get(&(issuer.to_owned(), subject.to_owned()))?;
        Some((*id, grants))
    }

    pub(super) fn is_revoked(&self, jti: &str) -> bool {
        self.revoked.contains(jti)
    }
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
    Ok((row.kid, VerifyingKey { algorithm: row.algorithm, verifies, public, jwk }))
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
