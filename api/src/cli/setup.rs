//! `fynd migrate`, `fynd tenant`.

use super::{Failure, print, token::find};
use crate::{Config, application};
use clap::{Args, Subcommand};
use domain::{
    Severity, TaskGroup, TenantSlug,
    tenant::parse_name,
    tenant_settings::{Calendar, Language, TenantSettingsPatch},
};
use serde_json::json;
use service::{
    Auth, Clock, Fresh,
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
    /// Change a municipality's settings; prints them.
    Set(Set),
    /// Suspend a municipality: within five seconds nobody has any right there. Nothing of it is lost.
    Suspend {
        /// The municipality, by slug or id.
        tenant: String,
    },
    /// Resume it.
    Resume {
        /// The municipality, by slug or id.
        tenant: String,
    },
}

#[derive(Args)]
pub(super) struct Set {
    /// The municipality, by slug or id.
    tenant: String,
    /// Working days until a critical finding is due.
    #[arg(long, value_name = "DAYS")]
    sla_critical_days: Option<i32>,
    /// Working days until a high finding is due.
    #[arg(long, value_name = "DAYS")]
    sla_high_days: Option<i32>,
    /// Working days until a medium finding is due.
    #[arg(long, value_name = "DAYS")]
    sla_medium_days: Option<i32>,
    /// Working days until a low finding is due.
    #[arg(long, value_name = "DAYS")]
    sla_low_days: Option<i32>,
    /// Working days until a finding that is known to be exploited is due.
    #[arg(long, value_name = "DAYS")]
    sla_kev_days: Option<i32>,
    /// The share of its time that a finding on what the internet can reach gets, in per cent.
    #[arg(long, value_name = "PERCENT")]
    sla_internet_percent: Option<i32>,
    /// How many working days before it is due a finding counts as due soon.
    #[arg(long, value_name = "DAYS")]
    sla_due_soon_days: Option<i32>,
    /// The longest that a risk may be accepted for.
    #[arg(long, value_name = "DAYS")]
    max_acceptance_days: Option<i32>,
    /// How long single changes are kept in the feed.
    #[arg(long, value_name = "DAYS")]
    event_days: Option<i32>,
    /// Which days count for deadlines.
    #[arg(long, value_parser = word::<Calendar>, value_name = "se|none")]
    calendar: Option<Calendar>,
    /// A name of the IANA time zone database.
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
    /// The language of what is written for it.
    #[arg(long, value_parser = word::<Language>, value_name = "sv|en")]
    language: Option<Language>,
    /// What tasks are made of by themselves.
    #[arg(long, value_parser = word::<TaskGroup>, value_name = "rule_key|asset|finding|hand")]
    task_group: Option<TaskGroup>,
    /// The least severity for which a task is made by itself.
    #[arg(long, value_parser = word::<Severity>, value_name = "SEVERITY")]
    task_threshold: Option<Severity>,
}

fn word<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

impl Set {
    async fn run(self, auth: &Auth) -> Result<String, Failure> {
        let operator = auth.operator(None).await?;
        let before = match service::tenant_settings::get(&operator, &self.tenant, None).await? {
            Fresh::Changed(_, settings) => settings,
            Fresh::Unchanged(_) => return Err(Failure::Refused("the settings could not be read".into())),
        };
        let patch = TenantSettingsPatch {
            sla_critical_days: self.sla_critical_days,
            sla_high_days: self.sla_high_days,
            sla_medium_days: self.sla_medium_days,
            sla_low_days: self.sla_low_days,
            sla_kev_days: self.sla_kev_days,
            sla_internet_percent: self.sla_internet_percent,
            sla_due_soon_days: self.sla_due_soon_days,
            max_acceptance_days: self.max_acceptance_days,
            event_days: self.event_days,
            calendar: self.calendar,
            time_zone: self.time_zone,
            language: self.language,
            task_group: self.task_group,
            task_threshold: self.task_threshold,
        };
        let (_, after) = service::tenant_settings::patch(&operator, &self.tenant, before.version, patch).await?;
        let shown = serde_json::to_string_pretty(&after).map_err(service::Error::internal)?;
        Ok(shown + "\n")
    }
}

async fn suspend(auth: &Auth, platform: &Platform, tenant: &str, is_over: bool) -> Result<String, Failure> {
    let id = find(&platform.tenants().await?, tenant)?;
    let since = (!is_over).then(|| auth.service().clock.now());
    platform.suspend(id, since).await?;
    let action = if is_over { "tenant.resume" } else { "tenant.suspend" };
    audit::operator(auth.service(), Entry::done(action).about("tenant", id.0)).await?;
    Ok(format!("it {} within five seconds\n", if is_over { "is back" } else { "is closed to everybody" }))
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
            Self::Set(set) => set.run(&auth).await?,
            Self::Suspend { tenant } => suspend(&auth, &platform, &tenant, false).await?,
            Self::Resume { tenant } => suspend(&auth, &platform, &tenant, true).await?,
            Self::List => {
                let tenants = platform.tenants().await?;
                tenants.into_iter().map(|tenant| format!("{}  {}  {}\n", tenant.id, tenant.slug, tenant.name)).collect()
            }
        };
        auth.service().store.close().await;
        print(&text)
    }
}
