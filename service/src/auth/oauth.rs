//! The built-in issuer's token endpoint: client credentials (RFC 6749, section
//! 4.4) by secret or by signed assertion (RFC 7523), and revocation (RFC 7009).
//!
//! Unknown and wrong are one answer, after the same work: who guesses learns
//! neither from words nor from time whether a client exists.

use super::{Auth, Claims, ClientKeys, keys, snapshot::Snapshot};
use crate::{
    Error,
    audit::{self, Entry},
    platform::{ClientRow, Platform},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{ClientId, Scopes, TenantId, Timestamp};
use jsonwebtoken::Validation;
use serde::Deserialize;
use std::sync::LazyLock;

/// How a client proves who it is.
pub enum Credentials {
    /// By its secret (`client_secret_basic` or `client_secret_post`).
    Secret {
        /// The `client_id`.
        client: String,
        /// The secret.
        secret: String,
    },
    /// By a signed assertion (`private_key_jwt`).
    Assertion {
        /// The `client_id`, if it was sent beside the assertion.
        client: Option<String>,
        /// The JWT.
        assertion: String,
    },
}

/// A request for a token.
pub struct TokenRequest {
    /// Who asks.
    pub credentials: Credentials,
    /// What for (RFC 6749, section 3.3); all that the client may ask for if left out.
    pub scope: Option<String>,
    /// Where for, by slug or id; everywhere that the client may ask for if empty.
    pub tenants: Vec<String>,
}

/// A token, as RFC 6749 section 5.1 has it.
pub struct IssuedToken {
    /// The token.
    pub access_token: String,
    /// How long it lives, in seconds.
    pub expires_in: i64,
    /// What it is for.
    pub scope: String,
}

/// Why there is no token: the codes of RFC 6749, section 5.2, and RFC 7009.
#[derive(Debug, thiserror::Error)]
pub enum OauthError {
    /// The client is unknown, its credentials are wrong, or it is disabled.
    #[error("the client could not be authenticated")]
    InvalidClient,
    /// The scope is unknown or more than the client may ask for.
    #[error("{0}")]
    InvalidScope(String),
    /// The request names a municipality that the client may not ask for.
    #[error("{0}")]
    InvalidTarget(String),
    /// Anything that is not the client's doing.
    #[error(transparent)]
    Service(#[from] Error),
}

/// How long an assertion may live, in seconds; it is remembered for as long.
const MAX_ASSERTION: i64 = 600;
/// How far the client's clock may be off, in seconds.
const LEEWAY: i64 = 5;
/// Longest assertion and secret, in bytes.
const MAX_CREDENTIAL: usize = 8192;

impl Auth {
    /// Issues a token for a client.
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn token(&self, request: TokenRequest) -> Result<IssuedToken, OauthError> {
        let now = self.service.clock.now();
        let (client, snapshot) = self.client(&request.credentials, now).await?;
        let scopes = match request.scope.as_deref().map(str::trim).filter(|scope| !scope.is_empty()) {
            None => client.scopes,
            Some(asked) => Scopes::parse(asked).map_err(|error| OauthError::InvalidScope(error.detail))?,
        };
        if scopes.intersection(client.scopes) != scopes {
            let detail = format!("the client may ask for `{}`", client.scopes);
            return Err(OauthError::InvalidScope(detail));
        }
        let tenants = places(&client, &request.tenants, &snapshot)?;
        let life = i64::try_from(self.options.token_life.as_secs()).unwrap_or(i64::MAX);
        let life = client.expires_at.map_or(life, |end| life.min((end - now).num_seconds()));
        // What was issued before `tokens_from` is ended, so a new token is of no second before it.
        let issued = now.timestamp().max(client.tokens_from.timestamp());
        let claims = Claims::of_client(&self.options, client.id, scopes, &tenants, (issued, life));
        let platform = Platform::new(self.service.store.clone());
        let access_token = keys::sign(&platform, &self.service.vault, &claims, now).await?;
        platform.note_use(client.id, now).await?;
        audit::issued(&self.service, client.principal, &tenants);
        Ok(IssuedToken { access_token, expires_in: life, scope: scopes.to_string() })
    }

    /// Revokes a token of the client that asks (RFC 7009). A token that is over, unknown, or somebody
    /// else's is answered like one that was revoked, and is left alone.
    ///
    /// # Errors
    /// [`OauthError::InvalidClient`], store errors.
    pub async fn revoke(&self, credentials: &Credentials, token: &str) -> Result<(), OauthError> {
        let now = self.service.clock.now();
        let (client, snapshot) = self.client(credentials, now).await?;
        let Ok(proof) = self.verifier.verify(token, &self.keys(&snapshot, now)) else { return Ok(()) };
        let claims = proof.claims;
        let Some(until) = claims.expires_at().filter(|until| *until > now) else { return Ok(()) };
        if !proof.is_outside && claims.sub == client.id.to_string() {
            Platform::new(self.service.store.clone()).revoke_token(&claims.jti, until, now).await?;
            let entry = Entry::done("token.revoke").detail(&serde_json::json!({"jti": claims.jti}));
            audit::done(&self.service, &client.tenants, client.principal, entry).await?;
        }
        Ok(())
    }

    /// The client that the credentials prove; it looks once more for one that is newer than the last look.
    pub(super) async fn client(
        &self,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Result<(ClientRow, std::sync::Arc<Snapshot>), OauthError> {
        let mut snapshot = self.snapshots.fresh().await?;
        let mut proof = self.proven(credentials, &snapshot, now);
        if proof.is_none() {
            snapshot = self.snapshots.look_again().await?;
            proof = self.proven(credentials, &snapshot, now);
        }
        let (client, once) = proof.ok_or(OauthError::InvalidClient)?;
        if let Some((jti, until)) = once {
            let platform = Platform::new(self.service.store.clone());
            if !platform.use_up(client.id, &jti, until, now).await? {
                return Err(OauthError::InvalidClient);
            }
        }
        Ok((client, snapshot))
    }

    /// The client, and the assertion to be used up if there is one.
    fn proven(
        &self,
        credentials: &Credentials,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Option<(ClientRow, Option<(String, Timestamp)>)> {
        let (client, once) = match credentials {
            Credentials::Secret { client, secret } => (self.by_secret(client, secret, snapshot, now)?, None),
            Credentials::Assertion { client, assertion } => {
                let (row, jti, until) = self.by_assertion(client.as_deref(), assertion, snapshot, now)?;
                (row, Some((jti, until)))
            }
        };
        let over = client.expires_at.is_some_and(|end| end <= now);
        (!client.disabled && !over).then(|| (client.clone(), once))
    }

    fn by_secret<'s>(
        &self,
        client: &str,
        secret: &str,
        snapshot: &'s Snapshot,
        now: Timestamp,
    ) -> Option<&'s ClientRow> {
        let known = client.parse().ok().and_then(|id: ClientId| snapshot.client(id));
        let digest = self.service.vault.digest_secret(secret.get(..MAX_CREDENTIAL).unwrap_or(secret));
        // As many comparisons for an unknown client as for one with two secrets.
        let none = vec![0; digest.len()];
        let mut matched = false;
        for at in 0..2 {
            let stored = known.and_then(|row| row.secrets.get(at));
            let same = aws_lc_rs::constant_time::verify_slices_are_equal(
                stored.map_or(none.as_slice(), |(digest, _)| digest.as_slice()),
                &digest,
            );
            matched |= same.is_ok() && stored.is_some_and(|(_, end)| end.is_none_or(|end| end > now));
        }
        known.filter(|row| matched && row.public_jwks.is_none())
    }

    /// RFC 7523, section 3: `iss` and `sub` are the client, `aud` is this issuer, `exp` is near, `jti` is new.
    fn by_assertion<'s>(
        &self,
        named: Option<&str>,
        assertion: &str,
        snapshot: &'s Snapshot,
        now: Timestamp,
    ) -> Option<(&'s ClientRow, String, Timestamp)> {
        if assertion.len() > MAX_CREDENTIAL {
            return None;
        }
        let header = header(assertion)?;
        let unproven: Unproven = claims_of(assertion)?;
        let known = unproven.sub.parse().ok().and_then(|id: ClientId| snapshot.client(id));
        let own = known.and_then(|row| row.public_jwks.as_deref()).and_then(|jwks| ClientKeys::parse(jwks).ok());
        // A signature is checked for an unknown client as well, which takes as long.
        let keys = own.as_ref().or(STRANGER.as_ref())?;
        let claims = keys.matching(header.kid.as_deref()).find_map(|(algorithm, key)| {
            let mut validation = Validation::new(algorithm);
            validation.validate_exp = false;
            validation.validate_aud = false;
            validation.required_spec_claims.clear();
            let named = format!("{algorithm:?}");
            (named == header.alg).then(|| jsonwebtoken::decode::<Assertion>(assertion, key, &validation).ok()).flatten()
        })?;
        let (client, claims) = (known?, claims.claims);
        let issuer = self.options.issuer.trim_end_matches('/');
        let for_us = |aud: &str| aud.trim_end_matches('/') == issuer || aud == format!("{issuer}/oauth/token");
        let says = claims.iss == claims.sub
            && claims.sub == client.id.to_string()
            && named.is_none_or(|named| named == claims.sub)
            && claims.aud.any(for_us)
            && (1..=200).contains(&claims.jti.len());
        let in_time = claims.exp > now.timestamp()
            && claims.exp <= now.timestamp() + MAX_ASSERTION
            && claims.nbf.is_none_or(|nbf| nbf <= now.timestamp() + LEEWAY)
            && claims.iat.is_none_or(|iat| iat <= now.timestamp() + LEEWAY);
        let until = chrono::DateTime::from_timestamp(claims.exp, 0)?;
        (says && in_time).then_some((client, claims.jti, until))
    }
}

fn places(client: &ClientRow, asked: &[String], snapshot: &Snapshot) -> Result<Vec<TenantId>, OauthError> {
    if asked.is_empty() {
        return Ok(client.tenants.clone());
    }
    let place = |named: &String| {
        let known = snapshot.tenant(named).map(|tenant| tenant.id).filter(|id| client.tenants.contains(id));
        known.ok_or_else(|| OauthError::InvalidTarget("the client may not ask for that municipality".into()))
    };
    asked.iter().map(place).collect()
}

/// What an assertion's header may say. Anything else makes it be refused, as with tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "taken, whatever it says: RFC 7523 knows no type")]
    typ: Option<String>,
}

#[derive(Deserialize)]
struct Unproven {
    sub: String,
}

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: super::claims::Audience,
    exp: i64,
    jti: String,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    iat: Option<i64>,
}

fn header(token: &str) -> Option<Header> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?).ok()
}

fn claims_of<T: serde::de::DeserializeOwned>(token: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?).ok()
}

/// A key that nobody has the other half of: the example of RFC 8037, appendix A.2, would have one.
static STRANGER: LazyLock<Option<ClientKeys>> = LazyLock::new(|| {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{Ed25519KeyPair, KeyPair},
    };
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok()?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).ok()?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    ClientKeys::parse(&serde_json::json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}).to_string()).ok()
});
