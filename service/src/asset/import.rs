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
use tokio::sync::mpsc;

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

/// Most rows of one inventory: more than a municipality has things with an address, and what a dry run holds in memory.
const MAX_ROWS: i64 = 200_000;
/// Most rows in one command.
const BATCH: usize = 500;

/// Checks the rights before the body is taken: who may not import here does not get to fill the disk.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`.
pub fn check(caller: &Caller, tenant: Option<&str>) -> Result<TenantId> {
    caller.one_tenant(Permission::WriteAssets, tenant)
}

/// Takes an inventory into one municipality. Rows that cannot be stored are named and the rest is stored.
///
/// # Errors
/// Those of [`check`]; `report_refused` for one that is not whole, not of its format or too long.
pub async fn import(caller: &Caller, request: AssetImportRequest, spooled: Spooled) -> Result<AssetImport> {
    let tenant = check(caller, request.tenant.as_deref())?;
    let format = request.format;
    let (spooled, outcome) = blocking(move || first(spooled, format)).await?;
    let (sender, batches) = mpsc::channel(2);
    let reader = tokio::task::spawn_blocking(move || send(spooled, format, &sender));
    let outcome = AssetImport { dry_run: request.dry_run, ..outcome };
    let outcome = if request.dry_run {
        try_out(caller, tenant, batches, outcome).await?
    } else {
        store(caller, tenant, batches, outcome).await?
    };
    reader.await.map_err(Error::internal)??;
    Ok(outcome)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

/// The first reading: is it whole, and which of its rows cannot be stored.
fn first(mut spooled: Spooled, format: AssetImportFormat) -> Result<(Spooled, AssetImport)> {
    let mut outcome = AssetImport::default();
    rows(&mut spooled, format, &mut |row| {
        outcome.read += 1;
        if let Row::Rejected(rejected) = row {
            outcome.rejected += 1;
            if outcome.rejected_records.len() < MAX_REJECTED {
                outcome.rejected_records.push(rejected);
            }
        }
    })?;
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
    let (mut batch, mut open) = (Vec::with_capacity(BATCH), true);
    rows(&mut spooled, format, &mut |row| {
        let Row::Asset(asset) = row else { return };
        if open {
            batch.push(*asset);
        }
        if batch.len() == BATCH {
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
        batch.into_iter().for_each(|row| ledger.take(row, &mut outcome));
    }
    Ok(outcome)
}

async fn store(
    caller: &Caller,
    tenant: TenantId,
    mut batches: mpsc::Receiver<Vec<AssetRow>>,
    mut outcome: AssetImport,
) -> Result<AssetImport> {
    let mut next = batches.recv().await;
    while let Some(batch) = next {
        // Waited for before the clock is taken, not behind it.
        next = batches.recv().await;
        let mut command = caller.begin_write(Permission::WriteAssets).await?.command(tenant.0).await?;
        store_batch(&mut command, batch, &mut outcome).await?;
        match next {
            Some(_) => command.commit_step().await?,
            // The one audit row of the whole inventory, unless it said nothing new.
            None if outcome.created + outcome.updated > 0 => command.commit("asset.import", None).await?,
            None => {}
        }
    }
    Ok(outcome)
}

async fn store_batch(command: &mut Command, batch: Vec<AssetRow>, outcome: &mut AssetImport) -> Result<()> {
    let mut ledger = Ledger::default();
    ledger.load(&command.scope(), &batch).await?;
    batch.into_iter().for_each(|row| ledger.take(row, outcome));
    ledger.save(command).await
}
