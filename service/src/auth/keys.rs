//! Signing keys: made on the first start, sealed in the store.

use super::{Claims, Vault};
use crate::{
    Clock, Error, Result,
    platform::{NewKey, Platform},
};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};

/// Makes the first signing key of an empty store (EdDSA, RFC 8037).
pub(super) async fn ensure(platform: &Platform, vault: &Vault, clock: &Clock) -> Result<()> {
    if let Some(key) = platform.newest_key().await? {
        // Better now than at the first token: the wrong key file is the usual cause.
        return vault.open(&purpose(&key.kid), &key.sealed_private_key).map(|_| ());
    }
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).map_err(Error::internal)?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(Error::internal)?;
    let kid = uuid::Uuid::now_v7().to_string();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let public_jwk =
        serde_json::json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x})
            .to_string();
    let sealed_private_key = vault.seal(&purpose(&kid), pkcs8.as_ref())?;
    let algorithm = "EdDSA".to_owned();
    platform.add_first_key(NewKey { kid, algorithm, public_jwk, sealed_private_key, created_at: clock.now() }).await
}

/// Signs claims with the newest key.
pub(super) async fn sign(platform: &Platform, vault: &Vault, claims: &Claims) -> Result<String> {
    let key = platform.newest_key().await?.ok_or_else(|| Error::Internal("the store has no signing key".into()))?;
    let private = vault.open(&purpose(&key.kid), &key.sealed_private_key)?;
    let algorithm: Algorithm = key.algorithm.parse().map_err(Error::internal)?;
    let signing = match algorithm {
        Algorithm::EdDSA => EncodingKey::from_ed_der(&private),
        Algorithm::ES256 => EncodingKey::from_ec_der(&private),
        other => return Err(Error::Internal(format!("{other:?} signs no tokens here"))),
    };
    let header = Header { kid: Some(key.kid), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, &signing).map_err(Error::internal)
}

fn purpose(kid: &str) -> String {
    format!("signing key {kid}")
}
