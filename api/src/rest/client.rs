//! `/v1/clients`.

use super::{
    As, Body,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{NoParams, PageParams, TenantParam},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, changed, one, secret},
};
use actix_web::{
    HttpRequest, get,
    http::{
        StatusCode,
        header::{HeaderValue, LOCATION},
    },
    patch, post,
};
use domain::{
    Client, ClientCredentials, ClientId, Page,
    client::{ClientFilter, ClientPatch, NewClient},
};
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_clients)
        .service(post_client)
        .service(get_client)
        .service(patch_client)
        .service(post_client_secret)
        .service(post_client_revocation);
}

/// A page of clients by id.
#[utoipa::path(tag = "clients", operation_id = "listClients", params(ClientFilter, PageParams),
    security(("bearer" = ["clients:manage"])), responses(
        (status = 200, description = "A page", body = Page<Client>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/clients")]
async fn list_clients(
    caller: As,
    request: HttpRequest,
    params: Filtered<ClientFilter, PageParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    list(caller, &request, &seen, page_params, Client::FIELDS, async move |caller, page, seen| {
        service::client::list(caller, &filter, page, seen).await
    })
    .await
}

/// Makes a client. Its secret is in this answer and nowhere else.
///
/// With `public_jwks` it has no secret and signs its requests (`private_key_jwt`, RFC 7523).
#[utoipa::path(tag = "clients", operation_id = "postClient", request_body = NewClient, params(TenantParam),
    security(("bearer" = ["clients:manage"])), responses(
        (status = 201, description = "The client with its secret", body = ClientCredentials),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/clients")]
async fn post_client(caller: As, params: Params<TenantParam>, body: Body<NewClient>) -> Answer {
    let made = service::client::create(&caller.0, params.0.tenant.as_deref(), body.0).await?;
    let place =
        HeaderValue::from_str(&format!("/v1/clients/{}", made.1.client.id)).map_err(service::Error::internal)?;
    let mut answer = secret(StatusCode::CREATED, made)?;
    answer.headers_mut().insert(LOCATION, place);
    Ok(answer)
}

/// One client.
#[utoipa::path(tag = "clients", operation_id = "getClient", params(("id" = ClientId, Path)),
    security(("bearer" = ["clients:manage"])), responses(
        (status = 200, description = "The client", body = Client),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/clients/{id}")]
async fn get_client(caller: As, id: Id<ClientId>, _: Params<NoParams>, seen: Seen) -> Answer {
    let fields = Fields::all();
    one(service::client::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}

/// Changes, disables or enables a client. Scopes taken away and a client disabled count within five seconds.
#[utoipa::path(tag = "clients", operation_id = "patchClient", request_body = ClientPatch,
    params(("id" = ClientId, Path), ("If-Match" = String, Header, description = "The `ETag` that it was read with")),
    security(("bearer" = ["clients:manage"])), responses(
        (status = 200, description = "The client as it now is", body = Client),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[patch("/clients/{id}")]
async fn patch_client(
    caller: As,
    id: Id<ClientId>,
    version: IfMatch,
    _: Params<NoParams>,
    body: Body<ClientPatch>,
) -> Answer {
    changed(StatusCode::OK, service::client::patch(&caller.0, id.0, version.0, body.0).await?)
}

/// How a secret is rotated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotationBody {
    /// How long the secret before goes on, in seconds; a day if left out, 30 days at most.
    #[serde(default = "a_day")]
    #[schema(default = 86400, maximum = 2_592_000)]
    overlap_seconds: u64,
}

const fn a_day() -> u64 {
    86_400
}

/// Gives a client a new secret. The one before goes on for a while, so that nothing is refused meanwhile.
#[utoipa::path(tag = "clients", operation_id = "postClientSecret", request_body = RotationBody,
    params(("id" = ClientId, Path), ("If-Match" = String, Header, description = "The `ETag` that it was read with")),
    security(("bearer" = ["clients:manage"])), responses(
        (status = 201, description = "The client with its new secret", body = ClientCredentials),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/clients/{id}/secrets")]
async fn post_client_secret(
    caller: As,
    id: Id<ClientId>,
    version: IfMatch,
    _: Params<NoParams>,
    body: Body<RotationBody>,
) -> Answer {
    let overlap = Duration::from_secs(body.0.overlap_seconds);
    secret(StatusCode::CREATED, service::client::rotate_secret(&caller.0, id.0, version.0, overlap).await?)
}

/// Ends every token that the client has, within five seconds. It may ask for new ones; disable it to end that too.
#[utoipa::path(tag = "clients", operation_id = "postClientRevocation", params(("id" = ClientId, Path)),
    security(("bearer" = ["clients:manage"])), responses(
        (status = 200, description = "The client", body = Client),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/clients/{id}/revoke-tokens")]
async fn post_client_revocation(caller: As, id: Id<ClientId>, _: Params<NoParams>) -> Answer {
    changed(StatusCode::OK, service::client::revoke_tokens(&caller.0, id.0).await?)
}
