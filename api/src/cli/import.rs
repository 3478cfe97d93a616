//! `fynd import`: the same way in as `POST /v1/imports`, from files.

use super::{Failure, print};
use crate::{Config, application};
use clap::Args;
use domain::{Import as Outcome, ImportFormat, Permission, Tlp};
use service::{
    Auth, Caller, Clock,
    auth::NewToken,
    import::{ImportRequest, Spool, Spooled},
    platform::Platform,
};
use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Args)]
pub(super) struct Import {
    /// Reports.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The municipality that they are about, by slug or id.
    #[arg(long)]
    tenant: String,
    /// The format; recognised by content if left out.
    #[arg(long, value_parser = format, value_name = "nessus|sarif|nuclei")]
    format: Option<ImportFormat>,
    /// The source's name; the tool's if left out.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The marking of the findings: for the least of those seen again as well; amber for new ones if left out.
    #[arg(long, value_parser = tlp, value_name = "clear|green|amber|amber_strict|red")]
    tlp: Option<Tlp>,
}

impl Import {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let auth = application::start(config, Clock::system()).await?;
        let caller = caller(&auth, &self.tenant, "fynd import", Permission::WriteImports).await?;
        let mut failed = 0;
        for file in &self.files {
            let request =
                ImportRequest { tenant: None, format: self.format, source: self.source.clone(), tlp: self.tlp };
            let line = match import_file(&caller, config, request, file).await {
                Ok(outcome) => told(&outcome),
                Err(failure) => {
                    failed += 1;
                    format!("{failure}\n")
                }
            };
            print(&format!("{}: {line}", file.display()))?;
        }
        auth.service().store.close().await;
        if failed == 0 {
            Ok(())
        } else {
            Err(Failure::Refused(format!("{failed} of {} reports failed", self.files.len())))
        }
    }
}

/// The command's own caller: a principal with a short grant, like anyone else.
pub(super) async fn caller(
    auth: &Auth,
    tenant: &str,
    subject: &str,
    permission: Permission,
) -> Result<Caller, Failure> {
    let known = Platform::new(auth.service().store.clone()).tenants().await?;
    let found = known.into_iter().find(|known| known.is_named(tenant));
    let tenant = found.ok_or_else(|| Failure::Refused(format!("there is no municipality `{tenant}`")))?;
    let scopes = [permission].into_iter().collect();
    let ttl = Duration::from_secs(24 * 3600);
    let new = NewToken { subject: subject.into(), tenants: vec![tenant.id], scopes, ttl };
    let token = auth.issue(new, "cli").await?;
    Ok(auth.authenticate(&token).await?)
}

async fn import_file(
    caller: &Caller,
    config: &Config,
    request: ImportRequest,
    path: &Path,
) -> Result<Outcome, Failure> {
    let options = config.import_options();
    let running = service::import::start(caller, request, spooled(config, path)?, options).await?;
    Ok(running.outcome.await.map_err(service::Error::internal)??)
}

/// A file as the body of a request.
pub(super) fn spooled(config: &Config, path: &Path) -> Result<Spooled, Failure> {
    let mut file = std::fs::File::open(path)?;
    let mut spool = Spool::new(&config.spool_folder(), config.imports.max_bytes)?;
    let mut chunk = vec![0; 64 << 10];
    loop {
        let length = file.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        spool.push(chunk.get(..length).unwrap_or_default())?;
    }
    Ok(spool.finish()?)
}

/// The outcome in one line, and one for each rejected record.
pub(super) fn told(import: &Outcome) -> String {
    let counts = format!(
        "{} read: {} created, {} updated, {} unchanged, {} rejected ({} new assets)\n",
        import.read, import.created, import.updated, import.unchanged, import.rejected, import.assets_created
    );
    let rejected = import.rejected_records.iter().map(|record| format!("  {}: {}\n", record.place, record.reason));
    std::iter::once(counts).chain(rejected).collect()
}

fn tlp(name: &str) -> Result<Tlp, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

fn format(name: &str) -> Result<ImportFormat, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}
