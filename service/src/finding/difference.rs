//! What differs between two states of a finding, by the names under which it is shown.

use super::patch::set_by_person;
use crate::tenancy::Change;
use entity::finding::Model;

/// Every field that is shown and differs, after what is known to have changed beside the row.
pub(super) fn of(before: &Model, after: &Model, extra: Change) -> Change {
    let change = reported(before, after, extra);
    let change = decided(before, after, change);
    derived(before, after, change)
}

/// What sources say.
fn reported(before: &Model, after: &Model, change: Change) -> Change {
    change
        .field("title", &before.title, &after.title)
        .field("description", &before.description, &after.description)
        .field("consequence", &before.consequence, &after.consequence)
        .field("recommendation", &before.recommendation, &after.recommendation)
        .field("kind", &before.kind, &after.kind)
        .field("asset_id", &before.asset_id, &after.asset_id)
        .field("reported_severity", &before.reported_severity, &after.reported_severity)
        .field("source_severity", &before.source_severity, &after.source_severity)
        .field("source_ref", &before.source_ref, &after.source_ref)
        .field("rule_key", &before.rule_key, &after.rule_key)
        .field("fingerprint", &before.fingerprint, &after.fingerprint)
        .field("cvss_vector", &before.cvss_vector, &after.cvss_vector)
        .field("cvss_score", &before.cvss_score, &after.cvss_score)
        .field("cves", &before.cves, &after.cves)
        .field("cwes", &before.cwes, &after.cwes)
        .field("references", &before.citations, &after.citations)
        .field("location", &before.location, &after.location)
        .field("first_seen", &before.first_seen, &after.first_seen)
        .field("gone_at", &before.gone_at, &after.gone_at)
}

/// What people decide.
fn decided(before: &Model, after: &Model, change: Change) -> Change {
    change
        .field("severity", &before.severity, &after.severity)
        .field("severity_reason", &before.severity_reason, &after.severity_reason)
        .field("severity_by", &before.severity_by, &after.severity_by)
        .field("severity_at", &before.severity_at, &after.severity_at)
        .field("assignee", &before.assignee, &after.assignee)
        .field("tags", &before.tags, &after.tags)
        .field("tlp", &before.tlp, &after.tlp)
        .field("set_by_person", &set_by_person(before), &set_by_person(after))
        .field("status", &before.status, &after.status)
        .field("justification", &before.justification, &after.justification)
        .field("status_comment", &before.status_comment, &after.status_comment)
        .field("duplicate_of", &before.duplicate_of, &after.duplicate_of)
        .field("claimed_by_external", &before.claimed_by_external, &after.claimed_by_external)
        .field("acceptance_id", &before.acceptance_id, &after.acceptance_id)
        .field("reopened_count", &before.reopened_count, &after.reopened_count)
        .field("seen_after_dismissal", &before.seen_after_dismissal, &after.seen_after_dismissal)
}

/// What follows from both.
fn derived(before: &Model, after: &Model, change: Change) -> Change {
    change
        .field("kev", &before.kev, &after.kev)
        .field("epss_band", &before.epss_band, &after.epss_band)
        .field("priority", &before.priority, &after.priority)
        .field("priority_reasons", &before.priority_reasons, &after.priority_reasons)
        .field("due_at", &before.due_at, &after.due_at)
        .field("due_soon", &before.due_soon, &after.due_soon)
        .field("overdue", &before.overdue, &after.overdue)
}
