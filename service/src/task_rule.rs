//! The default rule: one task per weakness (source and rule) at medium or above,
//! whoever said so: a report, or a person who raised or reopened a finding.

use crate::{
    Result,
    finding::write::Edit,
    tenancy::{Change, Command},
};
use domain::{EventKind, TaskStatus, task::DEFAULT_THRESHOLD};
use entity::{finding, task, task_finding};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, IntoActiveModel,
    sea_query::{Expr, OnConflict},
};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// A task and what the command adds to it.
struct Entry {
    before: Option<task::Model>,
    after: task::Model,
    is_changed: bool,
}

/// Puts findings that need work and have no task into the open task of their weakness, or a new one.
/// The task takes over what they say to do, which whoever reads tasks may know, and nothing else of them.
pub(crate) async fn follow(command: &mut Command, edits: impl Iterator<Item = &Edit>) -> Result<()> {
    let needs_work = |edit: &&Edit| edit.after.severity >= DEFAULT_THRESHOLD && edit.after.status.is_open();
    let wanting: Vec<&Edit> = edits.filter(|edit| edit.asks_for_work()).filter(needs_work).collect();
    if wanting.is_empty() {
        return Ok(());
    }
    let linked = linked(command, &wanting).await?;
    let mut open = open_tasks(command, &wanting).await?;
    let mut links = Vec::new();
    let mut order = Vec::new();
    for edit in wanting {
        let (row, says_other) = (&edit.after, edit.says_other());
        let key = (row.source_id, row.rule_key.clone());
        let is_linked = linked.contains(&row.id);
        // A finding whose rule has another name by now stays in its task, which is then none of these.
        if is_linked && !(says_other && open.contains_key(&key)) {
            continue;
        }
        let made = || Entry { before: None, after: new(command, row), is_changed: false };
        let entry = open.entry(key.clone()).or_insert_with(made);
        if !entry.is_changed {
            entry.is_changed = true;
            order.push(key);
        }
        if row.recommendation.is_some() && (says_other || entry.after.recommendation.is_none()) {
            entry.after.recommendation.clone_from(&row.recommendation);
        }
        if is_linked {
            continue;
        }
        entry.after.finding_count += 1;
        entry.after.severity = entry.after.severity.max(row.severity);
        let (tenant_id, task_id) = (Set(command.tenant()), Set(entry.after.id));
        links.push(task_finding::ActiveModel { tenant_id, task_id, finding_id: Set(row.id) });
    }
    save(command, order.into_iter().filter_map(|key| open.remove(&key)).collect()).await?;
    command.insert::<task_finding::Entity>(links).await
}

/// Findings that an unfinished task holds already.
async fn linked(command: &Command, wanting: &[&Edit]) -> Result<HashSet<Uuid>> {
    let known: Vec<Uuid> = wanting.iter().filter(|edit| edit.before.is_some()).map(|edit| edit.after.id).collect();
    if known.is_empty() {
        return Ok(HashSet::new());
    }
    let scope = command.scope();
    let of_findings = task_finding::Column::FindingId.is_in(known);
    let links = scope.find::<task_finding::Entity>().filter(of_findings).all().await?;
    let tasks: BTreeSet<Uuid> = links.iter().map(|link| link.task_id).collect();
    let unfinished =
        scope.find::<task::Entity>().filter(task::Column::Id.is_in(tasks)).filter(is_unfinished()).all().await?;
    let unfinished: HashSet<Uuid> = unfinished.into_iter().map(|task| task.id).collect();
    Ok(links.into_iter().filter(|link| unfinished.contains(&link.task_id)).map(|link| link.finding_id).collect())
}

async fn open_tasks(command: &Command, wanting: &[&Edit]) -> Result<HashMap<(Uuid, String), Entry>> {
    let sources: BTreeSet<Uuid> = wanting.iter().map(|edit| edit.after.source_id).collect();
    let rules: BTreeSet<&str> = wanting.iter().map(|edit| edit.after.rule_key.as_str()).collect();
    let of_rules = Condition::all().add(task::Column::SourceId.is_in(sources)).add(task::Column::RuleKey.is_in(rules));
    let find = command.scope().find::<task::Entity>().filter(of_rules).filter(is_unfinished());
    let entry = |row: task::Model| {
        let key = (row.source_id, row.rule_key.clone());
        (key, Entry { before: Some(row.clone()), after: row, is_changed: false })
    };
    Ok(find.all().await?.into_iter().map(entry).collect())
}

/// In the words of the partial index `task_open_rule`: bound values would hide from a
/// store that the index holds every row that is asked for.
fn is_unfinished() -> Expr {
    Expr::cust(r#""task"."status" NOT IN ('done', 'cancelled')"#)
}

fn new(command: &Command, finding: &finding::Model) -> task::Model {
    task::Model {
        tenant_id: command.tenant(),
        id: Uuid::now_v7(),
        title: finding.title.clone(),
        status: TaskStatus::Open,
        severity: finding.severity,
        source_id: finding.source_id,
        rule_key: finding.rule_key.clone(),
        finding_count: 0,
        created_at: command.recorded_at(),
        updated_at: command.recorded_at(),
        seq: 0,
        recommendation: finding.recommendation.clone(),
    }
}

async fn save(command: &mut Command, entries: Vec<Entry>) -> Result<()> {
    let mut rows = Vec::with_capacity(entries.len());
    for Entry { before, mut after, .. } in entries {
        after.seq = match before {
            None => command.record(EventKind::TaskCreated, after.id, Change::default()),
            Some(before) => {
                let change = Change::default()
                    .field("finding_count", &before.finding_count, &after.finding_count)
                    .field("severity", &before.severity, &after.severity)
                    .field("recommendation", &before.recommendation, &after.recommendation);
                command.record(EventKind::TaskUpdated, after.id, change)
            }
        };
        after.updated_at = command.recorded_at();
        rows.push(after.into_active_model().reset_all());
    }
    use task::Column as C;
    let again = OnConflict::columns([C::TenantId, C::Id])
        .update_columns([C::FindingCount, C::Severity, C::Recommendation, C::UpdatedAt, C::Seq])
        .to_owned();
    command.upsert::<task::Entity>(rows, again).await
}
