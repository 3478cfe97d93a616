//! The public keys of an outside issuer: found by discovery, kept, and fetched
//! again at a bounded rate when a token names one that is not known.

use super::IssuerOptions;
use crate::outbound::{Outbound, OutboundError};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use sha2::{Digest, Sha256};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// How soon the keys may be fetched again: who sends unknown keys makes Fynd ask no more often than this.
const FETCH_AGAIN: Duration = Duration::from_secs(2);
/// How old keys may be before they are fetched without anybody waiting.
const OLD: Duration = Duration::from_secs(600);
/// How long an issuer may be away before its keys are no longer believed.
const TOO_OLD: Duration = Duration::from_secs(24 * 3600);
/// How long a request waits for keys: an issuer that hangs holds nobody's place for as long as it likes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most keys that are read.
const MAX_KEYS: usize = 50;

/// The keys of one issuer.
#[derive(Clone)]
pub(super) struct Keys(Arc<Inner>);

struct Inner {
    issuer: String,
    jwks_uri: Option<String>,
    outbound: Outbound,
    current: RwLock<Option<Known>>,
    /// When they were last asked for, whether that went well or not.
    asked: Arc<tokio::sync::Mutex<Option<Instant>>>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<[Key]>,
    fetched: Instant,
}

/// What tells a key from all others: all that its issuer says about it. A `kid` does not, since an issuer may give
/// the name of a lost key to the next one.
pub(in crate::auth) type Fingerprint = [u8; 32];

struct Key {
    kid: String,
    fingerprint: Fingerprint,
    fits: Vec<Algorithm>,
    public: DecodingKey,
}

impl Keys {
    pub(super) fn new(options: &IssuerOptions, outbound: Outbound) -> Self {
        Self(Arc::new(Inner {
            issuer: options.issuer.clone(),
            jwks_uri: options.jwks_uri.clone(),
            outbound,
            current: RwLock::default(),
            asked: Arc::default(),
        }))
    }

    /// The key with this id, if it is one for the algorithm.
    pub(super) fn get(&self, kid: &str, algorithm: Algorithm) -> Option<(DecodingKey, Fingerprint)> {
        let known = self.known()?;
        // Keys of different kinds may share an id (RFC 7517, section 4.5).
        let key = known.keys.iter().find(|key| key.kid == kid && key.fits.contains(&algorithm))?;
        Some((key.public.clone(), key.fingerprint))
    }

    pub(super) fn has(&self, kid: &str) -> bool {
        self.known().is_some_and(|known| known.keys.iter().any(|key| key.kid == kid))
    }

    /// Whether this very key is still one of the issuer's.
    pub(super) fn hold(&self, fingerprint: &Fingerprint) -> bool {
        self.known().is_some_and(|known| known.keys.iter().any(|key| key.fingerprint == *fingerprint))
    }

    fn known(&self) -> Option<Known> {
        let current = self.0.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone().filter(|known| known.fetched.elapsed() < TOO_OLD)
    }

    /// Fetches the keys; those who ask meanwhile wait for the same answer. An issuer that does not answer
    /// leaves the keys that are known.
    pub(super) async fn renew(&self) {
        let began = Instant::now();
        let turn = async {
            let asked = self.0.asked.clone().lock_owned().await;
            if asked.is_none_or(|asked| asked <= began) {
                // On its own: whoever gives up waiting does not end what the others wait for.
                let keys = self.clone();
                let _ = tokio::spawn(async move { keys.ask(asked).await }).await;
            }
        };
        if tokio::time::timeout(PATIENCE, turn).await.is_err() {
            tracing::warn!(issuer = self.0.issuer, "the keys of an issuer are slow to come; nobody waits any longer");
        }
    }

    /// Asks for the keys, once it is time to.
    async fn ask(&self, mut asked: tokio::sync::OwnedMutexGuard<Option<Instant>>) {
        if let Some(asked) = *asked {
            tokio::time::sleep(FETCH_AGAIN.saturating_sub(asked.elapsed())).await;
        }
        *asked = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                let known = Known { keys: keys.into(), fetched: Instant::now() };
                *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
            }
            Err(error) => {
                tracing::warn!(issuer = self.0.issuer, %error, "the keys of an issuer could not be fetched; those known go on");
            }
        }
    }

    pub(super) fn renew_if_old(&self) {
        if self.known().is_some_and(|known| known.fetched.elapsed() < OLD) {
            return;
        }
        // Somebody is at it already, or has just been.
        if self.0.asked.try_lock().is_ok_and(|asked| asked.is_none_or(|asked| asked.elapsed() > OLD / 10)) {
            let keys = self.clone();
            tokio::spawn(async move { keys.renew().await });
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, OutboundError> {
        let uri = match self.0.jwks_uri.as_deref() {
            Some(uri) if !uri.is_empty() => uri.to_owned(),
            _ => self.discover().await?,
        };
        let set = self.0.outbound.json(&uri).await?;
        let keys = set.get("keys").and_then(serde_json::Value::as_array);
        let keys = keys.ok_or_else(|| OutboundError::Answer(uri, "no `keys` (RFC 7517)".into()))?;
        Ok(keys.iter().take(MAX_KEYS).filter_map(key).collect())
    }

    /// OpenID Connect Discovery 1.0, section 4: the document must be about this very issuer.
    async fn discover(&self) -> Result<String, OutboundError> {
        let address = format!("{}/.well-known/openid-configuration", self.0.issuer.trim_end_matches('/'));
        let document = self.0.outbound.json(&address).await?;
        let text = |name: &str| document.get(name).and_then(serde_json::Value::as_str);
        if text("issuer") != Some(&self.0.issuer) {
            return Err(OutboundError::Answer(address, "about another issuer".into()));
        }
        let uri = text("jwks_uri").map(str::to_owned);
        uri.ok_or_else(|| OutboundError::Answer(address, "no `jwks_uri`".into()))
    }
}

/// A public key that signs, with the algorithms that its kind allows. A shared secret is none, and a key of a kind
/// that is not known here is another service's business.
fn key(said: &serde_json::Value) -> Option<Key> {
    let fingerprint = Sha256::digest(said.to_string()).into();
    let jwk: Jwk = serde_json::from_value(said.clone()).ok()?;
    let kid = jwk.common.key_id.clone()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    if jwk.common.key_operations.as_ref().is_some_and(|allowed| !allowed.contains(&KeyOperations::Verify)) {
        return None;
    }
    let mut fits = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => vec![Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P384 => vec![Algorithm::ES384],
        AlgorithmParameters::RSA(_) => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        _ => return None,
    };
    if let Some(named) = jwk.common.key_algorithm {
        fits.retain(|algorithm| is(named, *algorithm));
    }
    let public = DecodingKey::from_jwk(&jwk).ok()?;
    (!fits.is_empty()).then_some(Key { kid, fingerprint, fits, public })
}

fn is(named: KeyAlgorithm, algorithm: Algorithm) -> bool {
    named.to_string() == format!("{algorithm:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const X: &str = "11qYAycBnd8YKL1pZ8u8rLPOpYL0wEsBmb8mDYjJUAI";

    fn fits(more: &Value) -> Option<Vec<Algorithm>> {
        let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "one"});
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key(&jwk).map(|key| key.fits)
    }

    #[test]
    fn only_a_public_key_that_signs_is_one_and_only_for_what_it_says() {
        for good in [json!({}), json!({"use": "sig"}), json!({"alg": "EdDSA"}), json!({"key_ops": ["verify"]})] {
            assert_eq!(fits(&good), Some(vec![Algorithm::EdDSA]), "{good}");
        }
        for bad in [
            json!({"use": "enc"}),
            json!({"use": "tls"}),
            json!({"key_ops": ["encrypt"]}),
            json!({"alg": "RS256"}),
            json!({"alg": "HS256"}),
            json!({"kid": null}),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            json!({"kty": "unknown"}),
            json!({"x": 7}),
        ] {
            assert_eq!(fits(&bad), None, "{bad}");
        }
    }

    #[test]
    fn an_rsa_key_without_an_algorithm_fits_no_other_family() {
        let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "one"});
        let fits = key(&rsa).unwrap().fits;
        assert!(fits.contains(&Algorithm::RS256) && fits.contains(&Algorithm::PS256));
        assert!(!fits.iter().any(|algorithm| [Algorithm::HS256, Algorithm::ES256].contains(algorithm)));
    }

    #[test]
    fn a_fingerprint_tells_keys_of_one_name_apart() {
        let of = |x: &str| key(&json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one"})).unwrap().fingerprint;
        assert_eq!(of(X), of(X));
        assert_ne!(of(X), of("FzuuVeMHhhsTuprZEaLERsUxnzeMJPxqXdlPtW8Mg1M"));
    }
}
