//! `fynd audit`: whether the audit is as it was recorded.

use super::{Failure, print};
use crate::{Config, application};
use clap::Subcommand;
use service::{
    Clock,
    audit::{self, Head, Kept, Verdict},
    tenancy::Service,
};
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Recompute every chain and name the first row that does not fit. Fails if there is one.
    Verify {
        /// One municipality, by slug or id; `(operator)` for what belongs to none. All if left out.
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// Heads that were kept elsewhere, as `fynd audit head` prints them: they tell of a tail that was cut with its heads.
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
        /// A position with its hash that was kept elsewhere.
        #[arg(long, value_name = "POSITION:HASH", requires = "tenant")]
        expect: Option<String>,
    },
    /// Print the newest signed head of every chain, one JSON object a line.
    Head,
}

impl Audit {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let auth = application::start(config, Clock::system()).await?;
        let outcome = match self {
            Self::Verify { tenant, head, expect } => {
                verify(auth.service(), tenant.as_deref(), head.as_deref(), expect.as_deref()).await
            }
            Self::Head => heads(auth.service()).await,
        };
        auth.service().store.close().await;
        outcome
    }
}

async fn heads(service: &Service) -> Result<(), Failure> {
    let heads = audit::heads(service).await?;
    let lines = heads.iter().map(|head| serde_json::to_string(head).map(|line| line + "\n"));
    print(&lines.collect::<Result<String, _>>().map_err(service::Error::internal)?)
}

async fn verify(
    service: &Service,
    tenant: Option<&str>,
    head: Option<&Path>,
    expect: Option<&str>,
) -> Result<(), Failure> {
    let mut kept = head.map(|file| kept(service, file)).transpose()?.unwrap_or_default();
    if let Some(text) = expect {
        let wrong = || Failure::Refused(format!("--expect takes POSITION:HASH, not `{text}`"));
        kept.push(Kept::parse(text).ok_or_else(wrong)?);
    }
    let verdicts = audit::verify(service, tenant, &kept).await?;
    print(&verdicts.iter().map(told).collect::<String>())?;
    let broken = verdicts.iter().find_map(|verdict| Some(format!("{}: {}", verdict.chain, verdict.broken.as_ref()?)));
    broken.map_or(Ok(()), |broken| Err(Failure::Refused(broken)))
}

fn told(verdict: &Verdict) -> String {
    let Verdict { chain, sealed, waiting, broken } = verdict;
    let word = if broken.is_some() { "BROKEN" } else { "ok" };
    format!("{chain}: {word}, {sealed} rows sealed, {waiting} waiting\n")
}

/// The heads in a file, each of which must carry this store's own signature.
fn kept(service: &Service, file: &Path) -> Result<Vec<Kept>, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| Failure::Refused(format!("{name}: {error}")))?;
    let head = |(at, line): (usize, &str)| {
        let place = at + 1;
        let no_head = || Failure::Refused(format!("{name}, line {place}: no head as `fynd audit head` prints them"));
        let head: Head = serde_json::from_str(line).map_err(|_| no_head())?;
        if !head.is_genuine(&service.vault) {
            return Err(Failure::Refused(format!("{name}, line {place}: not signed with this store's key")));
        }
        Kept::of(&head).ok_or_else(no_head)
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(head).collect()
}
