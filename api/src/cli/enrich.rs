//! `fynd enrich`: what others know about CVEs, from files.

use super::{Failure, print};
use crate::{Config, application};
use clap::Subcommand;
use serde_json::json;
use service::{
    Clock,
    audit::{self, Entry},
    enrich::{self, Feed, Loaded},
};
use std::{fs::File, path::PathBuf};

#[derive(Subcommand)]
pub(super) enum Enrich {
    /// Load CISA's catalogue of known exploited vulnerabilities; what is not in it counts as not exploited.
    Kev {
        /// The catalogue as JSON (cisa.gov/known-exploited-vulnerabilities-catalog), plain or gzip.
        file: PathBuf,
    },
    /// Load FIRST's exploit prediction scores (EPSS); CVEs that are not in the file keep theirs.
    Epss {
        /// The scores of a day as CSV (first.org/epss/data_stats), plain or gzip.
        file: PathBuf,
    },
}

impl Enrich {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let (feed, path) = match self {
            Self::Kev { file } => (Feed::Kev, file),
            Self::Epss { file } => (Feed::Epss, file),
        };
        let file = File::open(&path).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?;
        let auth = application::start(config, Clock::system()).await?;
        let service = auth.service();
        let loaded = match feed {
            Feed::Kev => enrich::kev(service, file, Default::default()).await,
            Feed::Epss => enrich::epss(service, file, Default::default()).await,
        };
        let loaded = loaded.map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?;
        let Loaded { version, read, changed, rejected } = &loaded;
        let detail = json!({"version": version, "read": read, "changed": changed, "rejected": rejected});
        audit::operator(service, Entry::done(format!("enrich.{}", feed.as_str())).detail(&detail)).await?;
        let prioritised = enrich::prioritise(service).await?;
        service.store.close().await;
        print(&format!(
            "{version}: {read} CVEs read, {changed} changed, {rejected} lines rejected; {prioritised} findings changed\n"
        ))
    }
}
