//! An inventory that comes in: read to its end first, then put down batch by batch.
//!
//! Sending the same inventory again changes nothing, so that whoever was interrupted sends it again.

use super::ledger::Ledger;
use crate::{
    Error, Result,
    import::Spooled,
    tenancy::{Caller, Command},
};
use domain::{AssetImport, AssetImportFormat, AssetRow, Code, Permission, TenantId, import::MAX_REJECTED};
use formats::import::{
    Limits, Refusal,
    assets::{Row, read},
};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

/// What a sender says about its inventory.
#[derive(Clone, Debug)]
pub struct AssetImportRequest {
    /// The municipality, by slug or id.
    pub tenant: Option<String>,
    /// The format.
    pub format: AssetImportFormat,
    /// Whether only to say what would become of it.
    pub dry_run: bool,
}

/// Most rows of one inventory: more than a municipality has things with an address.
const MAX_ROWS: i64 = 200_000;
/// Most identifiers of one inventory, which a dry run holds in memory.
const MAX_IDENTIFIERS: usize = 1_000_000;
/// Most rows in one command.
const BATCH: usize = 500;
/// A batch is closed early with so many identifiers, so that no command holds the tenant's clock for long.
const BATCH_IDENTIFIERS: usize = 2_500;

/// Checks the rights before the body is taken: who may not import here does not get to fill the disk.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`.
pub fn check(caller: &Caller, tenant: Option<&str>) -> Result<TenantId> {
    caller.one_tenant(Permission::WriteAssets, tenant)
}

/// Takes an inventory into one municipality. Rows that cannot be stored are named and the rest is stored, also if
/// the sender hangs up.
///
/// # Errors
/// Those of [`check`]; `report_refused` for one that is not whole, not of its format or too long.
pub async fn import(caller: &Caller, request: AssetImportRequest, spooled: Spooled) -> Result<AssetImport> {
    let tenant = check(caller, request.tenant.as_deref())?;
    let work = run(caller.clone(), tenant, request.format, request.dry_run, spooled);
    if request.dry_run {
        return work.await;
    }
    let (sender, outcome) = oneshot::channel();
    tokio::spawn(async move {
        // Whoever waits for the outcome tells of a failure; it is logged here where nobody does.
        match sender.send(work.await) {
            Err(Err(error)) => tracing::error!(%tenant, %error, "an inventory was interrupted"),
            Err(Ok(outcome)) => {
                tracing::info!(%tenant, read = outcome.read, "an inventory came in; its sender had gone")
            }
            Ok(()) => {}
        }
    });
    outcome.await.map_err(Error::internal)?
}

async fn run(
    caller: Caller,
    tenant: TenantId,
    format: AssetImportFormat,
    dry_run: bool,
    spooled: Spooled,
) -> Result<AssetImport> {
    let (spooled, outcome) = blocking(move || first(spooled, format)).await?;
    let (sender, batches) = mpsc::channel(2);
    let reader = tokio::task::spawn_blocking(move || send(spooled, format, &sender));
    let outcome = AssetImport { dry_run, ..outcome };
    let outcome = if dry_run {
        try_out(&caller, tenant, batches, outcome).await?
    } else {
        store(&caller, tenant, format, batches, outcome).await?
    };
    reader.await.map_err(Error::internal)??;
    Ok(outcome)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

/// The first reading: is it whole, and which of its rows cannot be stored.
fn first(mut spooled: Spooled, format: AssetImportFormat) -> Result<(Spooled, AssetImport)> {
    let (mut outcome, mut identifiers) = (AssetImport::default(), 0);
    rows(&mut spooled, format, &mut |row| {
        outcome.read += 1;
        match row {
            Row::Asset(asset) => identifiers += asset.identifiers.len(),
            Row::Rejected(rejected) => {
                outcome.rejected += 1;
                if outcome.rejected_records.len() < MAX_REJECTED {
                    outcome.rejected_records.push(rejected);
                }
            }
        }
    })?;
    if identifiers > MAX_IDENTIFIERS {
        let detail = format!("an inventory may have at most {MAX_IDENTIFIERS} identifiers; this one has {identifiers}");
        return Err(Error::refused(Code::ReportRefused, detail));
    }
    if outcome.read > MAX_ROWS {
        let detail = format!("an inventory may have at most {MAX_ROWS} rows; this one has {}", outcome.read);
        return Err(Error::refused(Code::ReportRefused, detail));
    }
    Ok((spooled, outcome))
}

fn rows(spooled: &mut Spooled, format: AssetImportFormat, each: &mut dyn FnMut(Row)) -> Result<()> {
    let mut reader = spooled.reader()?;
    read(format, &mut reader, &Limits::default(), each).map_err(|refusal| match refusal {
        Refusal::Invalid(reason) => Error::refused(Code::ReportRefused, reason),
        Refusal::Io(error) => Error::Internal(error.to_string()),
    })
}

/// The second reading: rows flow in batches to the store.
fn send(mut spooled: Spooled, format: AssetImportFormat, sender: &mpsc::Sender<Vec<AssetRow>>) -> Result<()> {
    let (mut batch, mut identifiers, mut open) = (Vec::with_capacity(BATCH), 0, true);
    rows(&mut spooled, format, &mut |row| {
        let Row::Asset(asset) = row else { return };
        if open {
            identifiers += asset.identifiers.len();
            batch.push(*asset);
        }
        if batch.len() == BATCH || identifiers >= BATCH_IDENTIFIERS {
            identifiers = 0;
            // Closed only when the writer has failed; the rest is read for nothing.
            open = sender.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok();
        }
    })?;
    let _ = sender.blocking_send(batch);
    Ok(())
}

/// What would become of it. The ledger remembers what earlier batches would have made.
async fn try_out(
    caller: &Caller,
    tenant: TenantId,
    mut batches: mpsc::Receiver<Vec<AssetRow>>,
    mut outcome: AssetImport,
) -> Result<AssetImport> {
    let read = caller.begin_in(Permission::WriteAssets, &[tenant.to_string()]).await?;
    let mut ledger = Ledger::default();
    while let Some(batch) = batches.recv().await {
        ledger.load(&read.scope(), &batch).await?;
        batch.into_iter().for_each(|row| ledger.take(row, caller.now(), &mut outcome));
        ledger.write_nothing();
    }
    Ok(outcome)
}

/// Each batch is a command with an audit row of its own, unless it says nothing new: what an inventory has changed is
/// told of, wherever it was cut off.
async fn store(
    caller: &Caller,
    tenant: TenantId,
    format: AssetImportFormat,
    mut batches: mpsc::Receiver<Vec<AssetRow>>,
    mut outcome: AssetImport,
) -> Result<AssetImport> {
    // Waited for before the clock is taken, not behind it.
    while let Some(batch) = batches.recv().await {
        let rows = batch.len();
        let mut command = caller.begin_write(Permission::WriteAssets).await?.command(tenant.0).await?;
        store_batch(&mut command, batch, &mut outcome).await?;
        if command.has_events() {
            command.commit_detailed("asset.import", None, &json!({"format": format, "rows": rows})).await?;
        } else {
            command.commit_step().await?;
        }
    }
    Ok(outcome)
}

async fn store_batch(command: &mut Command, batch: Vec<AssetRow>, outcome: &mut AssetImport) -> Result<()> {
    let mut ledger = Ledger::default();
    ledger.load(&command.scope(), &batch).await?;
    let now = command.recorded_at();
    batch.into_iter().for_each(|row| ledger.take(row, now, outcome));
    ledger.save(command).await
}
