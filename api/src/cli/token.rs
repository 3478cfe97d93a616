//! `fynd token`.

use super::{Failure, print};
use crate::{Config, application};
use clap::{Args, Subcommand};
use domain::{Scopes, TenantId};
use serde_json::json;
use service::{
    Auth, Clock,
    audit::{self, Entry},
    auth::NewToken,
    platform::Platform,
};
use std::time::Duration;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Token {
    #[command(subcommand)]
    action: Option<Action>,
    /// A municipality that the token is for, by slug or id; may be repeated.
    #[arg(long = "tenant", required = true, value_name = "TENANT")]
    tenants: Vec<String>,
    /// What the token may do: scopes separated by blanks, such as 'findings:read tasks:claim'.
    #[arg(long, required = true, value_name = "SCOPES")]
    scope: Option<String>,
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
        let text = match self.action {
            Some(action) => action.run(&auth, config).await?,
            None => self.issue(&auth).await?,
        };
        auth.service().store.close().await;
        print(&text)
    }

    async fn issue(self, auth: &Auth) -> Result<String, Failure> {
        let scopes = Scopes::parse(self.scope.as_deref().unwrap_or_default())?;
        if scopes.is_empty() {
            return Err(Failure::Refused("--scope names no scope".into()));
        }
        let known = Platform::new(auth.service().store.clone()).tenants().await?;
        let tenants: Vec<TenantId> = self.tenants.iter().map(|named| find(&known, named)).collect::<Result<_, _>>()?;
        let detail = json!({"subject": self.subject, "tenants": tenants, "scope": scopes.to_string()});
        let token = auth.issue(NewToken { subject: self.subject, tenants, scopes, ttl: self.ttl }, "cli").await?;
        audit::operator(auth.service(), Entry::done("token.issue").detail(&detail)).await?;
        Ok(format!("{token}\n"))
    }
}

#[derive(Subcommand)]
enum Action {
    /// End a token before its time, by its `jti`.
    Revoke {
        /// The token's `jti`.
        jti: String,
    },
    /// Make a new key to sign tokens with. Tokens of the keys before go on for the overlap.
    RotateKeys {
        /// How long until the new key signs: others that verify tokens have read it by then.
        #[arg(long, default_value = "5m", value_parser = duration, value_name = "TIME")]
        lead: Duration,
        /// How long tokens of the keys before are taken after that; `0s` if a key has leaked.
        #[arg(long, default_value = "400d", value_parser = duration, value_name = "TIME")]
        overlap: Duration,
    },
}

impl Action {
    async fn run(self, auth: &Auth, config: &Config) -> Result<String, Failure> {
        match self {
            Self::Revoke { jti } => {
                auth.revoke_jti(&jti).await?;
                Ok("the token ends within five seconds\n".into())
            }
            Self::RotateKeys { lead, overlap } => {
                let kid = auth.rotate_keys(config.signing_algorithm, lead, overlap).await?;
                Ok(format!("{kid}\n"))
            }
        }
    }
}

pub(super) fn find(known: &[domain::Tenant], named: &str) -> Result<TenantId, Failure> {
    let found = known.iter().find(|tenant| tenant.is_named(named));
    let slugs: Vec<&str> = known.iter().map(|tenant| tenant.slug.as_str()).collect();
    found
        .map(|tenant| tenant.id)
        .ok_or_else(|| Failure::Refused(format!("there is no municipality `{named}`; there are: {}", slugs.join(", "))))
}

/// Reads `90s`, `5m`, `12h` or `30d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
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
