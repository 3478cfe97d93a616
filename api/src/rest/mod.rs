//! REST under `/v1`: read the input, call the service, return.

mod asset;
mod asset_import;
mod attachment;
mod audit;
mod business_service;
mod change;
mod client;
mod comment;
mod document;
mod extract;
mod finding;
mod finding_bulk;
mod grant;
pub mod idempotency;
mod identity;
mod import;
mod json;
mod label;
pub(crate) mod language;
mod listing;
mod me;
pub(crate) mod methods;
pub mod middleware;
mod oauth;
mod params;
pub mod prefer;
pub mod problem;
mod query;
mod respond;
mod retest;
mod risk_acceptance;
mod source;
mod task;
mod tenant;
mod tenant_settings;
mod ticket;
mod ticket_mapping;

pub(crate) use change::MAX_WAIT;
pub(crate) use extract::{As, Authorization, Body, authorization, basic};
pub(crate) use problem::Problem;

use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_actix_web::{AppExt, scope, service_config::ServiceConfig};

/// All resources.
pub fn routes(config: &mut ServiceConfig) {
    config.service(
        scope("/v1")
            .configure(me::routes)
            .configure(label::routes)
            .configure(tenant::routes)
            .configure(tenant_settings::routes)
            .configure(finding_bulk::routes)
            .configure(finding::routes)
            .configure(retest::routes)
            .configure(identity::routes)
            .configure(asset_import::routes)
            .configure(asset::routes)
            .configure(business_service::routes)
            .configure(task::routes)
            .configure(comment::routes)
            .configure(attachment::routes)
            .configure(risk_acceptance::routes)
            .configure(ticket::routes)
            .configure(ticket_mapping::routes)
            .configure(import::routes)
            .configure(source::routes)
            .configure(change::routes)
            .configure(client::routes)
            .configure(grant::routes)
            .configure(audit::routes),
    );
    config.configure(oauth::routes);
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fynd",
        description = "Security findings about municipalities, each behind its own wall: scanners and red teams \
                       report, ticketing systems pull the work, SIEMs follow the changes, dashboards count.",
        contact(name = "Fynd", url = "https://fynd.example", email = "kontakt@fynd.example"),
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/")),
    tags(
        (name = "me", description = "Who am I, and what may I do where"),
        (name = "tenants", description = "Municipalities"),
        (name = "findings", description = "Weaknesses"),
        (name = "assets", description = "What findings are about"),
        (name = "services", description = "What people depend on, and the assets that it needs"),
        (name = "tasks", description = "The work that ticketing systems pull"),
        (name = "risk", description = "Risks that are knowingly borne until a date, at a known price"),
        (name = "comments", description = "What people say about findings and tasks"),
        (name = "attachments", description = "Files that show what a finding is, or that it is gone"),
        (name = "tickets", description = "What stands for tasks in ticketing systems"),
        (name = "imports", description = "Reports that come in"),
        (name = "sources", description = "Who reports, and what is watched"),
        (name = "changes", description = "The feed that every consumer follows"),
        (name = "clients", description = "Programs with credentials of their own"),
        (name = "grants", description = "Who may do what in the municipality"),
        (name = "oauth", description = "Tokens for clients"),
        (name = "audit", description = "Who did what"),
    ),
    components(schemas(
        problem::ProblemDetails,
        domain::asset::AssetQueue,
        domain::AssetImportFormat,
        domain::ChangeMode,
        domain::CountWish,
        domain::included::FindingInclude,
        domain::included::TaskInclude
    )),
    modifiers(&Bearer)
)]
struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The OpenAPI 3.1 document, made from the code.
pub fn document() -> utoipa::openapi::OpenApi {
    actix_web::App::new().into_utoipa_app().openapi(Base::openapi()).configure(routes).split_for_parts().1
}

/// The document as it is served and committed.
pub fn document_json() -> String {
    // A document of texts and maps always serialises.
    let described = serde_json::to_value(document()).unwrap_or_default();
    serde_json::to_string_pretty(&document::completed(described)).unwrap_or_default() + "\n"
}
