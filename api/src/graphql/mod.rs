//! `POST /graphql`.

mod body;
mod socket;

use crate::{
    application::State,
    config,
    rest::{As, Body, Problem, methods},
};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, ServiceConfig},
};
use body::Asked;
use domain::Code;
use schema::{Budget, FyndSchema, Imports, Limits};

pub(crate) fn routes(config: &mut ServiceConfig) {
    let resource = web::resource("/graphql").route(web::post().to(post));
    config.service(resource.default_service(web::to(|| methods::only("POST"))));
    config.service(web::resource("/graphql/ws").route(web::get().to(socket::open)));
}

/// The schema under the operator's limits.
pub(crate) fn schema(settings: &config::Limits, introspection: bool) -> FyndSchema {
    schema::build(Limits {
        document_bytes: settings.graphql_document_bytes,
        tokens: settings.graphql_tokens,
        depth: settings.graphql_depth,
        complexity: settings.graphql_complexity,
        root_fields: settings.graphql_root_fields,
        aliases: settings.graphql_aliases,
        directives: settings.graphql_directives,
        introspection,
        persisted_queries: settings.graphql_persisted_queries,
    })
}

async fn post(
    caller: As,
    state: Data<State>,
    schema: Data<FyndSchema>,
    asked: Body<Asked>,
) -> Result<HttpResponse, Problem> {
    let request = match asked.0 {
        Asked::One(request) => *request,
        Asked::Batch => return Err(Problem::new(Code::InvalidQuery, BATCH)),
        Asked::TooMuch => return Err(Problem::new(Code::QueryTooComplex, body::too_much())),
    };
    let imports = imports(&state);
    let principal = caller.0.principal();
    let budget = Budget::new(move |cost| state.limits.spend(principal, cost));
    let response = schema::execute(&schema, caller.0, imports, request.data(budget)).await;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(response))
}

/// How reports are taken.
fn imports(state: &State) -> Imports {
    Imports {
        options: state.imports,
        spool_folder: state.config.spool_folder(),
        max_bytes: state.config.imports.max_bytes,
    }
}

/// Several fields in one document say the same, are one request, and see one moment.
const BATCH: &str = "the body must be one request, not a list of them; put several fields into one document instead";
