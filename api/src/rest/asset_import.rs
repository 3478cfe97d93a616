//! `/v1/assets/import`: inventories come in.

use super::{As, Problem, import::spool, problem::ProblemDetails, query::Params, respond::Answer};
use crate::application::State;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    post,
    web::{Data, Payload},
};
use domain::{AssetImport, AssetImportFormat};
use serde::Deserialize;
use service::asset::AssetImportRequest;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(post_asset_import);
}

/// What the sender says about its inventory.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PostParams {
    /// The municipality, by slug or id; needed when the token spans several.
    #[param(example = "norrvik")]
    #[serde(default)]
    tenant: Option<String>,
    /// The format.
    #[serde(default)]
    #[param(required = true)]
    format: Option<AssetImportFormat>,
    /// Whether only to say what would become of it.
    #[serde(default)]
    dry_run: bool,
}

/// Takes an inventory in.
///
/// The body is the inventory itself, as it is or with `Content-Encoding: gzip` or `zstd`. It is read to its end
/// before anything is stored. Each row is matched with a known asset by its identifiers, and what it says is
/// taken over; what it leaves out stays. Sent again, it changes nothing, so that whoever was interrupted sends it again.
///
/// `csv` has a first line with the names of its columns, separated by commas, semicolons or tabs: `name`, `kind`,
/// `criticality`, `exposure`, `owner_unit`, and at least one of `hostname`, `fqdn`, `ip`, `mac`, `serial`, `cloud_id`,
/// `edr_id`, `repository`. They may stand in Swedish (`namn`, `värdnamn`, `ip-adress`, `serienummer`, `kritikalitet`,
/// `exponering`, `förvaltning`); other columns are read over. `json` is an array of objects with the same members,
/// or an object with the array in `items`. `nmap` is the XML of `nmap -oX`, whose hosts become discovered assets, seen when
/// the file says.
#[utoipa::path(tag = "assets", operation_id = "postAssetImport", params(PostParams),
    request_body(content = String, content_type = "application/octet-stream", description = "The inventory"),
    security(("bearer" = ["assets:write"])), responses(
        (status = 200, description = "What became of it, or would", body = AssetImport),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/assets/import")]
async fn post_asset_import(
    caller: As,
    request: HttpRequest,
    params: Params<PostParams>,
    state: Data<State>,
    body: Payload,
) -> Answer {
    let PostParams { tenant, format, dry_run } = params.0;
    service::asset::check_import(&caller.0, tenant.as_deref())?;
    let format =
        format.ok_or_else(|| domain::Error::parameter("format", "takes csv, json or nmap")).map_err(Problem::from)?;
    let spooled = spool(&request, &state, body).await?;
    if let Some(once) = caller.0.once() {
        once.asks(spooled.sha256.as_bytes());
    }
    let wish = AssetImportRequest { tenant, format, dry_run };
    let outcome = service::asset::import(&caller.0, wish, spooled).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(outcome))
}
