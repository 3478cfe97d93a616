//! The signature of a token, and a cache of those already checked.

use super::{AuthOptions, Claims, Missing, snapshot::Snapshot};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Longest token taken, in bytes.
const MAX_TOKEN: usize = 8192;
/// Most tokens remembered.
const MAX_CACHED: usize = 10_000;

/// Verifies signatures. What it remembers is only what a signature proves:
/// times, revocations and grants are looked at on every request.
#[derive(Default)]
pub(super) struct Verifier {
    cache: Mutex<HashMap<[u8; 32], Proven>>,
}

#[derive(Clone)]
struct Proven {
    kid: String,
    claims: Arc<Claims>,
}

/// The header parameters that are understood. Any other one (`jku`, `x5u`,
/// `jwk`, `crit`, …) makes the token be refused: the key comes from the store
/// and never from the token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    typ: Option<String>,
}

impl Verifier {
    pub(super) fn verify(
        &self,
        token: &str,
        keys: &Snapshot,
        options: &AuthOptions,
        now: Timestamp,
    ) -> Result<Arc<Claims>, Missing> {
        if token.len() > MAX_TOKEN {
            return Err(Missing::Refused("too long"));
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(proven) = self.lock().get(&digest).filter(|proven| keys.key(&proven.kid, now).is_some()) {
            return Ok(proven.claims.clone());
        }
        let proven = prove(token, keys, options, now)?;
        let claims = proven.claims.clone();
        let mut cache = self.lock();
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(digest, proven);
        Ok(claims)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Proven>> {
        // A panic elsewhere leaves a map that is still only a cache.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prove(token: &str, keys: &Snapshot, options: &AuthOptions, now: Timestamp) -> Result<Proven, Missing> {
    let header = header(token)?;
    let key = keys.key(&header.kid, now).ok_or(Missing::Unknown)?;
    if key.algorithm != header.alg {
        return Err(Missing::Refused("another algorithm than the key's"));
    }
    let mut validation = jsonwebtoken::Validation::new(key.verifies);
    // Times are checked against the service's clock on every request, the rest below.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(token, &key.public, &validation)
        .map_err(|_| Missing::Refused("signature or claims"))?
        .claims;
    if claims.iss != options.issuer {
        return Err(Missing::Refused("issuer"));
    }
    if !claims.aud.holds(&options.audience) {
        return Err(Missing::Refused("audience"));
    }
    Ok(Proven { kid: header.kid, claims: Arc::new(claims) })
}

fn header(token: &str) -> Result<Header, Missing> {
    let malformed = Missing::Refused("header");
    let Some((first, _)) = token.split_once('.') else { return Err(malformed) };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(first) else { return Err(malformed) };
    let Ok(header) = serde_json::from_slice::<Header>(&bytes) else { return Err(malformed) };
    let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
    match typ.as_deref() {
        None | Some("jwt" | "at+jwt" | "application/at+jwt") => Ok(header),
        Some(_) => Err(Missing::Refused("typ")),
    }
}
