//! The one mapping from rows to findings. What the caller of the scope may not
//! know is withheld here, so that no list, feed or answer can forget it.

use crate::{Result, audit, platform, tenancy::Scope};
use domain::{Finding, Permission};
use entity::{finding, sighting, source};
use sea_orm::ColumnTrait;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Findings as they are shown: rows with their source's name, the time they were last seen
/// and their EPSS of today, which take one statement each whatever the number of rows.
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
    let scores = platform::scores(scope, rows.iter().map(|row| row.id)).await?;
    let shown = |row: finding::Model| {
        let name = names.get(&row.source_id).cloned().unwrap_or_default();
        let last_seen = seen.get(&row.id).copied().unwrap_or(row.first_seen);
        let is_withheld = row.tlp.is_restricted() && !scope.may(Permission::ReadEvidence, row.tenant_id);
        let epss = scores.get(&row.id).copied();
        let finding = of(row, name, last_seen, epss);
        if is_withheld { finding.restricted() } else { finding }
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Findings as they are shown to who reads them. That somebody reads what is marked TLP:RED, and is not withheld, is
/// recorded first; a command has its own row.
pub(crate) async fn read(scope: &Scope<'_>, rows: Vec<finding::Model>) -> Result<Vec<Finding>> {
    let findings = shown(scope, rows).await?;
    tell(scope, &findings).await?;
    Ok(findings)
}

/// Records that somebody reads what is marked TLP:RED and is not withheld.
pub(super) async fn tell(scope: &Scope<'_>, findings: &[Finding]) -> Result<()> {
    let restricted = findings.iter().filter(|finding| finding.tlp.is_restricted() && finding.withheld.is_empty());
    let restricted: Vec<(Uuid, Uuid)> = restricted.map(|finding| (finding.tenant_id.0, finding.id.0)).collect();
    audit::read(scope.caller(), "finding.read", "finding", &restricted).await
}

/// A row as a finding, with nothing withheld.
fn of(row: finding::Model, source: String, last_seen: domain::Timestamp, epss: Option<f64>) -> Finding {
    Finding {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        asset_id: row.asset_id.map(Into::into),
        source,
        source_id: row.source_id.into(),
        source_ref: row.source_ref,
        rule_key: row.rule_key,
        fingerprint: Some(row.fingerprint),
        kind: row.kind,
        title: row.title,
        description: Some(row.description),
        consequence: row.consequence,
        recommendation: row.recommendation,
        severity: row.severity,
        reported_severity: row.reported_severity,
        severity_reason: row.severity_reason,
        severity_by: row.severity_by.map(Into::into),
        severity_at: row.severity_at.map(Into::into),
        source_severity: row.source_severity,
        cvss_vector: row.cvss_vector,
        cvss_score: row.cvss_score,
        kev: row.kev,
        epss,
        epss_band: row.epss_band,
        priority: row.priority,
        priority_reasons: row.priority_reasons.0,
        cves: row.cves.0,
        cwes: row.cwes.0,
        references: row.citations.0,
        location: Some(row.location.0),
        tags: row.tags.0,
        tlp: row.tlp,
        withheld: Vec::new(),
        status: row.status,
        justification: row.justification,
        status_comment: row.status_comment,
        duplicate_of: row.duplicate_of.map(Into::into),
        acceptance_id: row.acceptance_id.map(Into::into),
        due_at: row.due_at.map(Into::into),
        due_soon: row.due_soon,
        overdue: row.overdue,
        reopened_count: row.reopened_count,
        seen_after_dismissal: row.seen_after_dismissal,
        assignee: row.assignee,
        first_seen: row.first_seen.into(),
        last_seen: last_seen.into(),
        gone_at: row.gone_at.map(Into::into),
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        seq: row.seq,
    }
}
