//! `fynd serve`.

use super::Failure;
use crate::{Application, Config};
use clap::Args;
use service::Clock;
use std::net::SocketAddr;

#[derive(Args)]
pub(super) struct Serve {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) async fn run(self, mut config: Config) -> Result<(), Failure> {
        config.listen = self.listen.unwrap_or(config.listen);
        let application = Application::build(config, Clock::system()).await?;
        tracing::info!(address = %application.address(), "listening");
        application.run().await?;
        tracing::info!("stopped");
        Ok(())
    }
}
