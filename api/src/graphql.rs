//! `POST /graphql`.

use crate::{
    application::State,
    rest::{As, Body, Problem},
};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, ServiceConfig},
};
use async_graphql::{ErrorExtensionValues, Request, Response};
use domain::Code;
use schema::{FyndSchema, Imports, Loaders};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.route("/graphql", web::post().to(post));
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
    let request = request.0.data(Loaders::new(&caller.0)).data(caller.0).data(imports);
    let response = with_codes(schema.execute(request).await);
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(response))
}

/// Gives the errors of the document itself a code of the one table as well.
fn with_codes(mut response: Response) -> Response {
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            let too_much = error.message.contains("too deep") || error.message.contains("too complex");
            let code = if too_much { Code::QueryTooComplex } else { Code::InvalidQuery };
            extensions.set("code", code.as_str());
        }
    }
    response
}
