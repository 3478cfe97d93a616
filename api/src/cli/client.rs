//! `fynd client`.

use super::{Failure, print, token::duration};
use crate::{Config, application};
use clap::Subcommand;
use domain::{
    ClientId, PageRequest,
    client::{ClientFilter, ClientPatch, NewClient},
};
use service::{Auth, Caller, Clock, Fresh};
use std::{fmt::Write, path::PathBuf, time::Duration};

#[derive(Subcommand)]
pub(super) enum Client {
    /// Make a client; prints its id and its secret, which is shown this once.
    Add {
        /// Its name.
        name: String,
        /// What it is for.
        #[arg(long, value_name = "TEXT")]
        purpose: String,
        /// A municipality that it may ask for, by slug or id; may be repeated.
        #[arg(long = "tenant", required = true, value_name = "TENANT")]
        tenants: Vec<String>,
        /// The most that its tokens may carry: scopes separated by blanks.
        #[arg(long, value_name = "SCOPES")]
        scope: String,
        /// The organisation that it belongs to, by name or id.
        #[arg(long, value_name = "NAME")]
        organisation: Option<String>,
        /// A file with its public keys (a JWK set) instead of a secret.
        #[arg(long, value_name = "FILE")]
        public_jwks: Option<PathBuf>,
        /// Let it send id and secret with every request (HTTP Basic).
        #[arg(long)]
        basic: bool,
        /// How long it lives: `12h`, `30d`; without end if left out.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        ttl: Option<Duration>,
    },
    /// List the clients.
    List,
    /// Give it a new secret; the one before goes on for the overlap.
    Rotate {
        /// The client.
        id: ClientId,
        /// How long: `0s` to `30d`.
        #[arg(long, default_value = "24h", value_parser = duration, value_name = "TIME")]
        overlap: Duration,
    },
    /// Disable it: its tokens end within five seconds, and it gets no new ones.
    Disable {
        /// The client.
        id: ClientId,
    },
    /// Enable it again.
    Enable {
        /// The client.
        id: ClientId,
    },
    /// End every token that it has within five seconds; it may ask for new ones.
    RevokeTokens {
        /// The client.
        id: ClientId,
    },
}

impl Client {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let auth = application::start(config, Clock::system()).await?;
        let text = self.text(&auth).await?;
        auth.service().store.close().await;
        print(&text)
    }

    async fn text(self, auth: &Auth) -> Result<String, Failure> {
        let operator = auth.operator(None).await?;
        match self {
            Self::Add { .. } => self.add(auth).await,
            Self::List => listed(&operator).await,
            Self::Rotate { id, overlap } => {
                let version = current(&operator, id).await?.version;
                let (_, rotated) = service::client::rotate_secret(&operator, id, version, overlap).await?;
                Ok(format!("{}\n", rotated.secret.unwrap_or_default()))
            }
            Self::Disable { id } => switch(&operator, id, true).await,
            Self::Enable { id } => switch(&operator, id, false).await,
            Self::RevokeTokens { id } => {
                service::client::revoke_tokens(&operator, id).await?;
                Ok("its tokens end within five seconds\n".into())
            }
        }
    }

    async fn add(self, auth: &Auth) -> Result<String, Failure> {
        let Self::Add { name, purpose, tenants, scope, organisation, public_jwks, basic, ttl } = self else {
            return Ok(String::new());
        };
        let operator = auth.operator(organisation.as_deref()).await?;
        let public_jwks = match public_jwks {
            None => None,
            Some(file) => {
                let failed = |reason: String| Failure::Refused(format!("{}: {reason}", file.display()));
                let text = std::fs::read_to_string(&file).map_err(|error| failed(error.to_string()))?;
                Some(serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?)
            }
        };
        let scopes = scope.split_ascii_whitespace().map(str::to_owned).collect();
        let expires_at = ttl.map(|ttl| (auth.service().clock.now() + ttl).into());
        let new = NewClient { name, purpose, tenants, scopes, public_jwks, basic_allowed: basic, expires_at };
        let (_, made) = service::client::create(&operator, None, new).await?;
        let secret = made.secret.map(|secret| format!("{secret}\n")).unwrap_or_default();
        Ok(format!("{}\n{secret}", made.client.id))
    }
}

async fn current(operator: &Caller, id: ClientId) -> Result<domain::Client, Failure> {
    match service::client::get(operator, id, None).await? {
        Fresh::Changed(_, client) => Ok(client),
        Fresh::Unchanged(_) => Err(Failure::Refused("there is no such client".into())),
    }
}

async fn switch(operator: &Caller, id: ClientId, disabled: bool) -> Result<String, Failure> {
    let version = current(operator, id).await?.version;
    let patch = ClientPatch { disabled: Some(disabled), ..Default::default() };
    service::client::patch(operator, id, version, patch).await?;
    Ok(if disabled { "its tokens end within five seconds\n" } else { "it may ask for tokens again\n" }.into())
}

async fn listed(operator: &Caller) -> Result<String, Failure> {
    let mut text = String::new();
    let mut page = PageRequest { limit: PageRequest::MAX, cursor: None, each: false, count: None };
    loop {
        let found = service::client::list(operator, &ClientFilter::default(), &page, None).await?;
        let Fresh::Changed(_, found) = found else { break };
        for client in &found.items {
            let state = if client.disabled_at.is_some() { "disabled" } else { "enabled" };
            let used =
                client.last_used_at.map_or("never used".to_owned(), |at| format!("used {}", at.0.format("%F %R")));
            let scopes = client.scopes.join(" ");
            // Writing to a String does not fail.
            let _ = writeln!(text, "{}  {}  {scopes}  {state}  {used}", client.id, client.name);
        }
        match found.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    Ok(text)
}
