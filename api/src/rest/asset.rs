//! `/v1/assets`.

use super::{
    As, Body, Problem,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{CountedParams, FieldParams, NoParams, TenantParam},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, changed, created, one},
};
use actix_web::{HttpRequest, get, http::StatusCode, patch, post};
use domain::{
    Asset, AssetId, CountWish, Page,
    asset::{AssetFilter, AssetPatch, AssetSort, NewAsset},
    asset_change::Retirement,
};
use serde::Deserialize;
use service::asset::{AssetOrder, AssetQuery};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_assets)
        .service(post_asset)
        .service(get_asset)
        .service(patch_asset)
        .service(review_asset)
        .service(retire_asset)
        .service(restore_asset)
        .service(merge_asset);
}

/// In which order, which page of them, and what to show.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// `id`, `name` or `open_findings`; a leading `-` turns the order round. `-open_findings` has the worst first.
    #[param(example = "-open_findings")]
    sort: Option<String>,
    /// Most items, 1–500.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Fields to show; all if left out. The answer is then of fewer fields than its schema requires.
    #[param(style = Form, explode = false, example = json!(["id", "name", "worst_severity"]))]
    fields: Option<Vec<String>>,
    /// Whether `count` tells how many items there are on all pages: `exact`, or `bounded` to 10,000.
    count: Option<CountWish>,
}

fn order(sort: Option<&str>) -> Result<Option<AssetOrder>, Problem> {
    let Some(sort) = sort else { return Ok(None) };
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let by = serde_json::from_value::<AssetSort>(name.into())
        .map_err(|error| domain::Error::parameter("sort", error.to_string()))?;
    Ok(Some(AssetOrder { by, descending }))
}

/// A page of assets.
///
/// In the order of `sort`, by default by id. Those that were merged into another one are left out unless
/// `merged=true`. `queue=unknown` is what nobody has reviewed yet, the worst first.
#[utoipa::path(tag = "assets", operation_id = "listAssets", params(AssetFilter, ListParams),
    security(("bearer" = ["assets:read"])), responses(
        (status = 200, description = "A page", body = Page<Asset>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/assets")]
async fn list_assets(
    caller: As,
    request: HttpRequest,
    params: Filtered<AssetFilter, ListParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, ListParams { sort, limit, cursor, fields, count }) = params;
    let (order, wish) = (order(sort.as_deref())?, CountedParams { limit, cursor, fields, count });
    list(caller, &request, &seen, wish, Asset::FIELDS, async move |caller, page, seen| {
        let query = AssetQuery { filter: filter.clone(), order, page: page.clone() };
        service::asset::list(caller, &query, seen).await
    })
    .await
}

/// Enters an asset into the inventory.
#[utoipa::path(tag = "assets", operation_id = "postAsset", params(TenantParam), request_body = NewAsset,
    security(("bearer" = ["assets:write"])), responses(
        (status = 201, description = "It is entered", body = Asset),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/assets")]
async fn post_asset(caller: As, params: Params<TenantParam>, new: Body<NewAsset>) -> Answer {
    created("assets", service::asset::create(&caller.0, params.0.tenant.as_deref(), new.0).await?)
}

/// One asset. One that was merged into another says so in `merged_into`.
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

/// Changes an asset.
///
/// Another criticality or exposure changes the priority and the due date of its open findings: of the first
/// thousand with it, of the rest within seconds.
#[utoipa::path(tag = "assets", operation_id = "patchAsset", request_body = AssetPatch,
    params(("id" = AssetId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["assets:write"])), responses(
        (status = 200, description = "The asset as it now is", body = Asset),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[patch("/assets/{id}")]
async fn patch_asset(
    caller: As,
    id: Id<AssetId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<AssetPatch>,
) -> Answer {
    changed(StatusCode::OK, service::asset::patch(&caller.0, id.0, version.0, body.0).await?)
}

/// Takes a discovered asset into the inventory, with what the reviewer says about it.
#[utoipa::path(tag = "assets", operation_id = "reviewAsset", request_body = AssetPatch,
    params(("id" = AssetId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["assets:write"])), responses(
        (status = 200, description = "The asset as it now is", body = Asset),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/assets/{id}/review")]
async fn review_asset(
    caller: As,
    id: Id<AssetId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<AssetPatch>,
) -> Answer {
    changed(StatusCode::OK, service::asset::review(&caller.0, id.0, version.0, body.0).await?)
}

/// Takes an asset out of use. Its findings stay as they are; a report that sees it later is flagged on it.
#[utoipa::path(tag = "assets", operation_id = "retireAsset", request_body = Retirement,
    params(("id" = AssetId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["assets:write"])), responses(
        (status = 200, description = "The asset as it now is", body = Asset),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/assets/{id}/retire")]
async fn retire_asset(
    caller: As,
    id: Id<AssetId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<Retirement>,
) -> Answer {
    changed(StatusCode::OK, service::asset::retire(&caller.0, id.0, version.0, body.0).await?)
}

/// Nothing: the path says it all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoBody {}

/// Takes a retired asset into use again.
#[utoipa::path(tag = "assets", operation_id = "restoreAsset", request_body = NoBody,
    params(("id" = AssetId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["assets:write"])), responses(
        (status = 200, description = "The asset as it now is", body = Asset),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/assets/{id}/restore")]
async fn restore_asset(caller: As, id: Id<AssetId>, _: Params<NoParams>, version: IfMatch, _: Body<NoBody>) -> Answer {
    changed(StatusCode::OK, service::asset::restore(&caller.0, id.0, version.0).await?)
}

/// Which asset this one turned out to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeBody {
    /// The survivor: an asset of the same municipality that is in use.
    into: AssetId,
}

/// Merges an asset into another one.
///
/// Identifiers, findings with their history and business services go to the survivor, and so do later reports
/// that name one of the identifiers. The merged asset stays as an alias with `merged_into`. A thousand findings
/// move with it, and the rest within seconds. A weakness that both had becomes one finding, with the decision that leaves
/// the most to do, and a duplicate of it; so an asset that has findings also needs `findings:write`. Where tasks are made
/// per asset, those of the merged one become the survivor's: of two unfinished ones the survivor's goes on with the findings of
/// both, and the other is cancelled. 409 `too_many_identifiers` if the two have more than 200 together.
#[utoipa::path(tag = "assets", operation_id = "mergeAsset", request_body = MergeBody,
    params(("id" = AssetId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["assets:write"])), responses(
        (status = 200, description = "The alias that it now is", body = Asset),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/assets/{id}/merge")]
async fn merge_asset(
    caller: As,
    id: Id<AssetId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<MergeBody>,
) -> Answer {
    changed(StatusCode::OK, service::asset::merge(&caller.0, id.0, version.0, body.0.into).await?)
}
