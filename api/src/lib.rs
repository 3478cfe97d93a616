//! The edge: REST, the GraphQL endpoint, configuration, CLI and server.
//!
//! Edges translate and services decide: a handler reads its input, calls one
//! use case and returns. [`Application::build`] is what `main` and the tests call.

pub mod application;
pub mod cli;
pub mod config;
mod edges;
mod graphql;
mod limits;
mod log;
mod pages;
pub mod rest;

pub use application::{Application, StartError};
pub use config::Config;
