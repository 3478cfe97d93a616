//! The claims of a token (RFC 7519, section 4.1; RFC 9068 for `scope`).

use super::{AuthOptions, NewToken};
use chrono::DateTime;
use domain::{ClientId, Scopes, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a token says. A claim that stands twice makes it no token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Who it is about.
    pub sub: String,
    /// Who it is for.
    pub aud: Audience,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// From when it holds, in seconds since 1970.
    #[serde(default)]
    pub nbf: Option<i64>,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// Its own id, by which it is revoked.
    pub jti: String,
    /// What it asks for, blank-separated.
    #[serde(default)]
    pub scope: String,
    /// Where it asks for it: slugs or ids of tenants.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// The client that it was issued to (RFC 9068, section 2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// `aud` may be one text or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Audience {
    pub(super) fn holds(&self, audience: &str) -> bool {
        self.any(|one| one == audience)
    }

    pub(super) fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(one) => fits(one),
            Self::Many(many) => many.iter().any(|one| fits(one)),
        }
    }
}

/// How far the clocks of issuer and server may be apart, in seconds.
const LEEWAY: i64 = 5;

impl Claims {
    pub(super) fn new(options: &AuthOptions, new: &NewToken, now: Timestamp) -> Self {
        let issued = now.timestamp();
        Self {
            iss: options.issuer.clone(),
            sub: new.subject.clone(),
            aud: Audience::One(options.audience.clone()),
            exp: issued.saturating_add_unsigned(new.ttl.as_secs()),
            nbf: Some(issued),
            iat: issued,
            jti: uuid::Uuid::now_v7().to_string(),
            scope: new.scopes.to_string(),
            tenants: new.tenants.iter().map(ToString::to_string).collect(),
            client_id: None,
        }
    }

    /// Of a token for a client, issued at a second and living for some.
    pub(super) fn of_client(
        options: &AuthOptions,
        client: ClientId,
        scopes: Scopes,
        tenants: &[TenantId],
        (issued, life): (i64, i64),
    ) -> Self {
        Self {
            iss: options.issuer.clone(),
            sub: client.to_string(),
            aud: Audience::One(options.audience.clone()),
            exp: issued.saturating_add(life),
            nbf: None,
            iat: issued,
            jti: uuid::Uuid::now_v7().to_string(),
            scope: scopes.to_string(),
            tenants: tenants.iter().map(ToString::to_string).collect(),
            client_id: Some(client.to_string()),
        }
    }

    /// Checks the times against the clock; they are checked on every request, also of a token known already.
    pub(super) fn check_times(&self, now: Timestamp) -> Result<(), &'static str> {
        let now = now.timestamp();
        if self.exp <= now {
            return Err("expired");
        }
        if self.nbf.is_some_and(|nbf| nbf > now + LEEWAY) {
            return Err("not valid yet");
        }
        if self.iat > now + LEEWAY {
            return Err("issued in the future");
        }
        Ok(())
    }

    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        DateTime::from_timestamp(self.exp, 0)
    }
}
