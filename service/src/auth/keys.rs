//! Signing keys: made on the first start, sealed in the store.

use super::{Claims, Vault};
use crate::{
    Clock, Error, Result,
    platform::{NewKey, Platform},
};
use aws_lc_rs::{
    pkcs8::Document,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// How tokens are signed. Every verifier knows ES256; EdDSA is the quicker one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum SigningAlgorithm {
    /// Ed25519 (RFC 8037).
    #[default]
    EdDSA,
    /// ECDSA with P-256 and SHA-256 (RFC 7518, section 3.4).
    ES256,
}

/// Makes the first signing key of an empty store.
pub(super) async fn ensure(
    platform: &Platform,
    vault: &Vault,
    clock: &Clock,
    algorithm: SigningAlgorithm,
) -> Result<()> {
    if let Some(key) = platform.signing_key(clock.now()).await? {
        // Better now than at the first token: the wrong key file is the usual cause.
        return vault.open(&purpose(&key.kid), &key.sealed_private_key).map(|_| ());
    }
    platform.add_first_key(new_key(vault, clock, algorithm)?).await
}

/// Makes a key that signs after `lead`, when every verifier has seen it; tokens of the keys before are
/// verified for `overlap` more. Says its id.
pub(super) async fn rotate(
    platform: &Platform,
    vault: &Vault,
    clock: &Clock,
    algorithm: SigningAlgorithm,
    (lead, overlap): (Duration, Duration),
) -> Result<String> {
    let key = new_key(vault, clock, algorithm)?;
    let (kid, from) = (key.kid.clone(), clock.now() + lead);
    platform.rotate_keys(key, from, from + overlap).await?;
    Ok(kid)
}

fn new_key(vault: &Vault, clock: &Clock, algorithm: SigningAlgorithm) -> Result<NewKey> {
    let kid = uuid::Uuid::now_v7().to_string();
    let (pkcs8, mut public) = match algorithm {
        SigningAlgorithm::EdDSA => ed25519()?,
        SigningAlgorithm::ES256 => p256()?,
    };
    let algorithm = format!("{algorithm:?}");
    public["alg"] = algorithm.as_str().into();
    public["kid"] = kid.as_str().into();
    public["use"] = "sig".into();
    let sealed_private_key = vault.seal(&purpose(&kid), pkcs8.as_ref())?;
    let public_jwk = public.to_string();
    Ok(NewKey { kid, algorithm, public_jwk, sealed_private_key, created_at: clock.now() })
}

/// A private key (PKCS#8) with the key part of its JWK.
type Pair = (Document, serde_json::Value);

fn ed25519() -> Result<Pair> {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(Error::internal)?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(Error::internal)?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    Ok((pkcs8, json!({"kty": "OKP", "crv": "Ed25519", "x": x})))
}

fn p256() -> Result<Pair> {
    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).map_err(Error::internal)?;
    let pair = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref()).map_err(Error::internal)?;
    // SEC 1, section 2.3.3: 0x04, then both coordinates of 32 bytes.
    let point = pair.public_key().as_ref();
    let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
        return Err(Error::Internal("a P-256 key of another form".into()));
    };
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    Ok((pkcs8, json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})))
}

/// Signs claims with the key whose turn it is.
pub(super) async fn sign(platform: &Platform, vault: &Vault, claims: &Claims, now: Timestamp) -> Result<String> {
    let key = platform.signing_key(now).await?.ok_or_else(|| Error::Internal("the store has no signing key".into()))?;
    let private = vault.open(&purpose(&key.kid), &key.sealed_private_key)?;
    let algorithm: Algorithm = key.algorithm.parse().map_err(Error::internal)?;
    let signing = match algorithm {
        Algorithm::EdDSA => EncodingKey::from_ed_der(&private),
        Algorithm::ES256 => EncodingKey::from_ec_der(&private),
        other => return Err(Error::Internal(format!("{other:?} signs no tokens here"))),
    };
    // RFC 9068, section 2.1: told apart from every other kind of JWT.
    let header = Header { kid: Some(key.kid), typ: Some("at+jwt".into()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, &signing).map_err(Error::internal)
}

fn purpose(kid: &str) -> String {
    format!("signing key {kid}")
}
