//! Settings: the defaults file (which is the manual), a file, the environment.

use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::Deserialize;
use service::{attachment::StorageOptions, enrich::FeedOptions, import::ImportOptions};
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// The defaults, as they stand in the manual.
pub const DEFAULTS: &str = include_str!("../defaults.toml");

/// Everything that can be set. What each means stands in `defaults.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct Config {
    pub database_url: String,
    pub database_connections: u32,
    pub listen: SocketAddr,
    pub workers: usize,
    pub public_url: String,
    pub cors_origins: Vec<String>,
    pub proxies: Vec<IpAddr>,
    pub audience: String,
    pub signing_algorithm: service::auth::SigningAlgorithm,
    pub token_seconds: u64,
    pub graphql_introspection: bool,
    pub key_file: PathBuf,
    pub key: String,
    pub issuers: Vec<service::auth::IssuerOptions>,
    pub outbound: Outbound,
    pub enrich: Enrich,
    pub imports: Imports,
    pub attachments: Attachments,
    pub limits: Limits,
    pub audit: Audit,
    pub log: Log,
}

/// How the audit is sealed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct Audit {
    pub seal_seconds: u64,
}

/// What Fynd itself may ask of others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct Outbound {
    #[serde(deserialize_with = "comma_list")]
    pub allow: Vec<String>,
}

/// Where what is known about CVEs is fetched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct Enrich {
    pub kev_url: String,
    pub epss_url: String,
    pub every_hours: u32,
}

/// A list, or in the environment one text with commas.
fn comma_list<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum List {
        Text(String),
        Texts(Vec<String>),
    }
    Ok(match List::deserialize(value)? {
        List::Texts(texts) => texts,
        List::Text(text) => text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect(),
    })
}

/// How reports are taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct Imports {
    pub max_bytes: u64,
    pub spool_folder: PathBuf,
    pub lease_seconds: u64,
}

/// How attachments are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct Attachments {
    pub url: String,
    pub max_bytes: u64,
    pub tenant_bytes: u64,
    #[serde(deserialize_with = "comma_list")]
    pub media_types: Vec<String>,
}

/// Bounds on requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct Limits {
    pub requests_per_minute: u32,
    pub tenant_requests_per_minute: u32,
    pub graphql_cost_per_minute: u32,
    pub oauth_per_minute: u32,
    pub concurrent_requests: usize,
    pub client_concurrent_requests: usize,
    pub streams: usize,
    pub client_streams: usize,
    pub stalled_seconds: u64,
    pub request_seconds: u64,
    pub upload_seconds: u64,
    pub head_seconds: u64,
    pub keep_alive_seconds: u64,
    pub body_bytes: usize,
    pub acquire_seconds: u64,
    pub shutdown_seconds: u64,
    pub graphql_document_bytes: usize,
    pub graphql_tokens: usize,
    pub graphql_depth: usize,
    pub graphql_complexity: usize,
    pub graphql_root_fields: usize,
    pub graphql_aliases: usize,
    pub graphql_directives: usize,
    pub graphql_persisted_queries: usize,
}

/// The log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// By what stderr is.
    Auto,
    /// For people.
    Human,
    /// For machines.
    Json,
}

/// Tables of the file; in the environment their names are joined to the setting's by `_`.
const TABLES: &[&str] = &["outbound", "enrich", "audit", "imports", "attachments", "limits", "log"];

/// Above it costs are no longer told apart.
const MOST_COMPLEX: usize = 1_000_000_000;

/// Variables that begin alike but belong to the test scripts.
const NOT_SETTINGS: &[&str] = &["bin", "corpus", "screenshots"];

impl Config {
    /// Reads the settings; `file` must be there if it is named.
    ///
    /// # Errors
    /// One sentence that names the setting and where it came from.
    pub fn load(file: Option<&std::path::Path>) -> Result<Self, String> {
        let own = file.unwrap_or_else(|| std::path::Path::new("fynd.toml"));
        if file.is_some() && !own.is_file() {
            return Err(format!("there is no settings file {}", own.display()));
        }
        let environment = Env::prefixed("FYND_")
            .filter(|key| !key.starts_with("test_") && !NOT_SETTINGS.contains(&key.as_str().to_lowercase().as_str()))
            .map(|key| nested(&key.as_str().to_lowercase()).into());
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if own.is_file() {
            figment = figment.merge(Toml::file_exact(own));
        }
        let figment = figment.merge(environment);
        let config: Self = figment.extract().map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if !self.public_url.starts_with("http://") && !self.public_url.starts_with("https://") {
            return Err(format!("public_url must be an http or https address, not `{}`", self.public_url));
        }
        crate::edges::check_origins(&self.cors_origins)?;
        let numbers = [
            ("database_connections", u64::from(self.database_connections)),
            ("token_seconds", self.token_seconds),
            ("enrich.every_hours", self.enrich.every_hours.into()),
            ("imports.max_bytes", self.imports.max_bytes),
            ("imports.lease_seconds", self.imports.lease_seconds),
            ("attachments.max_bytes", self.attachments.max_bytes),
            ("limits.body_bytes", self.limits.body_bytes as u64),
            ("limits.acquire_seconds", self.limits.acquire_seconds),
            ("limits.head_seconds", self.limits.head_seconds),
            ("limits.keep_alive_seconds", self.limits.keep_alive_seconds),
            ("audit.seal_seconds", self.audit.seal_seconds),
            ("limits.graphql_document_bytes", self.limits.graphql_document_bytes as u64),
            ("limits.graphql_tokens", self.limits.graphql_tokens as u64),
            ("limits.graphql_depth", self.limits.graphql_depth as u64),
            ("limits.graphql_complexity", self.limits.graphql_complexity as u64),
            ("limits.graphql_root_fields", self.limits.graphql_root_fields as u64),
        ];
        if let Some((name, _)) = numbers.iter().find(|(_, number)| *number == 0) {
            return Err(format!("{name} must be at least 1"));
        }
        if self.limits.graphql_complexity > MOST_COMPLEX {
            return Err(format!("limits.graphql_complexity must be at most {MOST_COMPLEX}"));
        }
        let spool = self.spool_folder();
        tempfile::tempfile_in(&spool)
            .map(|_| ())
            .map_err(|error| format!("imports.spool_folder {} cannot be used: {error}", spool.display()))
    }

    /// The folder where reports wait while they are read.
    pub fn spool_folder(&self) -> PathBuf {
        let own = &self.imports.spool_folder;
        if own.as_os_str().is_empty() { std::env::temp_dir() } else { own.clone() }
    }

    /// Whether clients reach the service by TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// What an operator should know about these settings, though they can be meant.
    pub fn warning(&self) -> Option<&'static str> {
        let is_open = !self.listen.ip().is_loopback() && !self.is_https();
        is_open.then_some(
            "listening beyond this machine without TLS: tokens and findings can be read on the way; put a TLS proxy in \
             front and set public_url to its https address",
        )
    }

    /// How imports are run.
    pub fn import_options(&self) -> ImportOptions {
        ImportOptions { lease: Duration::from_secs(self.imports.lease_seconds) }
    }

    /// From where what is known about CVEs is fetched.
    pub fn feed_options(&self) -> FeedOptions {
        let Enrich { kev_url, epss_url, every_hours } = self.enrich.clone();
        FeedOptions { kev_url, epss_url, every_hours }
    }

    /// How attachments are kept.
    pub fn attachment_options(&self) -> StorageOptions {
        let Attachments { url, max_bytes, tenant_bytes, media_types } = self.attachments.clone();
        StorageOptions { url, max_bytes, tenant_bytes, media_types }
    }

    /// How long a request waits for a connection.
    pub fn acquire_timeout(&self) -> Duration {
        Duration::from_secs(self.limits.acquire_seconds)
    }
}

/// `imports_max_bytes` is `max_bytes` in the table `imports`.
fn nested(key: &str) -> String {
    let table = TABLES.iter().find_map(|table| {
        let rest = key.strip_prefix(table)?.strip_prefix('_')?;
        Some(format!("{table}.{rest}"))
    });
    table.unwrap_or_else(|| key.to_owned())
}
