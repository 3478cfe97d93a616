//! `POST /graphql`.

use crate::{
    application::State,
    rest::{As, Body, Problem, methods},
};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, ServiceConfig},
};
use async_graphql::Request;
use schema::{Budget, FyndSchema, Imports};

pub(crate) fn routes(config: &mut ServiceConfig) {
    let resource = web::resource("/graphql").route(web::post().to(post));
    config.service(resource.default_service(web::to(|| methods::only("POST"))));
}

async fn post(
    caller: As,
    state: Data<State>,
    schema: Data<FyndSchema>,
    request: Body<Request>,
) -> Result<HttpResponse, Problem> {
    let imports = Imports {
        options: state.imports,
        spool_folder: state.config.spool_folder(),
        max_bytes: state.config.imports.max_bytes,
    };
    let principal = caller.0.principal();
    let budget = Budget::new(move |cost| state.limits.spend(principal, cost));
    let response = schema::execute(&schema, caller.0, imports, request.0.data(budget)).await;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(response))
}
