//! The `fynd` binary.

use clap::Parser;
use std::process::ExitCode;

#[actix_web::main]
async fn main() -> ExitCode {
    api::cli::run(api::cli::Cli::parse()).await
}
