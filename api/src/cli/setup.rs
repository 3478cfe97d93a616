//! `fynd migrate`, `fynd tenant`.

use super::{Failure, print};
use crate::{Config, application};
use clap::{Args, Subcommand};
use domain::{TenantSlug, tenant::parse_name};
use serde_json::json;
use service::{
    Clock,
    audit::{self, Entry},
    platform::Platform,
    store,
};

#[derive(Args)]
pub(super) struct Migrate {
    /// The role that the server runs as; it is granted what the server needs and no more.
    #[arg(long, value_name = "NAME")]
    server_role: Option<String>,
}

impl Migrate {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        store::migrate(&config.database_url, self.server_role.as_deref()).await?;
        print("the tables are up to date\n")
    }
}

#[derive(Subcommand)]
pub(super) enum Tenant {
    /// Add a municipality.
    Add {
        /// Its short name in URLs and tokens: 1–40 of a–z, 0–9 and `-`.
        slug: String,
        /// Its name.
        name: String,
    },
    /// List the municipalities.
    List,
}

impl Tenant {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let auth = application::start(config, Clock::system()).await?;
        let platform = Platform::new(auth.service().store.clone());
        let text = match self {
            Self::Add { slug, name } => {
                let (slug, name) = (TenantSlug::parse(&slug)?, parse_name(&name)?);
                let id = platform.add_tenant(&slug, &name, auth.service().clock.now()).await?;
                let entry = Entry::done("tenant.add").about("tenant", id.0).detail(&json!({"slug": slug.as_str()}));
                audit::operator(auth.service(), entry).await?;
                format!("{id}\n")
            }
            Self::List => {
                let tenants = platform.tenants().await?;
                tenants.into_iter().map(|tenant| format!("{}  {}  {}\n", tenant.id, tenant.slug, tenant.name)).collect()
            }
        };
        auth.service().store.close().await;
        print(&text)
    }
}
