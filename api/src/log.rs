//! Structured logs on stderr: for people on a terminal, JSON elsewhere.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging; a second call does nothing.
///
/// # Errors
/// One sentence for a level that cannot be read.
pub(crate) fn start(log: &Log) -> Result<(), String> {
    // What a stranger sends that is no HTTP is no error of ours; the dispatcher would log each one as one.
    let level = format!("actix_http::h1::dispatcher=off,{}", log.level);
    let filter = EnvFilter::try_new(level).map_err(|error| format!("log.level `{}`: {error}", log.level))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let human = match log.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    // Set already only where a test starts several servers in one process.
    let _ = if human { builder.try_init() } else { builder.json().flatten_event(true).try_init() };
    Ok(())
}
