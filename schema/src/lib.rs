//! GraphQL: the same use cases, filters and codes as REST.
//!
//! Types come from `domain`; here are their relations, through loaders that
//! take one statement each whatever the size of the page.

mod asset;
mod change;
mod connection;
mod error;
mod finding;
mod import;
mod loaders;
mod me;
mod task;

use async_graphql::{EmptySubscription, MergedObject, Schema};
pub use connection::Imports;
pub use loaders::Loaders;

/// All that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    me::MeQuery,
    finding::FindingQueries,
    asset::AssetQueries,
    task::TaskQueries,
    import::ImportQueries,
    change::ChangeQueries,
);

/// All that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(finding::FindingMutations, task::TaskMutations, import::ImportMutations);

/// The schema.
pub type FyndSchema = Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema with its limits of depth and cost.
pub fn build(depth: usize, complexity: usize) -> FyndSchema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_depth(depth)
        .limit_complexity(complexity)
        .finish()
}
