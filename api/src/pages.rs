//! What is neither REST nor GraphQL: probes, keys, documents, pages. Public,
//! since nothing here is about any municipality.

use crate::{
    application::State,
    rest::{Problem, methods, problem},
};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Path, ServiceConfig},
};
use domain::Code;

/// The OpenAPI document as it is served.
pub(crate) struct Document(pub(crate) String);

pub(crate) fn routes(config: &mut ServiceConfig) {
    let page = |path| web::resource(path).default_service(web::to(|| methods::only("GET, HEAD")));
    config
        .service(page("/healthz").route(web::get().to(healthz)))
        .service(page("/readyz").route(web::get().to(readyz)))
        .service(page("/.well-known/jwks.json").route(web::get().to(jwks)))
        .service(page("/openapi.json").route(web::get().to(openapi)))
        .service(page("/graphql/schema.graphql").route(web::get().to(sdl)))
        .service(page("/problems/{code}").route(web::get().to(explain)))
        .service(page("/docs").route(web::get().to(|| async { asset(DOCS, "index.html") })))
        .service(page("/docs/{file}").route(web::get().to(|file: Path<String>| async move { asset(DOCS, &file) })))
        .service(
            page("/graphiql").route(web::get().to(|state: Data<State>| async move { explorer(&state, "index.html") })),
        )
        .service(
            page("/graphiql/{file}")
                .route(web::get().to(|state: Data<State>, file: Path<String>| async move { explorer(&state, &file) })),
        );
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

async fn readyz(state: Data<State>) -> Result<HttpResponse, Problem> {
    if state.auth.service().store.is_ready().await {
        return Ok(HttpResponse::Ok().content_type("text/plain").body("ready\n"));
    }
    Err(Problem::new(Code::Unavailable, "the store does not answer"))
}

async fn jwks(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=60")).json(state.auth.jwks())
}

async fn openapi(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document.0.clone())
}

async fn sdl(state: Data<State>, schema: Data<schema::FyndSchema>) -> Result<HttpResponse, Problem> {
    told(&state)?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(schema.sdl()))
}

/// A file of the page that GraphQL is explored with.
fn explorer(state: &State, file: &str) -> Result<HttpResponse, Problem> {
    told(state)?;
    asset(GRAPHIQL, file)
}

/// Whether the GraphQL schema is told at all.
fn told(state: &State) -> Result<(), Problem> {
    if state.config.graphql_introspection { Ok(()) } else { Err(Problem::of(Code::IntrospectionDisabled)) }
}

/// The page of an error code, in plain text.
async fn explain(code: Path<String>) -> Result<HttpResponse, Problem> {
    let found = Code::ALL.iter().find(|known| known.as_str() == code.as_str());
    let code = *found.ok_or_else(|| Problem::of(Code::NotFound))?;
    let text = format!(
        "{}\n\nHTTP status: {}\n\n{}\n\nWhat to do: {}\n",
        code.as_str(),
        problem::status(code),
        code.title(),
        code.remedy()
    );
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text))
}

/// A file of a page: name, type, content.
type File = (&'static str, &'static str, &'static [u8]);

macro_rules! files {
    ($folder:literal: $($name:literal $kind:literal),* $(,)?) => {
        &[$(($name, $kind, include_bytes!(concat!("../assets/", $folder, "/", $name)))),*]
    };
}

const DOCS: &[File] = files!("docs":
    "index.html" "text/html; charset=utf-8",
    "init.js" "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js" "text/javascript; charset=utf-8",
    "swagger-ui.css" "text/css; charset=utf-8",
);

const GRAPHIQL: &[File] = files!("graphiql":
    "index.html" "text/html; charset=utf-8",
    "init.js" "text/javascript; charset=utf-8",
    "graphiql.js" "text/javascript; charset=utf-8",
    "graphiql.css" "text/css; charset=utf-8",
);

/// The pages hold no script or style of their own and load nothing from anywhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

fn asset(files: &[File], name: &str) -> Result<HttpResponse, Problem> {
    let (_, kind, content) =
        files.iter().find(|(known, ..)| *known == name).ok_or_else(|| Problem::of(Code::NotFound))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .content_type(*kind)
        .body(*content))
}
