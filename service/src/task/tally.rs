//! What a task is by its open findings: what is kept, and counting it again.

use super::write::AT_ONCE;
use crate::{Result, tenancy::Command};
use domain::{Status, task::Tally};
use entity::{finding, task, task_finding};
use sea_orm::{
    ColumnTrait, JoinType, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a task has by its open findings.
pub(crate) const fn tally_of(row: &task::Model) -> Tally {
    let due_at = if row.due_set { None } else { row.due_at };
    Tally { open: row.open_finding_count, severity: row.severity, priority: row.priority, due_at }
}

/// Gives a task what its open findings make of it. A due date that a person set stays.
pub(crate) fn apply(row: &mut task::Model, tally: &Tally) {
    row.open_finding_count = Ord::max(tally.open, 0);
    row.severity = tally.severity;
    row.priority = tally.priority;
    if !row.due_set {
        row.due_at = tally.due_at;
    }
}

#[derive(sea_orm::FromQueryResult)]
struct Counted {
    task_id: Uuid,
    open: i64,
    severity: domain::Severity,
    priority: domain::Priority,
    due_at: Option<sea_orm::prelude::DateTimeUtc>,
}

/// Counts tasks by the findings that are linked to them; one without open ones is missing.
pub(crate) async fn count(command: &Command, tasks: &[Uuid]) -> Result<BTreeMap<Uuid, Tally>> {
    use finding::Column as F;
    use task_finding::{Column as C, Entity as E};
    let mut counted = BTreeMap::new();
    for some in tasks.chunks(AT_ONCE) {
        let open = F::Status.is_in([Status::New, Status::Confirmed, Status::InProgress, Status::FixClaimed]);
        let find = command.scope().find::<E>().filter(C::TaskId.is_in(some.iter().copied())).filter(open);
        let grouped = find.with(|select| {
            let of_finding = |column| Expr::col((finding::Entity, column));
            let mut select = select
                .select_only()
                .column(C::TaskId)
                .expr_as(of_finding(F::Id).count(), "open")
                .expr_as(of_finding(F::Severity).max(), "severity")
                .expr_as(of_finding(F::Priority).max(), "priority")
                .expr_as(of_finding(F::DueAt).min(), "due_at")
                .group_by(C::TaskId);
            let of_link =
                of_finding(F::TenantId).equals((E, C::TenantId)).and(of_finding(F::Id).equals((E, C::FindingId)));
            QueryTrait::query(&mut select).join(JoinType::InnerJoin, finding::Entity, of_link);
            select
        });
        for row in grouped.rows::<Counted>().await? {
            let open = i32::try_from(row.open).unwrap_or(i32::MAX);
            let tally = Tally { open, severity: row.severity, priority: row.priority, due_at: row.due_at };
            counted.insert(row.task_id, tally);
        }
    }
    Ok(counted)
}
