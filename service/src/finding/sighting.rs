//! Where a finding was seen, and where it no longer is.

use crate::{Error, Result, tenancy::Caller};
use domain::{FindingId, FindingSighting, FindingSightings, Permission};
use entity::{finding, json::TimeList, scan_scope, scope_sighting, sighting};
use sea_orm::ColumnTrait;
use std::collections::HashMap;
use uuid::Uuid;

/// The sightings of a finding: of all reports of its source together, then of each of its named scans, by name.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn sightings(caller: &Caller, id: FindingId) -> Result<FindingSightings> {
    let read = caller.begin(Permission::ReadFindings).await?;
    let scope = read.scope();
    let of_finding = finding::Column::Id.eq(id.0);
    let row = scope.find::<finding::Entity>().filter(of_finding).one().await?.ok_or_else(Error::not_found)?;
    let of_finding = sighting::Column::FindingId.eq(id.0);
    let all = scope.find::<sighting::Entity>().filter(of_finding).one().await?.ok_or_else(Error::not_found)?;
    let of_finding = scope_sighting::Column::FindingId.eq(id.0);
    let by_scan = scope.find::<scope_sighting::Entity>().filter(of_finding).all().await?;
    let ids = scan_scope::Column::Id.is_in(by_scan.iter().map(|row| row.scope_id));
    let scans = scope.find::<scan_scope::Entity>().filter(ids).all().await?;
    let names: HashMap<Uuid, String> = scans.into_iter().map(|scan| (scan.id, scan.name)).collect();
    let mut items: Vec<FindingSighting> = by_scan.into_iter().map(|row| of_scan(row, &names)).collect();
    items.sort_by(|a, b| a.scope.cmp(&b.scope));
    items.insert(0, of_source(&row, &all));
    Ok(FindingSightings { finding_id: id, items })
}

fn of_source(row: &finding::Model, sighting: &sighting::Model) -> FindingSighting {
    FindingSighting {
        scope_id: None,
        scope: None,
        first_seen: row.first_seen.into(),
        last_seen: sighting.last_seen.into(),
        gone_at: first(sighting.absences.as_ref()),
        observed_at: sighting.observed_at.into(),
    }
}

fn of_scan(row: scope_sighting::Model, names: &HashMap<Uuid, String>) -> FindingSighting {
    FindingSighting {
        scope_id: Some(row.scope_id.into()),
        scope: names.get(&row.scope_id).cloned(),
        first_seen: row.first_seen.into(),
        last_seen: row.last_seen.into(),
        gone_at: first(row.absences.as_ref()),
        observed_at: row.observed_at.into(),
    }
}

fn first(absences: Option<&TimeList>) -> Option<domain::DateTime> {
    absences?.0.first().copied().map(Into::into)
}
