//! `fynd grant`, `fynd organisation`, `fynd person`: who may do what, and who that is.

use super::{Failure, print, token::duration};
use crate::{Config, application};
use clap::Subcommand;
use domain::{
    GrantId, PageRequest, PrincipalId,
    grant::{GrantFilter, NewGrant},
    tenant::parse_name,
};
use service::{Auth, Caller, Clock, Fresh, platform::Platform};
use std::{fmt::Write, time::Duration};
use uuid::Uuid;

#[derive(Subcommand)]
pub(super) enum Grant {
    /// Give a right in a municipality.
    Add {
        /// The municipality, by slug or id.
        #[arg(long, value_name = "TENANT")]
        tenant: String,
        /// What it allows: scopes separated by blanks.
        #[arg(long, value_name = "SCOPES")]
        scope: String,
        /// To everybody of an organisation, by name or id.
        #[arg(long, value_name = "NAME", conflicts_with = "issuer")]
        organisation: Option<String>,
        /// To a principal or role of this issuer.
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// The principal's subject there.
        #[arg(long, value_name = "NAME", requires = "issuer")]
        subject: Option<String>,
        /// The role there; `*` is every token.
        #[arg(long, value_name = "NAME", requires = "issuer", conflicts_with = "subject")]
        role: Option<String>,
        /// How long it holds: `90s`, `5m`, `12h`, `30d`; without end if left out (not for organisations).
        #[arg(long, value_parser = duration, value_name = "TIME")]
        ttl: Option<Duration>,
    },
    /// List the grants of a municipality, those that are over as well.
    List {
        /// The municipality, by slug or id.
        #[arg(long, value_name = "TENANT")]
        tenant: String,
    },
    /// Revoke a grant: what it allows ends within five seconds.
    Revoke {
        /// The grant.
        id: GrantId,
    },
}

impl Grant {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let auth = application::start(config, Clock::system()).await?;
        let text = self.text(&auth.operator(None).await?, &auth).await?;
        auth.service().store.close().await;
        print(&text)
    }

    async fn text(self, operator: &Caller, auth: &Auth) -> Result<String, Failure> {
        match self {
            Self::Add { tenant, scope, organisation, issuer, subject, role, ttl } => {
                let valid_to = ttl.map(|ttl| (auth.service().clock.now() + ttl).into());
                let scopes = scope.split_ascii_whitespace().map(str::to_owned).collect();
                let (principal_id, valid_from) = (None, None);
                let new = NewGrant { principal_id, issuer, subject, role, organisation, scopes, valid_from, valid_to };
                let (_, grant) = service::grant::create(operator, Some(&tenant), new).await?;
                Ok(format!("{}\n", grant.id))
            }
            Self::List { tenant } => listed(operator, tenant).await,
            Self::Revoke { id } => {
                service::grant::revoke(operator, id).await?;
                Ok("what it allowed ends within five seconds\n".into())
            }
        }
    }
}

async fn listed(operator: &Caller, tenant: String) -> Result<String, Failure> {
    let filter = GrantFilter { tenant: vec![tenant], ..Default::default() };
    let mut text = String::new();
    let mut page = PageRequest { limit: PageRequest::MAX, cursor: None, each: false, count: None };
    loop {
        let Fresh::Changed(_, found) = service::grant::list(operator, &filter, &page, None).await? else { break };
        for grant in &found.items {
            let end = match (grant.revoked_at, grant.valid_to) {
                (Some(at), _) => format!("revoked {}", at.0.format("%F")),
                (None, Some(end)) => format!("until {}", end.0.format("%F %R")),
                (None, None) => "without end".to_owned(),
            };
            let scopes = grant.scopes.join(" ");
            // Writing to a String does not fail.
            let _ = writeln!(text, "{}  {}  {scopes}  {end}  ({})", grant.id, grant.holder.name, grant.origin);
        }
        match found.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    Ok(text)
}

#[derive(Subcommand)]
pub(super) enum Organisation {
    /// Add a provider. What its people and clients may do, each municipality grants it.
    Add {
        /// Its name.
        name: String,
    },
    /// List municipalities and providers.
    List,
}

impl Organisation {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let auth = application::start(config, Clock::system()).await?;
        let platform = Platform::new(auth.service().store.clone());
        let text = match self {
            Self::Add { name } => {
                format!("{}\n", platform.add_provider(&parse_name(&name)?, auth.service().clock.now()).await?)
            }
            Self::List => {
                let all = platform.organisations().await?;
                all.into_iter().map(|(id, kind, name)| format!("{id}  {kind}  {name}\n")).collect()
            }
        };
        auth.service().store.close().await;
        print(&text)
    }
}

#[derive(Subcommand)]
pub(super) enum Person {
    /// Add a person.
    Add {
        /// The name.
        name: String,
        /// The organisation that the person belongs to, by name or id.
        #[arg(long, value_name = "NAME")]
        organisation: Option<String>,
    },
    /// Say which person a principal is: claim and verify then take two people, whatever tokens they use.
    Link {
        /// The person.
        id: Uuid,
        /// The issuer of the principal's tokens; this service if left out.
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// The principal's subject there; for a client its id.
        #[arg(long, value_name = "NAME")]
        subject: String,
    },
    /// List persons.
    List,
}

impl Person {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let auth = application::start(config, Clock::system()).await?;
        let (platform, now) = (Platform::new(auth.service().store.clone()), auth.service().clock.now());
        let text = match self {
            Self::Add { name, organisation } => {
                let organisation = match organisation {
                    None => None,
                    Some(named) => {
                        let unknown = || Failure::Refused(format!("there is no organisation `{named}`"));
                        Some(platform.find_organisation(&named).await?.ok_or_else(unknown)?)
                    }
                };
                format!("{}\n", platform.add_person(&parse_name(&name)?, organisation, now).await?)
            }
            Self::Link { id, issuer, subject } => {
                let issuer = issuer.unwrap_or_else(|| config.public_url.clone());
                let principal: PrincipalId = platform.known_principal(&issuer, &subject, now).await?;
                platform.link_person(id, principal).await?;
                format!("{principal}\n")
            }
            Self::List => platform.persons().await?.into_iter().map(|(id, name)| format!("{id}  {name}\n")).collect(),
        };
        auth.service().store.close().await;
        print(&text)
    }
}
