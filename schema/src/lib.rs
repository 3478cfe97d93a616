//! GraphQL: the same use cases, filters and codes as REST.
//!
//! Types come from `domain`; here are their relations, through loaders that
//! take one statement each whatever the size of the page.

mod asset;
mod attachment;
mod audit;
mod budget;
mod business_service;
mod change;
mod client;
mod comment;
mod connection;
mod error;
mod finding;
mod finding_bulk;
mod grant;
mod guard;
mod idempotency;
mod identity;
mod import;
mod loaders;
mod me;
mod retest;
mod risk_acceptance;
mod source;
mod task;
mod tenant_settings;
mod ticket;

use async_graphql::{EmptySubscription, MergedObject, Request, Response, Schema};
pub use budget::Budget;
pub use connection::Imports;
use loaders::Loaders;
use service::Caller;

/// All that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    me::MeQuery,
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
pub type FyndSchema = Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema with its limits of depth and cost.
pub fn build(depth: usize, complexity: usize) -> FyndSchema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_depth(depth)
        .limit_complexity(complexity)
        .extension(budget::Charge)
        .extension(idempotency::Answers)
        .finish()
}

/// Answers a request in the name of its caller. A document that only asks sees
/// one moment, in one transaction; each change is a command of its own.
pub async fn execute(schema: &FyndSchema, caller: Caller, imports: Imports, mut request: Request) -> Response {
    let allowed = request.parsed_query().and_then(|document| {
        guard::check(document)?;
        Ok((guard::only_asks(document), audit::Aliases::of(document)))
    });
    let response = match allowed {
        Ok((only_asks, aliases)) => {
            let asking = if only_asks { caller.at_one_moment() } else { caller.clone() };
            let request = request.data(Loaders::new(&asking)).data(asking).data(imports);
            let response = schema.execute(request).await;
            aliases.tell(&caller, &response);
            response
        }
        Err(error) => Response::from_errors(vec![error]),
    };
    error::with_codes(response)
}
