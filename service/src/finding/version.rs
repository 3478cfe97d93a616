//! History: each number of a finding is a version, which lasts until the next one.

use super::write::Edit;
use crate::{Result, tenancy::Command};
use domain::Timestamp;
use entity::{finding, finding_version as stored};
use sea_orm::{ActiveModelTrait, IntoActiveModel, sea_query::OnConflict};

/// Ends the versions that were and begins those that are.
pub(super) async fn write(command: &Command, edits: impl Iterator<Item = &Edit>) -> Result<()> {
    use stored::Column as C;
    let mut rows = Vec::new();
    for edit in edits {
        if let Some(before) = &edit.before {
            let ended = Some((edit.after.seq, command.recorded_at()));
            rows.push(of(before, ended).into_active_model().reset_all());
        }
        rows.push(of(&edit.after, None).into_active_model().reset_all());
    }
    let again =
        OnConflict::columns([C::TenantId, C::FindingId, C::FromSeq]).update_columns([C::ToSeq, C::ToAt]).to_owned();
    command.upsert::<stored::Entity>(rows, again).await
}

/// A state as a version, and what ended it.
fn of(row: &finding::Model, ended: Option<(i64, Timestamp)>) -> stored::Model {
    stored::Model {
        tenant_id: row.tenant_id,
        finding_id: row.id,
        from_seq: row.seq,
        to_seq: ended.map(|(seq, _)| seq),
        from_at: row.updated_at,
        to_at: ended.map(|(_, at)| at),
        asset_id: row.asset_id,
        source_id: row.source_id,
        rule_key: row.rule_key.clone(),
        kind: row.kind,
        severity: row.severity,
        cvss_score: row.cvss_score,
        cves: row.cves.clone(),
        tags: row.tags.clone(),
        tlp: row.tlp,
        kev: row.kev,
        epss_band: row.epss_band,
        priority: row.priority,
        status: row.status,
        justification: row.justification,
        duplicate_of: row.duplicate_of,
        acceptance_id: row.acceptance_id,
        reopened_count: row.reopened_count,
        seen_after_dismissal: row.seen_after_dismissal,
        assignee: row.assignee.clone(),
        due_at: row.due_at,
        overdue: row.overdue,
        due_soon: row.due_soon,
        due_order: row.due_order,
        gone_at: row.gone_at,
        first_seen: row.first_seen,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
