//! The second reading: records flow in batches from the spool to the store.

use super::{
    Spooled,
    batch::{self, Context, Outcome},
    coverage, list,
    mark::{self, Marking},
    plan::{self, Plan},
    sources, survey,
};
use crate::{
    Error, Result,
    tenancy::{Caller, Change},
};
use domain::{EventKind, Import, ImportId, ImportStatus, Observation, Permission, ResourceType};
use entity::import;
use formats::import::Record;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition};
use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// An import that is under way.
pub struct Running {
    /// Its id.
    pub id: ImportId,
    /// Its outcome, when it has ended. Dropping it does not stop the import.
    pub outcome: oneshot::Receiver<Result<Import>>,
}

/// One report on its way into the store.
pub(super) struct Run {
    pub(super) caller: Caller,
    pub(super) plan: Plan,
    pub(super) spooled: Spooled,
    pub(super) row: import::Model,
}

/// A record that stands for itself.
struct Standing {
    /// The place in the order of records at which the import goes on after it.
    after: u64,
    /// About how much memory it takes.
    bytes: usize,
    record: Box<Observation>,
}

/// Records handed over at once by the reading thread; four chunks may wait.
const CHUNK: usize = 256;
/// A chunk is closed early at this size: records may have hundreds of kilobytes of text.
const CHUNK_BYTES: usize = 1 << 20;
/// A batch is closed early at this size.
const BATCH_BYTES: usize = 4 << 20;
/// Most records in a batch.
const MAX_BATCH: usize = 1000;
/// The first batch, before it is known how fast the store is.
const FIRST_BATCH: usize = 100;
/// Records after which a new store can tell its indexes apart.
const STATISTICS_AFTER: u64 = 2_000;
/// How long a batch may hold the tenant's clock.
const TARGET: Duration = Duration::from_millis(60);

impl Run {
    /// Stores the report in the background.
    pub(super) fn spawn(self) -> Running {
        let id = ImportId(self.row.id);
        let (sender, outcome) = oneshot::channel();
        tokio::spawn(async move {
            // Whoever waits for the outcome tells of a failure; it is logged here where nobody does.
            if let Err(Err(error)) = sender.send(self.run().await) {
                tracing::error!(import = %id, %error, "an import was interrupted");
            }
        });
        Running { id, outcome }
    }

    async fn run(mut self) -> Result<Import> {
        let from = u64::try_from(self.row.position).unwrap_or(0);
        let (sender, mut records) = mpsc::channel(4);
        let (plan, mut spooled, format) = (self.plan, self.spooled, self.row.format);
        let reader = tokio::task::spawn_blocking(move || {
            send(&mut spooled, format, &plan, from, &sender)?;
            Ok::<_, Error>(spooled)
        });
        let mut writer = Writer {
            caller: self.caller,
            row: &mut self.row,
            waiting: VecDeque::new(),
            bytes: 0,
            held: HashSet::new(),
            size: FIRST_BATCH,
            statistics_at: from + STATISTICS_AFTER,
            has_heard: false,
        };
        while let Some(chunk) = records.recv().await {
            writer.bytes += chunk.iter().map(|standing| standing.bytes).sum::<usize>();
            writer.waiting.extend(chunk);
            while writer.waiting.len() >= writer.size || writer.bytes >= BATCH_BYTES {
                writer.write_batch().await?;
            }
        }
        let spooled = reader.await.map_err(Error::internal)??;
        while !writer.waiting.is_empty() {
            writer.write_batch().await?;
        }
        let Writer { caller, held, has_heard, .. } = writer;
        if self.row.coverage.is_some() {
            mark_missed(&caller, &mut self.row, spooled, held).await?;
        }
        finish(&caller, self.row, has_heard).await
    }
}

/// Marks what a complete report no longer holds. The third reading tells what it covers, also of what was stored
/// before a crash.
async fn mark_missed(caller: &Caller, row: &mut import::Model, spooled: Spooled, held: HashSet<Uuid>) -> Result<()> {
    let scope = row.scope.clone().unwrap_or_default().0;
    let (tenant, context) = (row.tenant_id, Context::of(row));
    let look = async {
        let (_, mut heard) = coverage::hear(caller, tenant, &context, &scope, spooled).await?;
        // An asset may have got names meanwhile by which it now is another one: what was stored is held in any case.
        heard.held.extend(held);
        let survey = survey::survey(caller, tenant, &heard, &scope.rules).await?;
        Ok((heard, survey))
    };
    let (heard, survey) = mark::alive(caller, row, look).await?;
    Marking { caller, row, heard }.run(survey).await
}

/// Reads the report again and sends the records that stand, from a place on.
fn send(
    spooled: &mut Spooled,
    format: domain::ImportFormat,
    plan: &Plan,
    from: u64,
    sender: &mpsc::Sender<Vec<Standing>>,
) -> Result<()> {
    let (mut position, mut chunk, mut size, mut open) = (0, Vec::with_capacity(CHUNK), 0, true);
    plan::read(spooled, format, &mut |record| {
        let is_counted = !matches!(record, Record::Covered(_));
        let standing = match record {
            Record::Observation(observation) if plan.stands(position) => Some(observation),
            Record::Covered(covered) => Some(Box::new(plan::only_seen(*covered))),
            _ => None,
        };
        let after = position + u64::from(is_counted);
        if let Some(record) = standing.filter(|_| open && position >= from) {
            let bytes = bytes(&record);
            size += bytes;
            chunk.push(Standing { after, bytes, record });
        }
        position = after;
        if chunk.len() == CHUNK || size >= CHUNK_BYTES {
            size = 0;
            // Closed only when the writer has failed; the rest is read for nothing.
            open = sender.blocking_send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK))).is_ok();
        }
    })?;
    let _ = sender.blocking_send(chunk);
    Ok(())
}

/// About how much memory a record takes: itself and its texts.
fn bytes(record: &Observation) -> usize {
    let texts = [&record.consequence, &record.recommendation, &record.evidence, &record.location.url];
    let lists = [&record.references, &record.tags, &record.identity, &record.cves, &record.cwes];
    let optional: usize = texts.into_iter().flatten().map(String::len).sum();
    let listed: usize = lists.into_iter().flatten().map(|text| text.len() + size_of::<String>()).sum();
    size_of::<Observation>() + record.title.len() + record.description.len() + optional + listed
}

struct Writer<'a> {
    caller: Caller,
    row: &'a mut import::Model,
    waiting: VecDeque<Standing>,
    /// About how much memory those waiting take.
    bytes: usize,
    /// The findings stored so far, where it matters which.
    held: HashSet<Uuid>,
    size: usize,
    /// Whether anything was stored, with its source.
    has_heard: bool,
    /// The place in the report after which the store looks at what has come in.
    statistics_at: u64,
}

impl Writer<'_> {
    /// Commits the next records together with the place that is reached.
    async fn write_batch(&mut self) -> Result<()> {
        let (reached, batch) = self.next_batch();
        let context = Context::of(self.row);
        let write = self.caller.begin_write(Permission::WriteImports).await?;
        let began = Instant::now();
        let mut command = write.command(self.row.tenant_id).await?;
        let outcome = batch::store(&mut command, &context, batch).await?;
        let after = add(self.row, &outcome, reached, command.recorded_at());
        let here = Condition::all()
            .add(import::Column::Id.eq(self.row.id))
            .add(import::Column::Status.ne(ImportStatus::Completed))
            .add(import::Column::Position.eq(self.row.position));
        only(command.update_where::<import::Entity>(here, progress(&after)).await?, self.row.id)?;
        command.commit_step().await?;
        *self.row = after;
        self.has_heard = true;
        if self.row.coverage.is_some() {
            self.held.extend(outcome.findings);
        }
        self.adapt(began.elapsed());
        if reached >= i64::try_from(self.statistics_at).unwrap_or(i64::MAX) {
            self.statistics_at = u64::MAX;
            self.caller.service().store.refresh_statistics().await;
        }
        Ok(())
    }

    /// The next records, as many and as large as a batch may be, and the place after them.
    fn next_batch(&mut self) -> (i64, Vec<Observation>) {
        let (mut reached, mut batch, mut size) = (self.row.position, Vec::new(), 0);
        while batch.len() < self.size && size < BATCH_BYTES {
            let Some(Standing { after, bytes, record }) = self.waiting.pop_front() else { break };
            size += bytes;
            reached = i64::try_from(after).unwrap_or(i64::MAX);
            batch.push(*record);
        }
        self.bytes -= size;
        (reached, batch)
    }

    /// Keeps the tenant's clock free for people: smaller batches where the store is slow.
    fn adapt(&mut self, held: Duration) {
        if held > TARGET {
            self.size = (self.size / 2).max(20);
        } else if held < TARGET / 2 {
            self.size = (self.size * 3 / 2).min(MAX_BATCH);
        }
    }
}

/// Fails unless one row was changed: the import's own, where it was left.
pub(super) fn only(changed: u64, import: Uuid) -> Result<()> {
    if changed == 1 {
        return Ok(());
    }
    Err(Error::Internal(format!("import {import} was taken over by another sender")))
}

fn add(row: &import::Model, outcome: &Outcome, reached: i64, now: domain::Timestamp) -> import::Model {
    import::Model {
        created: row.created + outcome.created,
        updated: row.updated + outcome.updated,
        unchanged: row.unchanged + outcome.unchanged,
        reopened: row.reopened + outcome.reopened,
        assets_created: row.assets_created + outcome.assets_created,
        position: reached,
        heartbeat_at: now,
        status: ImportStatus::Running,
        ..row.clone()
    }
}

fn progress(row: &import::Model) -> import::ActiveModel {
    import::ActiveModel {
        status: Set(row.status),
        created: Set(row.created),
        updated: Set(row.updated),
        unchanged: Set(row.unchanged),
        reopened: Set(row.reopened),
        assets_created: Set(row.assets_created),
        position: Set(row.position),
        heartbeat_at: Set(row.heartbeat_at),
        ..Default::default()
    }
}

/// The last step: one event and one audit row for the whole import.
async fn finish(caller: &Caller, row: import::Model, has_heard: bool) -> Result<Import> {
    let write = caller.begin_write(Permission::WriteImports).await?;
    let mut command = write.command(row.tenant_id).await?;
    let context = Context::of(&row);
    if row.read == row.rejected && !has_heard {
        // Nothing was stored under its source's name, but it has reported.
        sources::heard(&mut command, &context, BTreeSet::from([context.source_named(None)])).await?;
    }
    let mut after = import::Model { status: ImportStatus::Completed, finished_at: Some(command.recorded_at()), ..row };
    after.seq = command.record(EventKind::ImportCompleted, after.id, Change::default());
    let change = import::ActiveModel { finished_at: Set(after.finished_at), seq: Set(after.seq), ..progress(&after) };
    command.update::<import::Entity>(after.id, 0, change).await?;
    let (tenant, id) = (after.tenant_id, after.id);
    let import = list::whole(&command.scope(), after).await?;
    command.commit("import", Some((ResourceType::Import, id))).await?;
    tracing::info!(%tenant, import = %id, read = import.read, created = import.created, updated = import.updated,
        unchanged = import.unchanged, rejected = import.rejected, "import completed");
    Ok(import)
}
