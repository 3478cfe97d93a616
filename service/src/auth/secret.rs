//! Client secrets and client keys.

use crate::{Error, Result};
use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet},
};

/// A new secret: 256 random bits. It has no `Debug` and no `Display`, so that no log can show it.
pub(crate) struct Secret(String);

/// What secrets begin with, for scanners that look for leaked ones.
const PREFIX: &str = "fynd_";

impl Secret {
    pub(crate) fn new() -> Result<Self> {
        let mut bits = [0; 32];
        rand::fill(&mut bits).map_err(Error::internal)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits))))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// The registered public keys of a client, each pinned to its algorithm.
pub(crate) struct ClientKeys(Vec<(Option<String>, Algorithm, DecodingKey)>);

/// Most keys of a client; two while it rotates, and some room.
const MAX_KEYS: usize = 5;
/// Longest key set, in bytes.
const MAX_JWKS: usize = 20_000;

impl ClientKeys {
    /// Reads a JWK set (RFC 7517) of public Ed25519, P-256 or RSA keys (at least 2,048 bits).
    ///
    /// # Errors
    /// What is wrong, for the caller to read.
    pub(crate) fn parse(jwks: &str) -> std::result::Result<Self, String> {
        let form = "must be `{\"keys\": […]}` (RFC 7517) with 1–5 public keys";
        if jwks.len() > MAX_JWKS {
            return Err(form.into());
        }
        let value: serde_json::Value = serde_json::from_str(jwks).map_err(|_| form)?;
        let given = value.get("keys").and_then(serde_json::Value::as_array).ok_or(form)?;
        if given.iter().any(|key| ["d", "p", "q", "k"].iter().any(|secret| key.get(secret).is_some())) {
            return Err("holds a private or symmetric key: send the public half alone, and replace that key".into());
        }
        if !(1..=MAX_KEYS).contains(&given.len()) {
            return Err(form.into());
        }
        let set: JwkSet = serde_json::from_value(value).map_err(|_| form)?;
        set.keys.iter().map(pinned).collect::<std::result::Result<_, _>>().map(Self)
    }

    /// The keys that a header may mean: the one with its `kid`, or all if it names none.
    pub(crate) fn matching(&self, kid: Option<&str>) -> impl Iterator<Item = (Algorithm, &DecodingKey)> {
        let kid = kid.map(str::to_owned);
        let fits = move |own: &Option<String>| kid.is_none() || own.is_none() || *own == kid;
        self.0.iter().filter(move |(own, ..)| fits(own)).map(|(_, algorithm, key)| (*algorithm, key))
    }
}

fn pinned(jwk: &Jwk) -> std::result::Result<(Option<String>, Algorithm, DecodingKey), String> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::RSA(rsa) => {
            let bits = URL_SAFE_NO_PAD.decode(&rsa.n).map_or(0, |n| n.len() * 8);
            if bits < 2048 {
                return Err("holds an RSA key of less than 2,048 bits".into());
            }
            Algorithm::RS256
        }
        _ => return Err("takes Ed25519, P-256 and RSA keys".into()),
    };
    let key = DecodingKey::from_jwk(jwk).map_err(|_| "holds a key that cannot be read")?;
    Ok((jwk.common.key_id.clone(), algorithm, key))
}
