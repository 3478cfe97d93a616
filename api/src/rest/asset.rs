//! `/v1/assets`.

use super::{
    As,
    extract::{Id, Seen},
    params::{FieldParams, PageParams},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, one, page},
};
use actix_web::{HttpRequest, get};
use domain::{Asset, AssetId, Page, asset::AssetFilter};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_assets).service(get_asset);
}

/// A page of assets by id.
#[utoipa::path(tag = "assets", operation_id = "listAssets", params(AssetFilter, PageParams),
    security(("bearer" = ["assets:read"])), responses(
        (status = 200, description = "A page", body = Page<Asset>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/assets")]
async fn list_assets(
    caller: As,
    request: HttpRequest,
    params: Filtered<AssetFilter, PageParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    let (page_request, fields) = page_params.read(Asset::FIELDS)?;
    page(
        &request,
        service::asset::list(&caller.0, &filter, &page_request, seen.tags(&fields).as_deref()).await?,
        &fields,
    )
}

/// One asset.
#[utoipa::path(tag = "assets", operation_id = "getAsset", params(("id" = AssetId, Path), FieldParams),
    security(("bearer" = ["assets:read"])), responses(
        (status = 200, description = "The asset", body = Asset),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/assets/{id}")]
async fn get_asset(caller: As, id: Id<AssetId>, params: Params<FieldParams>, seen: Seen) -> Answer {
    let fields = Fields::parse(params.0.fields, Asset::FIELDS)?;
    one(service::asset::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}
