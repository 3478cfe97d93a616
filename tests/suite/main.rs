//! Black-box tests of Fynd over HTTP, on both stores.
//!
//! Every test of [`on_both_stores`] runs on SQLite and on PostgreSQL; the latter
//! needs `FYND_TEST_POSTGRES`, which `tests/run` sets up.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

mod access;
mod as_of;
mod assets;
mod attachments;
mod audit;
mod breaking;
mod bulk;
mod cancelled;
mod changes;
mod clock;
mod commands;
mod comments;
mod contract;
mod crash;
mod differential;
mod edges;
mod encodings;
mod errors;
mod examples;
mod findings;
mod graphql_attacks;
mod graphql_edge;
mod hostile;
mod idempotency;
mod identity;
mod import_rules;
mod imports;
mod issuers;
mod limits;
mod lists;
mod load;
mod migrations;
mod model;
mod need_to_know;
mod origins;
mod priority;
mod retests;
mod risk_acceptance;
mod search;
mod severity;
mod sightings;
mod sla;
mod sources;
mod tasks;
mod tenant_settings;
mod tidy;
mod tokens;
mod transitions;
mod walk;
mod wall;
