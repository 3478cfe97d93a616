//! The public keys of an outside issuer: found by discovery, kept, and fetched
//! again at a bounded rate when a token names one that is not known.

use super::IssuerOptions;
use crate::outbound::{Outbound, OutboundError};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// How soon the keys may be fetched again: who sends unknown keys makes Fynd ask no more often than this.
const FETCH_AGAIN: Duration = Duration::from_secs(2);
/// How old keys may be before they are fetched without anybody waiting.
const OLD: Duration = Duration::from_secs(600);
/// How long an issuer may be away before its keys are no longer believed.
const TOO_OLD: Duration = Duration::from_secs(24 * 3600);
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
    asked: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Known {
    by_kid: Arc<HashMap<String, Key>>,
    fetched: Instant,
}

struct Key {
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
            asked: tokio::sync::Mutex::default(),
        }))
    }

    /// The key with this id, if it is one for the algorithm.
    pub(super) fn get(&self, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
        let known = self.known()?;
        let key = known.by_kid.get(kid)?;
        key.fits.contains(&algorithm).then(|| key.public.clone())
    }

    pub(super) fn has(&self, kid: &str) -> bool {
        self.known().is_some_and(|known| known.by_kid.contains_key(kid))
    }

    fn known(&self) -> Option<Known> {
        let current = self.0.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone().filter(|known| known.fetched.elapsed() < TOO_OLD)
    }

    /// Fetches the keys; those who ask meanwhile wait for the same answer. An issuer that does not answer
    /// leaves the keys that are known.
    pub(super) async fn renew(&self) {
        let began = Instant::now();
        let mut asked = self.0.asked.lock().await;
        if asked.is_some_and(|asked| asked > began) {
            return;
        }
        if let Some(asked) = *asked {
            tokio::time::sleep(FETCH_AGAIN.saturating_sub(asked.elapsed())).await;
        }
        *asked = Some(Instant::now());
        match self.fetch().await {
            Ok(by_kid) => {
                let known = Known { by_kid: Arc::new(by_kid), fetched: Instant::now() };
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

    async fn fetch(&self) -> Result<HashMap<String, Key>, OutboundError> {
        let uri = match &self.0.jwks_uri {
            Some(uri) => uri.clone(),
            None => self.discover().await?,
        };
        let set = self.0.outbound.json(&uri).await?;
        let keys = set.get("keys").and_then(serde_json::Value::as_array);
        let keys = keys.ok_or_else(|| OutboundError::Answer(uri, "no `keys` (RFC 7517)".into()))?;
        // A key of a kind that is not known here is another service's business.
        let known = keys.iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
        Ok(known.filter_map(|jwk| key(&jwk)).collect())
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

/// A public key that signs, with the algorithms that its kind allows. A shared secret is none.
fn key(jwk: &Jwk) -> Option<(String, Key)> {
    let kid = jwk.common.key_id.clone()?;
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
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
    let public = DecodingKey::from_jwk(jwk).ok()?;
    (!fits.is_empty()).then_some((kid, Key { fits, public }))
}

fn is(named: KeyAlgorithm, algorithm: Algorithm) -> bool {
    named.to_string() == format!("{algorithm:?}")
}
