//! When a finding is due, as its row keeps it.

use super::{patch::person_set, write::Edit};
use domain::{
    Timestamp,
    sla::{NEVER, Risk, Sla, SlaClock},
};
use entity::{asset, finding};

/// Lets the clock of the edit's finding follow what it has become.
pub(super) fn apply(edit: &mut Edit, asset: Option<&asset::Model>, sla: &Sla, now: Timestamp) {
    let row = &mut edit.after;
    let risk = Risk { severity: row.severity, exposure: asset.and_then(|asset| asset.exposure), kev: row.kev };
    let set = row.due_at.filter(|_| row.person_set & person_set::DUE != 0);
    let before = edit.before.as_ref().map(|before| (before.status, clock(before)));
    let clock = sla.follow(before, row.status, set, risk, now);
    // What a job tells about a due date is its own to say, unless that turns out to be another date by now.
    let told = edit.kind.is_some_and(domain::EventKind::tells_due_date);
    let same_date = edit.before.as_ref().is_some_and(|before| before.due_at == clock.due_at);
    if told && !same_date {
        edit.kind = None;
    }
    row.sla_from = Some(clock.from);
    row.sla_paused_at = clock.paused_at;
    row.due_at = clock.due_at;
    row.due_order = clock.due_at.unwrap_or(NEVER);
    if !(told && same_date) {
        row.due_soon = clock.due_soon;
        row.overdue = clock.overdue;
    }
    if !clock.set_by_person {
        row.person_set &= !person_set::DUE;
    }
}

/// The clock as it is stored. What was stored before there were clocks began when Fynd heard of it.
fn clock(row: &finding::Model) -> SlaClock {
    SlaClock {
        from: row.sla_from.unwrap_or(row.created_at),
        paused_at: row.sla_paused_at,
        due_at: row.due_at,
        set_by_person: row.person_set & person_set::DUE != 0,
        due_soon: row.due_soon,
        overdue: row.overdue,
    }
}
