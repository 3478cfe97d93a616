//! Tasks as they are shown: rows with what hangs on them, a few statements a page.

use super::assets::{self, Assets};
use crate::{Result, tenancy::Scope};
use domain::{
    FindingId, Task, TaskGroup, TaskId, Ticket,
    task::TaskLease,
    ticket::text::{Letterhead, TicketFacts},
};
use entity::{task, task_dependency, task_finding, task_lease, ticket};
use sea_orm::{ColumnTrait, QueryOrder};
use std::collections::HashMap;
use uuid::Uuid;

/// Most findings that are named in a task itself.
const MAX_FINDINGS: u64 = 100;

/// What hangs on the tasks of a page.
#[derive(Default)]
struct Hanging {
    tickets: HashMap<Uuid, Vec<Ticket>>,
    leases: HashMap<Uuid, Vec<TaskLease>>,
    blockers: HashMap<Uuid, Vec<TaskId>>,
    findings: HashMap<Uuid, Vec<FindingId>>,
    assets: HashMap<Uuid, Assets>,
}

/// Rows as tasks.
pub(crate) async fn shown(scope: &Scope<'_>, rows: Vec<task::Model>) -> Result<Vec<Task>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut hanging = Hanging::default();
    hanging.load(scope, &ids).await?;
    hanging.load_findings(scope, &ids).await?;
    hanging.assets = assets::of_tasks(scope, &ids).await?;
    let letterheads = scope.letterheads().await?;
    let shown = |row: task::Model| {
        let letterhead = letterheads.get(&row.tenant_id)?;
        Some(of(row, &mut hanging, letterhead))
    };
    Ok(rows.into_iter().filter_map(shown).collect())
}

impl Hanging {
    async fn load(&mut self, scope: &Scope<'_>, ids: &[Uuid]) -> Result<()> {
        let of_tasks = ticket::Column::TaskId.is_in(ids.iter().copied());
        let found = scope.find::<ticket::Entity>().filter(of_tasks);
        for row in found.with(|select| select.order_by_asc(ticket::Column::System)).all().await? {
            self.tickets.entry(row.task_id).or_default().push(ticket_of(row));
        }
        let of_tasks = task_lease::Column::TaskId.is_in(ids.iter().copied());
        let found = scope.find::<task_lease::Entity>().filter(of_tasks);
        for row in found.with(|select| select.order_by_asc(task_lease::Column::System)).all().await? {
            let (claimed_by, expires_at) = (row.claimed_by.into(), row.expires_at.into());
            let lease = TaskLease { system: row.system, claimed_by, expires_at };
            self.leases.entry(row.task_id).or_default().push(lease);
        }
        let of_tasks = task_dependency::Column::TaskId.is_in(ids.iter().copied());
        let found = scope.find::<task_dependency::Entity>().filter(of_tasks);
        for row in found.with(|select| select.order_by_asc(task_dependency::Column::BlockedBy)).all().await? {
            self.blockers.entry(row.task_id).or_default().push(row.blocked_by.into());
        }
        Ok(())
    }

    async fn load_findings(&mut self, scope: &Scope<'_>, ids: &[Uuid]) -> Result<()> {
        for row in first_findings(scope, ids).await? {
            self.findings.entry(row.task_id).or_default().push(row.finding_id.into());
        }
        Ok(())
    }
}

async fn first_findings(scope: &Scope<'_>, tasks: &[Uuid]) -> Result<Vec<task_finding::Model>> {
    use task_finding::{Column as C, Entity as E};
    let find = scope.find::<E>().filter(C::TaskId.is_in(tasks.iter().copied()));
    let first = find.first_of_each(&[C::TaskId], "finding_id", MAX_FINDINGS, &[C::TaskId, C::FindingId]);
    first.with(|select| select.order_by_asc(C::FindingId)).all().await
}

pub(crate) fn ticket_of(row: ticket::Model) -> Ticket {
    Ticket {
        system: row.system,
        key: row.key,
        url: row.url,
        state: row.state,
        state_at: row.state_at.map(Into::into),
        external_actor: row.external_actor,
        linked_at: row.linked_at.into(),
        linked_by: row.linked_by.into(),
    }
}

fn of(row: task::Model, hanging: &mut Hanging, letterhead: &Letterhead) -> Task {
    let assets = hanging.assets.remove(&row.id).unwrap_or_default();
    let ticket = letterhead.ticket(&TicketFacts {
        id: row.id.into(),
        title: &row.title,
        plan: row.plan.as_deref(),
        recommendation: row.recommendation.as_deref(),
        severity: row.severity,
        priority: row.priority,
        due_at: row.due_at,
        open: row.open_finding_count,
        findings: row.finding_count,
        assets: &assets.labels,
        all_assets: assets.count,
    });
    Task {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        title: row.title,
        plan: row.plan,
        recommendation: row.recommendation,
        status: row.status,
        status_reason: row.status_reason,
        external_actor: row.external_actor,
        severity: row.severity,
        priority: row.priority,
        due_at: row.due_at.map(Into::into),
        assignee: row.assignee,
        effort_hours: row.effort_hours,
        cost: row.cost,
        grouped_by: row.grouped_by,
        rule_key: row.rule_key,
        asset_id: row.group_id.filter(|_| row.grouped_by == TaskGroup::Asset).map(Into::into),
        blocked_by: hanging.blockers.remove(&row.id).unwrap_or_default(),
        held: row.held,
        finding_count: row.finding_count,
        open_finding_count: row.open_finding_count,
        finding_ids: hanging.findings.remove(&row.id).unwrap_or_default(),
        tickets: hanging.tickets.remove(&row.id).unwrap_or_default(),
        leases: hanging.leases.remove(&row.id).unwrap_or_default(),
        ticket,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        seq: row.seq,
    }
}
