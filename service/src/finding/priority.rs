//! Priority: derived with every write of a finding, and written anew where what it
//! stands on has changed elsewhere: what is known about CVEs, or what people say of an asset.
//! Then in batches that keep the tenant's clock for a moment only, so that no person waits.

use super::{
    derive::Surroundings,
    write::{self, Edit},
};
use crate::{
    Result,
    platform::{self, Known},
    tenancy::{Caller, Command, Service},
};
use domain::{
    Permission, TenantId,
    priority::{Inputs, decide},
};
use entity::{asset_to_prioritise as waiting, finding, json::StringList};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, Order, QuerySelect, sea_query::OnConflict};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Fills in what is known about the finding's CVEs, and what to do about it.
pub(super) fn derive(row: &mut finding::Model, around: &Surroundings) {
    let known: Vec<Known> = row.cves.0.iter().filter_map(|cve| around.cves.get(cve)).copied().collect();
    row.kev = known.iter().any(|known| known.kev);
    row.epss_band = known.iter().filter_map(|known| known.band).max();
    let asset = row.asset_id.and_then(|id| around.assets.get(&id));
    let decision = decide(&Inputs {
        kind: row.kind,
        severity: row.severity,
        vector: row.cvss_vector.as_deref(),
        kev: row.kev,
        epss: row.epss_band,
        exposure: asset.and_then(|asset| asset.exposure),
        criticality: asset.and_then(|asset| asset.criticality),
    });
    row.priority = decision.priority;
    row.priority_reasons = StringList(decision.reasons);
}

/// Most findings of one command.
const AT_ONCE: usize = 500;
/// The first batch, before it is known how fast the store is.
const FIRST: usize = 50;
/// How long a batch may hold the tenant's clock.
const TARGET: Duration = Duration::from_millis(60);
/// Most findings looked for at once.
const LOOK: u64 = 20_000;

/// How many findings the next command takes, so that it holds the tenant's clock no longer than a moment.
struct Pace(usize);

impl Pace {
    /// Learns from a command that took so long, and leaves the store to people for as long as it was held.
    async fn after(&mut self, held: Duration) {
        if held > TARGET {
            self.0 = (self.0 / 2).max(10);
        } else if held < TARGET / 2 {
            self.0 = (self.0 * 3 / 2).min(AT_ONCE);
        }
        tokio::time::sleep(held).await;
    }
}

/// Brings a tenant's findings in line with what is known about their CVEs; says how many changed. Only those that
/// something is different for are loaded: nearly none after a usual day.
pub(crate) async fn by_cves(service: &Service, tenant: TenantId) -> Result<u64> {
    let caller = Caller::system(service.clone(), tenant, Permission::WriteFindings);
    let (mut changed, mut pace) = (0, Pace(FIRST));
    loop {
        let read = caller.begin(Permission::WriteFindings).await?;
        let mut found = platform::outdated(&read.scope(), LOOK).await?;
        if found.is_empty() {
            found = platform::undecided(&read.scope(), LOOK).await?;
        }
        drop(read);
        let before = changed;
        while !found.is_empty() {
            let some: Vec<Uuid> = found.drain(..pace.0.min(found.len())).collect();
            let command = caller.begin_write(Permission::WriteFindings).await?;
            let began = Instant::now();
            let mut command = command.command(tenant.0).await?;
            changed += again(&mut command, finding::Column::Id.is_in(some)).await?.1;
            command.commit("finding.prioritise", None).await?;
            pace.after(began.elapsed()).await;
        }
        // Whatever is left then is not to be helped by trying.
        if changed == before {
            return Ok(changed);
        }
    }
}

/// Writes what is derived of some findings anew, at most [`AT_ONCE`] of them in the order of their ids. Gives the
/// last one's id, if there may be more, and how many changed.
async fn again(command: &mut Command, which: impl Into<sea_orm::sea_query::Condition>) -> Result<(Option<Uuid>, u64)> {
    let find = command.scope().find::<finding::Entity>().filter(which.into());
    let rows = find.first(None, Order::Asc, AT_ONCE as u64).all().await?;
    let last = rows.last().map(|row| row.id).filter(|_| rows.len() == AT_ONCE);
    let edits = rows.into_iter().map(|row| Edit::of(row.clone(), row)).collect();
    let saved = write::save(command, edits).await?;
    Ok((last, saved.iter().filter(|saved| saved.is_numbered).count() as u64))
}

fn of(assets: &[Uuid], after: Uuid) -> Condition {
    use finding::Column as C;
    Condition::all().add(C::AssetId.is_in(assets.iter().copied())).add(C::Id.gt(after))
}

/// Prioritises the findings of assets that the command has written with another criticality or exposure: the first
/// of them at once, the others by [`of_waiting_assets`].
pub(crate) async fn of_assets(command: &mut Command, assets: &[Uuid]) -> Result<()> {
    let (last, _) = again(command, of(assets, Uuid::nil())).await?;
    match last {
        Some(last) => wait(command, assets, last).await,
        None => Ok(()),
    }
}

async fn wait(command: &Command, assets: &[Uuid], after: Uuid) -> Result<()> {
    use waiting::Column as C;
    let row = |asset: &Uuid| waiting::ActiveModel {
        tenant_id: Set(command.tenant()),
        asset_id: Set(*asset),
        after: Set(after),
    };
    let again = OnConflict::columns([C::TenantId, C::AssetId]).update_column(C::After).to_owned();
    command.upsert::<waiting::Entity>(assets.iter().map(row).collect(), again).await
}

/// Goes on with the findings of assets of which [`of_assets`] has done the first; says how many changed.
pub(crate) async fn of_waiting_assets(service: &Service, tenant: TenantId) -> Result<u64> {
    let caller = Caller::system(service.clone(), tenant, Permission::WriteFindings);
    let (mut changed, mut pace) = (0, Pace(AT_ONCE));
    loop {
        let read = caller.begin(Permission::WriteFindings).await?;
        if read.scope().find::<waiting::Entity>().with(|select| select.limit(1)).one().await?.is_none() {
            return Ok(changed);
        }
        drop(read);
        let write = caller.begin_write(Permission::WriteFindings).await?;
        let began = Instant::now();
        let mut command = write.command(tenant.0).await?;
        // Looked for again: another replica may have been quicker.
        let next = command.scope().find::<waiting::Entity>().with(|select| select.limit(1)).one().await?;
        if let Some(next) = next {
            let (last, written) = again(&mut command, of(&[next.asset_id], next.after)).await?;
            changed += written;
            match last {
                Some(last) => wait(&command, &[next.asset_id], last).await?,
                None => command.delete::<waiting::Entity>(waiting::Column::AssetId.eq(next.asset_id)).await?,
            }
        }
        command.commit("finding.prioritise", None).await?;
        pace.after(began.elapsed()).await;
    }
}
