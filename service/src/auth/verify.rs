//! The signature of a token, and a cache of those already checked.

use super::{
    AuthOptions, Claims, Missing,
    issuer::{Fingerprint, Issuer, Issuers},
    snapshot::Snapshot,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Longest own token taken, in bytes.
const MAX_OWN: usize = 8192;
/// Longest token taken at all: Entra ID puts up to 200 groups of 36 letters each into one.
const MAX_TOKEN: usize = 16_384;
/// Most tokens remembered.
const MAX_CACHED: usize = 10_000;

/// Verifies signatures. What it remembers is only what a signature proves:
/// times, revocations and grants are looked at on every request.
#[derive(Default)]
pub(super) struct Verifier {
    cache: Mutex<HashMap<[u8; 32], Proven>>,
}

/// What a signature proves.
#[derive(Clone)]
pub(super) struct Proof {
    /// What the token says.
    pub(super) claims: Arc<Claims>,
    /// The roles that an outside issuer says it carries.
    pub(super) roles: Arc<[String]>,
    /// Whether an outside issuer made it.
    pub(super) is_outside: bool,
}

#[derive(Clone)]
struct Proven {
    by: By,
    proof: Proof,
}

/// The key that a proof rests on.
#[derive(Clone)]
enum By {
    /// One of the store's, by its id.
    Own(String),
    /// One of an outside issuer's.
    Outside(Fingerprint),
}

/// The keys that tokens are verified with.
pub(super) struct VerifyingKeys<'k> {
    pub(super) own: &'k Snapshot,
    pub(super) issuers: &'k Issuers,
    pub(super) options: &'k AuthOptions,
    pub(super) now: Timestamp,
}

impl VerifyingKeys<'_> {
    /// Whether the key that a proof rests on still counts.
    fn hold(&self, proven: &Proven) -> bool {
        match &proven.by {
            By::Own(kid) => self.own.key(kid, self.now).is_some(),
            By::Outside(key) => self.issuers.named(&proven.proof.claims.iss).is_some_and(|issuer| issuer.holds(key)),
        }
    }
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

/// What the header of an outside token may say besides: hints at certificates, which mean nothing here, since
/// the key comes from the issuer's own set. Entra ID sends them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutsideHeader {
    alg: String,
    kid: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "taken, and not looked at")]
    x5t: Option<String>,
    #[serde(default, rename = "x5t#S256")]
    #[expect(dead_code, reason = "taken, and not looked at")]
    x5t_s256: Option<String>,
}

/// Who a token says it is of, before anything of it is proven: it chooses the keys, and is checked with them.
#[derive(Deserialize)]
struct Unproven {
    iss: String,
}

impl Verifier {
    pub(super) fn verify(&self, token: &str, keys: &VerifyingKeys<'_>) -> Result<Proof, Missing> {
        if token.len() > MAX_TOKEN {
            return Err(Missing::Refused("too long"));
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(proven) = self.lock().get(&digest).filter(|proven| keys.hold(proven)) {
            return Ok(proven.proof.clone());
        }
        let outside = part::<Unproven>(token, 1).and_then(|unproven| keys.issuers.named(&unproven.iss));
        let proven = match outside {
            Some(issuer) => prove_outside(token, issuer)?,
            None => prove(token, keys)?,
        };
        let proof = proven.proof.clone();
        // A very long token is proven each time, so that what is remembered stays small.
        if token.len() <= MAX_OWN {
            let mut cache = self.lock();
            if cache.len() >= MAX_CACHED {
                cache.clear();
            }
            cache.insert(digest, proven);
        }
        Ok(proof)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Proven>> {
        // A panic elsewhere leaves a map that is still only a cache.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prove(token: &str, keys: &VerifyingKeys<'_>) -> Result<Proven, Missing> {
    if token.len() > MAX_OWN {
        return Err(Missing::Refused("too long"));
    }
    let header: Header = part(token, 0).ok_or(Missing::Refused("header"))?;
    check_typ(header.typ.as_deref())?;
    let key = keys.own.key(&header.kid, keys.now).ok_or(Missing::Unknown)?;
    if key.algorithm != header.alg {
        return Err(Missing::Refused("another algorithm than the key's"));
    }
    let claims: Claims = decoded(token, key.verifies, &key.public)?;
    if claims.iss != keys.options.issuer {
        return Err(Missing::Refused("issuer"));
    }
    if !claims.aud.holds(&keys.options.audience) {
        return Err(Missing::Refused("audience"));
    }
    let proof = Proof { claims: Arc::new(claims), roles: Arc::default(), is_outside: false };
    Ok(Proven { by: By::Own(header.kid), proof })
}

fn prove_outside(token: &str, issuer: &Issuer) -> Result<Proven, Missing> {
    let header: OutsideHeader = part(token, 0).ok_or(Missing::Refused("header"))?;
    check_typ(header.typ.as_deref())?;
    issuer.renew_if_old();
    let key = issuer.key(&header.kid, &header.alg);
    let (algorithm, key, fingerprint) = key.ok_or_else(|| {
        let known = issuer.has(&header.kid);
        if known {
            Missing::Refused("another algorithm than the key's")
        } else {
            Missing::Key(issuer.name().to_owned())
        }
    })?;
    let Unique(claims) = decoded(token, algorithm, &key)?;
    let outside = issuer.read(&claims).map_err(Missing::Refused)?;
    let proof = Proof { claims: Arc::new(outside.claims), roles: outside.roles.into(), is_outside: true };
    Ok(Proven { by: By::Outside(fingerprint), proof })
}

fn decoded<T: serde::de::DeserializeOwned + Clone>(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
) -> Result<T, Missing> {
    let mut validation = jsonwebtoken::Validation::new(algorithm);
    // Times are checked against the service's clock on every request, the rest by the caller.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decoded = jsonwebtoken::decode::<T>(token, key, &validation);
    decoded.map(|token| token.claims).map_err(|_| Missing::Refused("signature or claims"))
}

/// Claims of any kind, each of which stands once: of two, readers disagree which one counts.
#[derive(Clone)]
struct Unique(serde_json::Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Claims;

        impl<'de> serde::de::Visitor<'de> for Claims {
            type Value = Unique;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("claims")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
                let mut claims = serde_json::Map::new();
                while let Some((name, value)) = access.next_entry::<String, serde_json::Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a claim stands twice"));
                    }
                }
                Ok(Unique(claims.into()))
            }
        }

        deserializer.deserialize_map(Claims)
    }
}

/// The JSON in a part of a token.
fn part<T: serde::de::DeserializeOwned>(token: &str, at: usize) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at)?).ok()?).ok()
}

fn check_typ(typ: Option<&str>) -> Result<(), Missing> {
    match typ.map(str::to_ascii_lowercase).as_deref() {
        None | Some("jwt" | "at+jwt" | "application/at+jwt") => Ok(()),
        Some(_) => Err(Missing::Refused("typ")),
    }
}
