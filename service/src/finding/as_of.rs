//! Findings as they were at a moment: what filters ask for from the versions,
//! the texts by undoing what events say has changed since. Texts that changed
//! longer ago than events are kept are shown as the first event kept says.

use super::{filter, row};
use crate::{
    Error, Result,
    tenancy::{Caller, Scope},
};
use chrono::TimeDelta;
use domain::{DateTime, Finding, FindingId, Permission, Timestamp, Tlp};
use entity::{event, finding, finding_version as version};
use sea_orm::{ColumnTrait, ExprTrait, QueryOrder};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// A finding as it was.
pub(super) struct Past {
    /// All columns as they were.
    pub(super) row: finding::Model,
    /// How it is marked now: who may not know it now does not get to know it by asking for an earlier day.
    now: Tlp,
}

/// How far ahead of this clock a moment may lie: the asker's may be fast, and a municipality's own runs ahead where
/// more than one command a millisecond is recorded.
const AHEAD: TimeDelta = TimeDelta::seconds(5);

/// Refuses a moment that has not come: what is to be is not known.
///
/// # Errors
/// `invalid_parameter`.
pub(super) fn check(caller: &Caller, moment: Option<DateTime>) -> Result<()> {
    if moment.is_some_and(|moment| moment.0 > caller.now() + AHEAD) {
        return Err(domain::Error::parameter("as_of", "lies in the future").into());
    }
    Ok(())
}

/// One finding as it was, if it was known then.
pub(super) async fn by_id(scope: &Scope<'_>, id: FindingId, moment: Timestamp) -> Result<Vec<Finding>> {
    let of_id = version::Column::FindingId.eq(id.0);
    let versions = scope.find::<version::Entity>().filter(of_id).filter(filter::at(moment)).all().await?;
    read(scope, of_versions(scope, versions).await?, moment).await
}

/// The findings of versions, in their order; two statements.
pub(super) async fn of_versions(scope: &Scope<'_>, versions: Vec<version::Model>) -> Result<Vec<Past>> {
    let ids = versions.iter().map(|version| version.finding_id);
    let rows = scope.find::<finding::Entity>().filter(finding::Column::Id.is_in(ids)).all().await?;
    let mut rows: HashMap<Uuid, finding::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut undone = since(scope, &versions).await?;
    let past = |version: version::Model| {
        let row = rows.remove(&version.finding_id)?;
        let undone = undone.remove(&version.finding_id).unwrap_or_default();
        Some(Past { now: row.tlp, row: overlay(undo(row, undone)?, version) })
    };
    let count = versions.len();
    let past: Vec<Past> = versions.into_iter().filter_map(past).collect();
    if past.len() == count { Ok(past) } else { Err(Error::Internal("a version without its finding".into())) }
}

/// The values before each field changed for the first time after its finding's version. What still is as it was has none.
async fn since(scope: &Scope<'_>, versions: &[version::Model]) -> Result<HashMap<Uuid, Map<String, Value>>> {
    use event::Column as C;
    let ended: HashMap<Uuid, i64> =
        versions.iter().filter(|v| v.to_seq.is_some()).map(|v| (v.finding_id, v.from_seq)).collect();
    let mut undone: HashMap<Uuid, Map<String, Value>> = HashMap::new();
    let Some(first) = ended.values().min() else { return Ok(undone) };
    let later = C::ResourceId.is_in(ended.keys().copied()).and(C::Seq.gt(*first));
    let find = scope.find::<event::Entity>().filter(later);
    for event in find.with(|select| select.order_by_asc(C::Seq)).all().await? {
        let is_later = ended.get(&event.resource_id).is_some_and(|from| event.seq > *from);
        let (true, Some(Value::Object(changed))) = (is_later, event.changed) else { continue };
        let fields = undone.entry(event.resource_id).or_default();
        for (name, mut change) in changed {
            let before = change.get_mut("before").map(Value::take).unwrap_or_default();
            fields.entry(name).or_insert(before);
        }
    }
    Ok(undone)
}

/// Puts back the fields of which there is no version.
fn undo(row: finding::Model, mut was: Map<String, Value>) -> Option<finding::Model> {
    let was = &mut was;
    Some(finding::Model {
        title: back(was, "title", row.title)?,
        description: back(was, "description", row.description)?,
        consequence: back(was, "consequence", row.consequence)?,
        recommendation: back(was, "recommendation", row.recommendation)?,
        source_severity: back(was, "source_severity", row.source_severity)?,
        source_ref: back(was, "source_ref", row.source_ref)?,
        fingerprint: back(was, "fingerprint", row.fingerprint)?,
        cvss_vector: back(was, "cvss_vector", row.cvss_vector)?,
        cwes: back(was, "cwes", row.cwes)?,
        citations: back(was, "references", row.citations)?,
        location: back(was, "location", row.location)?,
        status_comment: back(was, "status_comment", row.status_comment)?,
        reported_severity: back(was, "reported_severity", row.reported_severity)?,
        severity_reason: back(was, "severity_reason", row.severity_reason)?,
        severity_by: back(was, "severity_by", row.severity_by)?,
        severity_at: back(was, "severity_at", row.severity_at)?,
        priority_reasons: back(was, "priority_reasons", row.priority_reasons)?,
        ..row
    })
}

/// The value before the change; what did not change stays.
fn back<T: DeserializeOwned>(was: &mut Map<String, Value>, name: &str, stays: T) -> Option<T> {
    match was.remove(name) {
        None => Some(stays),
        Some(before) => serde_json::from_value(before).ok(),
    }
}

fn overlay(row: finding::Model, was: version::Model) -> finding::Model {
    finding::Model {
        asset_id: was.asset_id,
        source_id: was.source_id,
        rule_key: was.rule_key,
        kind: was.kind,
        severity: was.severity,
        cvss_score: was.cvss_score,
        cves: was.cves,
        tags: was.tags,
        tlp: was.tlp,
        kev: was.kev,
        epss_band: was.epss_band,
        priority: was.priority,
        status: was.status,
        justification: was.justification,
        duplicate_of: was.duplicate_of,
        acceptance_id: was.acceptance_id,
        reopened_count: was.reopened_count,
        seen_after_dismissal: was.seen_after_dismissal,
        assignee: was.assignee,
        due_at: was.due_at,
        due_soon: was.due_soon,
        due_order: was.due_order,
        overdue: was.overdue,
        gone_at: was.gone_at,
        first_seen: was.first_seen,
        updated_at: was.updated_at,
        seq: was.from_seq,
        ..row
    }
}

/// Past findings as they are shown to who reads them.
pub(super) async fn read(scope: &Scope<'_>, past: Vec<Past>, moment: Timestamp) -> Result<Vec<Finding>> {
    let (rows, now): (Vec<_>, Vec<_>) = past.into_iter().map(|past| (past.row, past.now)).unzip();
    let shown = row::shown(scope, rows).await?.into_iter().zip(now).map(|(finding, now)| {
        // Which scores there were on that day is not kept.
        let finding = Finding { last_seen: Ord::min(finding.last_seen.0, moment).into(), epss: None, ..finding };
        let may = scope.may(Permission::ReadEvidence, finding.tenant_id.0);
        if now.is_restricted() && !may { finding.restricted() } else { finding }
    });
    let findings: Vec<Finding> = shown.collect();
    row::tell(scope, &findings).await?;
    Ok(findings)
}
