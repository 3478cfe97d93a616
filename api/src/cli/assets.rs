//! `fynd assets`: the same way in as `POST /v1/assets/import`, from files.

use super::{
    Failure,
    import::{caller, spooled},
    print,
};
use crate::{Config, application};
use clap::{Args, Subcommand};
use domain::{AssetImport, AssetImportFormat, Permission};
use service::{Caller, Clock, asset::AssetImportRequest};
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum Assets {
    /// Take inventories in: CSV, JSON, or the XML of `nmap -oX`.
    Import(Import),
}

#[derive(Args)]
pub(super) struct Import {
    /// Inventories.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The municipality that they are of, by slug or id.
    #[arg(long)]
    tenant: String,
    /// The format; by the file's suffix if left out (.csv, .json, .xml).
    #[arg(long, value_parser = format, value_name = "csv|json|nmap")]
    format: Option<AssetImportFormat>,
    /// Only say what would become of them.
    #[arg(long)]
    dry_run: bool,
}

impl Assets {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let Self::Import(import) = self;
        let auth = application::start(config, Clock::system()).await?;
        let caller =
            caller(&auth, &import.tenant, "fynd assets import", std::iter::once(Permission::WriteAssets).collect())
                .await?;
        let mut failed = 0;
        for file in &import.files {
            let line = match import.file(&caller, config, file).await {
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
            Err(Failure::Refused(format!("{failed} of {} inventories failed", import.files.len())))
        }
    }
}

impl Import {
    async fn file(&self, caller: &Caller, config: &Config, path: &Path) -> Result<AssetImport, Failure> {
        let format = self.format.or_else(|| of_suffix(path));
        let format = format.ok_or_else(|| Failure::Refused("name its format with --format csv|json|nmap".into()))?;
        let request = AssetImportRequest { tenant: None, format, dry_run: self.dry_run };
        Ok(service::asset::import(caller, request, spooled(config, path)?).await?)
    }
}

fn of_suffix(path: &Path) -> Option<AssetImportFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(AssetImportFormat::Csv),
        "json" => Some(AssetImportFormat::Json),
        "xml" => Some(AssetImportFormat::Nmap),
        _ => None,
    }
}

/// The outcome in one line, and one for each row that was not stored whole.
fn told(import: &AssetImport) -> String {
    let counts = format!(
        "{} read: {} created, {} updated ({} reviewed), {} unchanged, {} rejected{}\n",
        import.read,
        import.created,
        import.updated,
        import.reviewed,
        import.unchanged,
        import.rejected,
        if import.dry_run { "; nothing was stored" } else { "" }
    );
    let rows = import.rejected_records.iter().chain(&import.warnings);
    std::iter::once(counts).chain(rows.map(|row| format!("  {}: {}\n", row.place, row.reason))).collect()
}

fn format(name: &str) -> Result<AssetImportFormat, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}
