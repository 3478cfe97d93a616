//! The commands of the one binary.

mod access;
mod assets;
mod audit;
mod client;
mod demo;
mod documents;
mod enrich;
mod import;
mod serve;
mod setup;
mod token;

use crate::{Config, application::StartError, log};
use clap::{Parser, Subcommand};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// Fynd: security findings about municipalities, each behind its own wall.
#[derive(Parser)]
#[command(name = "fynd", version, about, max_term_width = 100)]
pub struct Cli {
    /// Settings file; `fynd.toml` in this folder if there is one. `fynd defaults` prints the manual.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try Fynd: two invented municipalities, small reports, tokens and lines to copy.
    Demo(demo::Demo),
    /// Serve the API.
    Serve(serve::Serve),
    /// Bring the store's tables up to date (run with the owner's URL on PostgreSQL).
    Migrate(setup::Migrate),
    /// Add and list municipalities.
    #[command(subcommand)]
    Tenant(setup::Tenant),
    /// Print a token, with the grants that end with it; revoke tokens, rotate the keys that sign them.
    Token(token::Token),
    /// API clients: programs with credentials of their own.
    #[command(subcommand)]
    Client(client::Client),
    /// Grants: who may do what in which municipality.
    #[command(subcommand)]
    Grant(access::Grant),
    /// Organisations that serve municipalities without being one.
    #[command(subcommand)]
    Organisation(access::Organisation),
    /// Persons, for duties that two people must share.
    #[command(subcommand)]
    Person(access::Person),
    /// Import reports.
    Import(import::Import),
    /// Load what is known about CVEs, and prioritise the findings that it concerns anew.
    #[command(subcommand)]
    Enrich(enrich::Enrich),
    /// Assets: take inventories in.
    #[command(subcommand)]
    Assets(assets::Assets),
    /// Verify the audit, and print its signed heads to keep them elsewhere.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the GraphQL schema.
    Schema,
    /// Print the settings with their defaults: the manual.
    Defaults,
}

/// Why a command ended without doing its work: one clear line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Settings(String),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<domain::Error> for Failure {
    fn from(error: domain::Error) -> Self {
        Self::Refused(error.detail)
    }
}

impl From<service::store::OpenError> for Failure {
    fn from(error: service::store::OpenError) -> Self {
        Self::Start(error.into())
    }
}

/// Runs a command; what it has to say goes to stdout, why it failed to stderr.
pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing is left to do where not even stderr can be written to.
            let _ = writeln!(std::io::stderr(), "fynd: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let mut config = Config::load(cli.config.as_deref()).map_err(Failure::Settings)?;
    if !matches!(cli.command, Command::Serve(_)) && config.log.level == "info" {
        // A command says its outcome on stdout; the log is for what goes wrong.
        config.log.level = "warn".into();
    }
    log::start(&config.log).map_err(Failure::Settings)?;
    match cli.command {
        Command::Demo(demo) => demo.run(config).await,
        Command::Serve(serve) => serve.run(config).await,
        Command::Migrate(migrate) => migrate.run(&config).await,
        Command::Tenant(tenant) => tenant.run(&config).await,
        Command::Token(token) => token.run(&config).await,
        Command::Client(client) => client.run(&config).await,
        Command::Grant(grant) => grant.run(&config).await,
        Command::Organisation(organisation) => organisation.run(&config).await,
        Command::Person(person) => person.run(&config).await,
        Command::Import(import) => import.run(&config).await,
        Command::Enrich(enrich) => enrich.run(&config).await,
        Command::Assets(assets) => assets.run(&config).await,
        Command::Audit(audit) => audit.run(&config).await,
        Command::Openapi => documents::openapi(),
        Command::Schema => documents::schema(),
        Command::Defaults => print(crate::config::DEFAULTS),
    }
}

/// Writes to stdout; a closed pipe is no reason to fail loudly.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
