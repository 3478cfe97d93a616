//! `fynd migrate`, `fynd tenant`, `fynd token`.

use super::{Failure, print};
use crate::{Config, application};
use clap::{Args, Subcommand};
use domain::{Scopes, TenantId, TenantSlug, tenant::parse_name};
use serde_json::json;
use service::{
    Clock,
    audit::{self, Entry},
    auth::NewToken,
    platform::Platform,
    store,
};
use std::time::Duration;

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

#[derive(Args)]
pub(super) struct Token {
    /// A municipality that the token is for, by slug or id; may be repeated.
    #[arg(long = "tenant", required = true, value_name = "TENANT")]
    tenants: Vec<String>,
    /// What the token may do: scopes separated by blanks, such as 'findings:read tasks:claim'.
    #[arg(long, value_name = "SCOPES")]
    scope: String,
    /// Who the token is for.
    #[arg(long, default_value = "cli", value_name = "NAME")]
    subject: String,
    /// How long it lives: `90s`, `5m`, `12h`, `30d`.
    #[arg(long, default_value = "1h", value_parser = duration, value_name = "TIME")]
    ttl: Duration,
}

impl Token {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let auth = application::start(config, Clock::system()).await?;
        let scopes = Scopes::parse(&self.scope)?;
        if scopes.is_empty() {
            return Err(Failure::Refused("--scope names no scope".into()));
        }
        let known = Platform::new(auth.service().store.clone()).tenants().await?;
        let tenants = self.tenants.iter().map(|named| find(&known, named)).collect::<Result<_, _>>()?;
        let token = auth.issue(NewToken { subject: self.subject, tenants, scopes, ttl: self.ttl }, "cli").await?;
        auth.service().store.close().await;
        print(&format!("{token}\n"))
    }
}

fn find(known: &[domain::Tenant], named: &str) -> Result<TenantId, Failure> {
    let found = known.iter().find(|tenant| tenant.is_named(named));
    let slugs: Vec<&str> = known.iter().map(|tenant| tenant.slug.as_str()).collect();
    found
        .map(|tenant| tenant.id)
        .ok_or_else(|| Failure::Refused(format!("there is no municipality `{named}`; there are: {}", slugs.join(", "))))
}

/// Reads `90s`, `5m`, `12h` or `30d`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write 90s, 5m, 12h or 30d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text.trim_end_matches(unit).parse().map_err(|_| wrong())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}
