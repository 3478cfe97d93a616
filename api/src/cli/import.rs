//! `fynd import`: the same way in as `POST /v1/imports`, from files.

use super::{Failure, print};
use crate::{Config, application};
use clap::Args;
use domain::{Coverage, Import as Outcome, ImportFormat, ImportScope, Permission, Scopes, Tlp};
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
    /// The reports hold all that their source sees in their scope: what they do not hold is gone.
    #[arg(long, value_parser = coverage, value_name = "complete")]
    coverage: Option<Coverage>,
    /// The scan's name.
    #[arg(long, value_name = "NAME", requires = "coverage")]
    scope: Option<String>,
    /// Assets that were scanned, by id or identifier; those in the report if left out.
    #[arg(long, value_name = "ASSET", value_delimiter = ',', requires = "coverage")]
    scope_assets: Vec<String>,
    /// Networks that the scan was bound to.
    #[arg(long, value_name = "CIDR", value_delimiter = ',', requires = "coverage")]
    scope_networks: Vec<String>,
    /// Rules that were run; all of the source's if left out.
    #[arg(long, value_name = "RULE", value_delimiter = ',', requires = "coverage")]
    scope_rules: Vec<String>,
    /// The count of findings that may be marked gone, where a report was refused as implausible.
    #[arg(long, value_name = "COUNT", requires = "coverage")]
    confirm_gone: Option<i64>,
}

impl Import {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let auth = application::start(config, Clock::system()).await?;
        let verify = self.coverage.map(|_| Permission::VerifyFindings);
        let scopes = std::iter::once(Permission::WriteImports).chain(verify).collect();
        let caller = caller(&auth, &self.tenant, "fynd import", scopes).await?;
        let mut failed = 0;
        for file in &self.files {
            let line = match import_file(&caller, config, self.request(), file).await {
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

impl Import {
    fn request(&self) -> ImportRequest {
        let scope = ImportScope {
            name: self.scope.clone(),
            assets: self.scope_assets.clone(),
            networks: self.scope_networks.clone(),
            rules: self.scope_rules.clone(),
        };
        ImportRequest {
            tenant: None,
            format: self.format,
            source: self.source.clone(),
            tlp: self.tlp,
            coverage: self.coverage,
            scope,
            confirm_gone: self.confirm_gone,
        }
    }
}

/// The command's own caller: a principal with a short grant, like anyone else.
pub(super) async fn caller(auth: &Auth, tenant: &str, subject: &str, scopes: Scopes) -> Result<Caller, Failure> {
    let known = Platform::new(auth.service().store.clone()).tenants().await?;
    let found = known.into_iter().find(|known| known.is_named(tenant));
    let tenant = found.ok_or_else(|| Failure::Refused(format!("there is no municipality `{tenant}`")))?;
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
    let gone = match (import.coverage, import.gone_withheld) {
        (None, _) => String::new(),
        (Some(_), 0) => format!("  {} gone, {} claimed fixes verified\n", import.gone, import.verified),
        (Some(_), many) => format!("  {many} would be gone, which had become implausible: none was marked\n"),
    };
    [counts, gone].into_iter().chain(rejected).collect()
}

fn tlp(name: &str) -> Result<Tlp, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

fn format(name: &str) -> Result<ImportFormat, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

fn coverage(name: &str) -> Result<Coverage, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}
