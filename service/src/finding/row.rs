//! The one mapping from rows to findings.

use crate::{Result, tenancy::Scope};
use domain::Finding;
use entity::{finding, sighting, source};
use sea_orm::ColumnTrait;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Findings as they are shown: rows with their source's name and the time they
/// were last seen, which take one statement each whatever the number of rows.
pub(crate) async fn shown(scope: &Scope<'_>, rows: Vec<finding::Model>) -> Result<Vec<Finding>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let source_ids: BTreeSet<Uuid> = rows.iter().map(|row| row.source_id).collect();
    let sources = scope.find::<source::Entity>().filter(source::Column::Id.is_in(source_ids)).all().await?;
    let names: HashMap<Uuid, String> = sources.into_iter().map(|source| (source.id, source.name)).collect();
    let ids = rows.iter().map(|row| row.id);
    let sightings = scope.find::<sighting::Entity>().filter(sighting::Column::FindingId.is_in(ids)).all().await?;
    let seen: HashMap<Uuid, _> = sightings.into_iter().map(|s| (s.finding_id, s.last_seen)).collect();
    let shown = |row: finding::Model| {
        let name = names.get(&row.source_id).cloned().unwrap_or_default();
        let last_seen = seen.get(&row.id).copied().unwrap_or(row.first_seen);
        of(row, name, last_seen)
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// A row as a finding.
pub(super) fn of(row: finding::Model, source: String, last_seen: domain::Timestamp) -> Finding {
    Finding {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        asset_id: row.asset_id.map(Into::into),
        source,
        source_id: row.source_id.into(),
        source_ref: row.source_ref,
        rule_key: row.rule_key,
        fingerprint: row.fingerprint,
        kind: row.kind,
        title: row.title,
        description: row.description,
        consequence: row.consequence,
        recommendation: row.recommendation,
        severity: row.severity,
        source_severity: row.source_severity,
        cvss_vector: row.cvss_vector,
        cvss_score: row.cvss_score,
        cves: row.cves.0,
        cwes: row.cwes.0,
        references: row.citations.0,
        location: row.location.0,
        tags: row.tags.0,
        status: row.status,
        justification: row.justification,
        status_comment: row.status_comment,
        duplicate_of: row.duplicate_of.map(Into::into),
        reopened_count: row.reopened_count,
        seen_after_dismissal: row.seen_after_dismissal,
        assignee: row.assignee,
        first_seen: row.first_seen.into(),
        last_seen: last_seen.into(),
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        seq: row.seq,
    }
}
