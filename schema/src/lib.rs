//! GraphQL: the same use cases, filters and codes as REST.
//!
//! Types come from `domain`; here are their relations, through loaders that
//! take one statement each whatever the size of the page.

mod asset;
mod attachment;
mod audit;
mod business_service;
mod change;
mod client;
mod comment;
mod connection;
mod cost;
mod described;
mod error;
mod finding;
mod finding_bulk;
mod grant;
mod guard;
mod idempotency;
mod identity;
mod import;
mod introspection;
mod limits;
mod loaders;
mod long;
mod me;
mod node;
mod omitted;
mod persisted;
mod retest;
mod risk_acceptance;
mod source;
mod subscription;
mod task;
mod tenant_settings;
mod ticket;
mod tokens;

use async_graphql::{MergedObject, Request, Response, Schema, SchemaBuilder, ServerError, parser::parse_query};
pub use connection::Imports;
use cost::Bill;
pub use cost::{Budget, Left};
pub use described::Described;
use domain::Code;
pub use limits::Limits;
use loaders::Loaders;
use persisted::PersistedQueries;
use service::Caller;
use subscription::Step;
pub use subscription::{Connected, Reader, Session, Subscription};

/// All that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    me::MeQuery,
    node::NodeQueries,
    finding::FindingQueries,
    identity::IdentityQueries,
    asset::AssetQueries,
    business_service::BusinessServiceQueries,
    task::TaskQueries,
    ticket::TicketQueries,
    import::ImportQueries,
    source::SourceQueries,
    change::ChangeQueries,
    client::ClientQueries,
    grant::GrantQueries,
    tenant_settings::TenantSettingsQueries,
    audit::AuditQueries,
    risk_acceptance::RiskAcceptanceQueries,
    comment::CommentQueries,
    attachment::AttachmentQueries,
    retest::RetestQueries,
);

/// All that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    finding::FindingMutations,
    identity::IdentityMutations,
    asset::AssetMutations,
    business_service::BusinessServiceMutations,
    task::TaskMutations,
    ticket::TicketMutations,
    import::ImportMutations,
    source::SourceMutations,
    client::ClientMutations,
    grant::GrantMutations,
    tenant_settings::TenantSettingsMutations,
    risk_acceptance::RiskAcceptanceMutations,
    comment::CommentMutations,
    attachment::AttachmentMutations,
    retest::RetestMutations,
    finding_bulk::FindingBulkMutations,
);

/// The schema.
pub type FyndSchema = Schema<Described<Query>, Described<Mutation>, Subscription>;

/// Builds the schema with the limits of a document.
pub fn build(limits: Limits) -> FyndSchema {
    // A suggestion for each unknown name is the longest part of refusing many, and tells what introspection may not.
    builder()
        .disable_suggestions()
        .extension(cost::Charge)
        .extension(idempotency::Secrets)
        .data(PersistedQueries::new(&limits))
        .data(limits)
        .finish()
}

/// The schema in its own language (GraphQL, section 3), as it is served and committed.
pub fn sdl() -> String {
    builder().finish().sdl()
}

fn builder() -> SchemaBuilder<Described<Query>, Described<Mutation>, Subscription> {
    Schema::build(Described::default(), Described::default(), Subscription)
}

/// Answers a request in the name of its caller. A document that only asks sees
/// one moment, in one transaction; each change is a command of its own.
pub async fn execute(schema: &FyndSchema, caller: Caller, imports: Imports, request: Request) -> Response {
    answer(schema, caller, imports, request, None).await
}

/// [`execute`], where a subscription runs as the query of one step.
async fn answer(
    schema: &FyndSchema,
    caller: Caller,
    imports: Imports,
    mut request: Request,
    step: Option<Step>,
) -> Response {
    let bill = Bill::default();
    let mut response = match look(schema, &caller, &mut request, &bill, step.is_some()) {
        Ok((only_asks, aliases)) => {
            let asking = if only_asks { caller.at_one_moment() } else { caller.clone() };
            let mut request = request.data(Loaders::new(&asking)).data(asking).data(imports).data(bill.clone());
            request = request.data(idempotency::ToldOnce::default());
            if let Some(step) = step {
                request = request.data(step);
            }
            let response = schema.execute(request).await;
            aliases.tell(&caller, &response);
            response
        }
        Err(error) => Response::from_errors(vec![error]),
    };
    if let Some(limits) = schema.data::<Limits>() {
        bill.tell(&mut response, limits);
    }
    error::with_codes(response)
}

/// Looks at a document before anything runs: whether it only asks, and what it calls its fields.
fn look(
    schema: &FyndSchema,
    caller: &Caller,
    request: &mut Request,
    bill: &Bill,
    follows: bool,
) -> Result<(bool, audit::Aliases), ServerError> {
    let (Some(limits), Some(persisted)) = (schema.data::<Limits>(), schema.data::<PersistedQueries>()) else {
        return Err(limits::refusal(Code::Internal, Code::Internal.title()));
    };
    let new = persisted.complete(caller.principal(), request)?;
    tokens::check(&request.query, limits)?;
    let mut document = parse_query(&request.query)?;
    if subscription::as_query(&mut document, request.operation_name.as_deref())? && !follows {
        return Err(limits::refusal(Code::InvalidQuery, "Subscriptions are taken at `/graphql/ws`."));
    }
    let measure = guard::check(&document, limits)?;
    bill.known(measure.depth, introspection::cost(measure.introspected));
    let looked = (guard::only_asks(&document), audit::Aliases::of(&document));
    omitted::take_out(&mut document, request.operation_name.as_deref(), &request.variables);
    request.set_parsed_query(document);
    if let Some(hash) = new {
        persisted.keep(caller.principal(), hash, &request.query);
    }
    Ok(looked)
}
