//! `/oauth` and the metadata that leads there. Public, since who has no token yet asks here; errors are OAuth's
//! own (RFC 6749, section 5.2), since its clients read nothing else.

use crate::{application::State, limits::oauth::charge_client};
use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    get,
    http::{StatusCode, header},
    post,
    web::{Bytes, Data},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use domain::{Code, Permission};
use futures_util::future::{FutureExt, LocalBoxFuture};
use serde::Serialize;
use serde_json::{Value, json};
use service::auth::{Credentials, OauthError, TokenRequest};
use std::collections::HashMap;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(post_token).service(post_revoke).service(get_authorization_server).service(get_protected_resource);
}

/// A token (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
struct TokenAnswer {
    /// The token: a JWT for `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// How long it lives, in seconds.
    expires_in: i64,
    /// What it is for, blank-separated.
    scope: String,
}

/// An error (RFC 6749, section 5.2).
#[derive(Serialize, ToSchema)]
pub(super) struct OauthProblem {
    /// `invalid_request`, `invalid_client`, `unsupported_grant_type`, `invalid_scope` or `invalid_target`.
    error: &'static str,
    /// What happened in this case.
    error_description: String,
}

/// The fields of a request for a token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document; `Form` reads the fields")]
struct TokenForm {
    /// `client_credentials`.
    grant_type: String,
    /// What the token is for, blank-separated; all that the client may ask for if left out.
    scope: Option<String>,
    /// Where it is for, by slug or id, blank-separated; everywhere that the client may ask for if left out.
    tenant: Option<String>,
    /// The client's id, if it is not in `Authorization: Basic`.
    client_id: Option<String>,
    /// The client's secret, if it is not in `Authorization: Basic`.
    client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` with an assertion.
    client_assertion_type: Option<String>,
    /// A JWT signed with the client's key (RFC 7523), in the place of a secret: `iss` and `sub` are the client's
    /// id, `aud` this issuer, `exp` at most ten minutes from now, `jti` new.
    client_assertion: Option<String>,
}

/// The fields of a revocation.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document; `Form` reads the fields")]
struct RevokeForm {
    /// The token.
    token: String,
    /// Taken and not needed.
    token_type_hint: Option<String>,
    /// The client's id, if it is not in `Authorization: Basic`.
    client_id: Option<String>,
    /// The client's secret, if it is not in `Authorization: Basic`.
    client_secret: Option<String>,
    /// As for a token.
    client_assertion_type: Option<String>,
    /// As for a token.
    client_assertion: Option<String>,
}

/// A form whose fields stand once each, with the credentials that came with it.
struct Form {
    fields: HashMap<String, String>,
    credentials: Result<Credentials, Refused>,
    by_header: bool,
}

/// A refusal on its way out.
#[derive(Debug)]
struct Refused(StatusCode, &'static str, String);

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn invalid_request(detail: &str) -> Refused {
    Refused(StatusCode::BAD_REQUEST, "invalid_request", detail.to_owned())
}

fn invalid_client() -> Refused {
    Refused(StatusCode::UNAUTHORIZED, "invalid_client", "the client could not be authenticated".to_owned())
}

impl Refused {
    /// Tells the audit of credentials that prove nothing.
    fn told(self, state: &State, operation: &str) -> Self {
        if self.0 == StatusCode::UNAUTHORIZED {
            service::audit::refused(state.auth.service(), None, operation, Code::Unauthenticated, None);
        }
        self
    }

    fn response(&self, by_header: bool) -> HttpResponse {
        let mut response = HttpResponse::build(self.0);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if self.0 == StatusCode::UNAUTHORIZED && by_header {
            response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"fynd\""));
        }
        response.json(OauthProblem { error: self.1, error_description: self.2.clone() })
    }
}

impl From<OauthError> for Refused {
    fn from(error: OauthError) -> Self {
        match error {
            OauthError::InvalidClient => invalid_client(),
            OauthError::InvalidScope(detail) => Self(StatusCode::BAD_REQUEST, "invalid_scope", detail),
            OauthError::InvalidTarget(detail) => Self(StatusCode::BAD_REQUEST, "invalid_target", detail),
            OauthError::Service(error) => {
                tracing::error!(%error, "a token could not be issued");
                let detail = "the service cannot answer right now".to_owned();
                Self(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", detail)
            }
        }
    }
}

impl FromRequest for Form {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form = kind.is_some_and(|kind| {
            kind.split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        });
        let is_encoded = request.headers().contains_key(header::CONTENT_ENCODING);
        let basic = super::extract::basic(request);
        let by_header = request.headers().contains_key(header::AUTHORIZATION);
        let (body, request) = (Bytes::from_request(request, payload), request.clone());
        async move {
            let body = body.await?;
            let fields = if is_form && !is_encoded {
                fields(&body)
            } else {
                Err(invalid_request("the body must be `application/x-www-form-urlencoded`"))
            };
            // Who names itself in the header has been charged for it already.
            if let Some(named) = fields.as_ref().ok().filter(|_| !by_header).and_then(named) {
                charge_client(&request, &named)?;
            }
            Ok(match fields {
                Ok(fields) => Self { credentials: credentials(&fields, basic, by_header), fields, by_header },
                Err(refused) => Self { credentials: Err(refused), fields: HashMap::new(), by_header },
            })
        }
        .boxed_local()
    }
}

/// RFC 6749, section 3.2: a parameter stands once, and one without a value counts as left out.
fn fields(body: &[u8]) -> Result<HashMap<String, String>, Refused> {
    let mut fields = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if fields.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return Err(invalid_request("a parameter stands twice"));
        }
    }
    fields.retain(|_, value| !value.is_empty());
    Ok(fields)
}

/// Who the client says it is, before anything of it is proven.
fn named(fields: &HashMap<String, String>) -> Option<String> {
    let of_assertion = || {
        let claims = fields.get("client_assertion")?.split('.').nth(1)?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        Some(claims.get("sub")?.as_str()?.to_owned())
    };
    fields.get("client_id").cloned().or_else(of_assertion)
}

/// The one way in which the client says who it is; several are none (RFC 6749, section 2.3).
fn credentials(
    fields: &HashMap<String, String>,
    basic: Option<(String, String)>,
    by_header: bool,
) -> Result<Credentials, Refused> {
    let field = |name: &str| fields.get(name).cloned();
    let (client, secret, assertion) = (field("client_id"), field("client_secret"), field("client_assertion"));
    match (basic, secret, assertion) {
        (Some((id, secret)), None, None) if client.as_ref().is_none_or(|client| *client == id) => {
            // RFC 6749, section 2.3.1: both are form-encoded within the header.
            let decoded = |text: String| {
                let pair = format!("x={text}");
                url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or(text)
            };
            Ok(Credentials::Secret { client: decoded(id), secret: decoded(secret) })
        }
        (None, Some(secret), None) if !by_header => match client {
            Some(client) => Ok(Credentials::Secret { client, secret }),
            None => Err(invalid_request("`client_id` is missing")),
        },
        (None, None, Some(assertion)) if !by_header => {
            if field("client_assertion_type").as_deref() == Some(ASSERTION) {
                Ok(Credentials::Assertion { client, assertion })
            } else {
                Err(invalid_request("`client_assertion_type` must be the one of RFC 7523"))
            }
        }
        (None, None, None) => Err(invalid_client()),
        _ => Err(invalid_request("authenticate in one way only")),
    }
}

/// Gives a client a token.
///
/// The client credentials grant (RFC 6749, section 4.4), with a secret or a signed assertion (RFC 7523).
#[utoipa::path(tag = "oauth", operation_id = "postToken", security(()),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"), responses(
        (status = 200, description = "A token", body = TokenAnswer),
        (status = "default", description = "Any error (RFC 6749, section 5.2)", content(
            (OauthProblem = "application/json"), (super::problem::ProblemDetails = "application/problem+json"))),
    ))]
#[post("/oauth/token")]
async fn post_token(form: Form, state: Data<State>) -> HttpResponse {
    let by_header = form.by_header;
    match token(form, &state).await {
        Ok(answer) => HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer),
        Err(refused) => refused.told(&state, "POST /oauth/token").response(by_header),
    }
}

async fn token(form: Form, state: &State) -> Result<TokenAnswer, Refused> {
    let field = |name: &str| form.fields.get(name).cloned();
    let credentials = form.credentials?;
    match field("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            let detail = "only `client_credentials`".to_owned();
            return Err(Refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", detail));
        }
        None => return Err(invalid_request("`grant_type` is missing")),
    }
    let tenants = field("tenant").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
    let issued = state.auth.token(TokenRequest { credentials, scope: field("scope"), tenants }).await?;
    let (access_token, expires_in, scope) = (issued.access_token, issued.expires_in, issued.scope);
    Ok(TokenAnswer { access_token, token_type: "Bearer", expires_in, scope })
}

/// Ends a token of the client before its time (RFC 7009), within five seconds and on every replica.
///
/// A token that is unknown, over or another client's is answered alike.
#[utoipa::path(tag = "oauth", operation_id = "postRevoke", security(()),
    request_body(content = RevokeForm, content_type = "application/x-www-form-urlencoded"), responses(
        (status = 200, description = "It does not count any more"),
        (status = "default", description = "Any error (RFC 6749, section 5.2)", content(
            (OauthProblem = "application/json"), (super::problem::ProblemDetails = "application/problem+json"))),
    ))]
#[post("/oauth/revoke")]
async fn post_revoke(form: Form, state: Data<State>) -> HttpResponse {
    let by_header = form.by_header;
    match revoke(form, &state).await {
        Ok(()) => HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish(),
        Err(refused) => refused.told(&state, "POST /oauth/revoke").response(by_header),
    }
}

async fn revoke(form: Form, state: &State) -> Result<(), Refused> {
    let credentials = form.credentials?;
    let token = form.fields.get("token").ok_or_else(|| invalid_request("`token` is missing"))?;
    Ok(state.auth.revoke(&credentials, token).await?)
}

/// The built-in issuer (RFC 8414).
#[utoipa::path(tag = "oauth", operation_id = "getAuthorizationServer", security(()), responses(
    (status = 200, description = "Its metadata", body = Value),
))]
#[get("/.well-known/oauth-authorization-server")]
async fn get_authorization_server(state: Data<State>) -> HttpResponse {
    let issuer = state.config.public_url.trim_end_matches('/');
    let ways = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    public(&json!({
        "issuer": state.config.public_url,
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "scopes_supported": scopes(),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ways,
        "token_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256", "RS256"],
        "revocation_endpoint_auth_methods_supported": ways,
        "revocation_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256", "RS256"],
        "service_documentation": format!("{issuer}/docs"),
    }))
}

/// This API as a protected resource (RFC 9728).
#[utoipa::path(tag = "oauth", operation_id = "getProtectedResource", security(()), responses(
    (status = 200, description = "Its metadata", body = Value),
))]
#[get("/.well-known/oauth-protected-resource")]
async fn get_protected_resource(state: Data<State>) -> HttpResponse {
    let url = state.config.public_url.trim_end_matches('/');
    public(&json!({
        "resource": state.config.public_url,
        "authorization_servers": [state.config.public_url],
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "scopes_supported": scopes(),
        "bearer_methods_supported": ["header"],
        "resource_name": "Fynd",
        "resource_documentation": format!("{url}/docs"),
    }))
}

fn scopes() -> Vec<&'static str> {
    Permission::ALL.iter().map(|permission| permission.as_str()).collect()
}

fn public(metadata: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(metadata)
}

/// The two halves of `Authorization: Basic` (RFC 7617).
pub(super) fn of_basic(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
