//! API clients: programs with credentials of their own (OAuth 2.0 client credentials, RFC 6749 section 4.4).

use crate::{
    ClientId, DateTime, Error, GrantId, OrganisationId, PrincipalId, Scopes, TenantId, Timestamp, Violation,
    error::Result, grant::parse_scopes, text,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A program that asks for tokens.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Client {
    /// Identifier, UUIDv7: the `client_id` of OAuth.
    pub id: ClientId,
    /// The principal that acts when it does.
    pub principal_id: PrincipalId,
    /// Who made it and answers for it; null if the operator did.
    pub owner_id: Option<PrincipalId>,
    /// The organisation that it belongs to.
    pub organisation_id: Option<OrganisationId>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Where it may ask for tokens, of the municipalities whose clients the caller manages.
    pub tenants: Vec<TenantId>,
    /// The most that its tokens may carry.
    pub scopes: Vec<String>,
    /// Its secrets that still count, without what they are.
    pub secrets: Vec<SecretInfo>,
    /// The registered public keys (RFC 7517), if it signs its requests (RFC 7523).
    #[schema(value_type = Option<Object>)]
    pub public_jwks: Option<serde_json::Value>,
    /// Whether it may send id and secret with every request (HTTP Basic), for tools that cannot do OAuth.
    pub basic_allowed: bool,
    /// When it ends, RFC 3339 UTC.
    pub expires_at: Option<DateTime>,
    /// When it was disabled, RFC 3339 UTC.
    pub disabled_at: Option<DateTime>,
    /// When it last asked for a token, RFC 3339 UTC, to the minute.
    pub last_used_at: Option<DateTime>,
    /// When it was made, RFC 3339 UTC.
    pub created_at: DateTime,
    /// Grows with every change; the first part of the `ETag`.
    pub version: i64,
}

impl Client {
    /// The names of its fields.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "principal_id",
        "owner_id",
        "organisation_id",
        "name",
        "purpose",
        "tenants",
        "scopes",
        "secrets",
        "public_jwks",
        "basic_allowed",
        "expires_at",
        "disabled_at",
        "last_used_at",
        "created_at",
        "version",
    ];
}

/// A secret, without what it is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "ClientSecret")]
#[schema(as = ClientSecret)]
pub struct SecretInfo {
    /// When it was made, RFC 3339 UTC.
    pub created_at: DateTime,
    /// When it ends, RFC 3339 UTC; null if it lasts as long as the client.
    pub expires_at: Option<DateTime>,
}

/// A client with the secret that is shown this once.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct ClientCredentials {
    /// The client.
    pub client: Client,
    /// Its new secret, never shown again; null for a client with a key.
    pub secret: Option<String>,
}

/// A client to make.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ClientInput")]
pub struct NewClient {
    /// Its name: 1–200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Jira-koppling")]
    pub name: String,
    /// What it is for: 1–2,000 characters.
    #[schema(min_length = 1, max_length = 2000, example = "Hämtar åtgärder till IT-avdelningens Jira")]
    pub purpose: String,
    /// Where it may ask for tokens, by slug or id. The only one of the caller if left out.
    #[serde(default)]
    #[graphql(default)]
    #[schema(example = json!(["norrvik"]))]
    pub tenants: Vec<String>,
    /// The most that its tokens may carry; no more than its maker holds in each municipality.
    #[schema(example = json!(["tasks:read", "tasks:claim"]))]
    pub scopes: Vec<String>,
    /// Public keys (RFC 7517) instead of a secret.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub public_jwks: Option<serde_json::Value>,
    /// Whether it may use HTTP Basic.
    #[serde(default)]
    #[graphql(default)]
    pub basic_allowed: bool,
    /// When it ends.
    #[serde(default)]
    pub expires_at: Option<DateTime>,
}

/// What can be changed about a client. What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ClientPatchInput")]
pub struct ClientPatch {
    /// Its name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    pub purpose: Option<String>,
    /// The most that its tokens may carry.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Public keys in the place of those before.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub public_jwks: Option<serde_json::Value>,
    /// Whether it may use HTTP Basic.
    #[serde(default)]
    pub basic_allowed: Option<bool>,
    /// When it ends.
    #[serde(default)]
    pub expires_at: Option<DateTime>,
    /// Whether it is disabled: it gets no token, and those that it has end within five seconds.
    #[serde(default)]
    pub disabled: Option<bool>,
}

impl NewClient {
    /// Checks the texts and reads the scopes.
    ///
    /// # Errors
    /// `invalid_body` naming the field.
    pub fn check(&self, now: Timestamp) -> Result<Scopes> {
        check_texts(Some(&self.name), Some(&self.purpose))?;
        if self.expires_at.is_some_and(|end| end.0 <= now) {
            return Err(Error::invalid(vec![Violation::new("/expires_at", "is over already")]));
        }
        if self.basic_allowed && self.public_jwks.is_some() {
            let detail = "goes with a secret; a client with a key has none";
            return Err(Error::invalid(vec![Violation::new("/basic_allowed", detail)]));
        }
        parse_scopes(&self.scopes)
    }
}

impl ClientPatch {
    /// Checks the texts and reads the scopes.
    ///
    /// # Errors
    /// `invalid_body` naming the field.
    pub fn check(&self) -> Result<Option<Scopes>> {
        check_texts(self.name.as_ref(), self.purpose.as_ref())?;
        self.scopes.as_deref().map(parse_scopes).transpose()
    }
}

fn check_texts(name: Option<&String>, purpose: Option<&String>) -> Result<()> {
    let fits = |value: &String, most| text::is_text(value) && (1..=most).contains(&value.trim().chars().count());
    let mut violations = Vec::new();
    if name.is_some_and(|name| !fits(name, 200) || !text::is_line(name)) {
        violations.push(Violation::new("/name", "takes one line of 1–200 characters"));
    }
    if purpose.is_some_and(|purpose| !fits(purpose, 2000)) {
        violations.push(Violation::new("/purpose", "takes 1–2,000 characters"));
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
}

/// Which clients.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClientFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
}

impl ClientFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &["tenant"];
}

/// Why somebody holds a right: one grant that gives it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct RightReason {
    /// The grant.
    pub grant_id: GrantId,
    /// To whom it was given: `principal`, `organisation` or `role`.
    pub holder: crate::grant::HolderKind,
    /// How it came to be: `cli`, `demo`, `client`, `api` or `issuer`.
    pub origin: String,
    /// What it gives, of what the token asks for.
    pub scopes: Vec<String>,
    /// When it ends, RFC 3339 UTC.
    pub valid_to: Option<DateTime>,
}
