//! Why two findings are one, or are not.

use super::{alias::sources, fingerprint};
use crate::{
    Error, Result, audit, fingerprint_rule,
    tenancy::{Caller, Read, Scope},
};
use domain::{
    FindingId, Identifier, Permission,
    identity::{Explanation, Side},
};
use entity::{asset_identifier, finding, finding_alias};
use sea_orm::ColumnTrait;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Explains two findings of one municipality, by the rule in force of the first one's source.
///
/// # Errors
/// `forbidden`, `not_found` if either is none, or none for the caller's eyes.
pub async fn explain(caller: &Caller, id: FindingId, other: FindingId) -> Result<Explanation> {
    let read = caller.begin(Permission::ReadFindings).await?;
    let scope = read.scope();
    let found = scope.find::<finding::Entity>().filter(finding::Column::Id.is_in([id.0, other.0])).all().await?;
    let rows: HashMap<Uuid, finding::Model> = found.into_iter().map(|row| (row.id, row)).collect();
    let (one, other) = rows.get(&id.0).zip(rows.get(&other.0)).ok_or_else(Error::not_found)?;
    if one.tenant_id != other.tenant_id {
        return Err(Error::not_found());
    }
    let names = sources(&scope, [one.source_id, other.source_id].into()).await?;
    let merged = merged(&scope, &rows).await?;
    let identifiers = identifiers(&read, &rows).await?;
    let (rule, version) = fingerprint_rule::in_force(&scope, one.source_id).await?;
    let may = scope.may(Permission::ReadEvidence, one.tenant_id);
    let side = |row| side(row, &names, &merged, identifiers.as_ref(), may);
    let explained = domain::identity::explain(&side(one), &side(other), &rule, version);
    let restricted = rows.values().filter(|row| may && row.tlp.is_restricted());
    let restricted: Vec<(Uuid, Uuid)> = restricted.map(|row| (row.tenant_id, row.id)).collect();
    audit::read(caller, "finding.explain", "finding", &restricted).await?;
    Ok(explained)
}

fn side<'a>(
    row: &'a finding::Model,
    names: &'a BTreeMap<Uuid, String>,
    merged: &HashMap<Uuid, Uuid>,
    identifiers: Option<&'a HashMap<Uuid, Vec<Identifier>>>,
    may: bool,
) -> Side<'a> {
    let of_asset = |all: &'a HashMap<Uuid, Vec<Identifier>>| row.asset_id.and_then(|id| all.get(&id));
    Side {
        id: row.id.into(),
        source_id: row.source_id.into(),
        source: names.get(&row.source_id).map_or("", String::as_str),
        asset: row.asset_id.map(Into::into),
        identifiers: identifiers.map(|all| of_asset(all).map_or(&[][..], Vec::as_slice)),
        told: fingerprint::told(row),
        merged_into: merged.get(&row.id).copied().map(Into::into),
        is_withheld: row.tlp.is_restricted() && !may,
    }
}

/// Where the findings were merged into.
async fn merged(scope: &Scope<'_>, rows: &HashMap<Uuid, finding::Model>) -> Result<HashMap<Uuid, Uuid>> {
    let of_rows = finding_alias::Column::MergedId.is_in(rows.keys().copied());
    let aliases = scope.find::<finding_alias::Entity>().filter(of_rows).all().await?;
    Ok(aliases.into_iter().filter_map(|alias| Some((alias.merged_id?, alias.finding_id))).collect())
}

/// The identifiers of the findings' assets, if the caller may read assets there.
async fn identifiers(
    read: &Read,
    rows: &HashMap<Uuid, finding::Model>,
) -> Result<Option<HashMap<Uuid, Vec<Identifier>>>> {
    let scope = read.narrow(Permission::ReadAssets);
    if !rows.values().all(|row| scope.tenants().contains(&row.tenant_id)) {
        return Ok(None);
    }
    let of_assets = asset_identifier::Column::AssetId.is_in(rows.values().filter_map(|row| row.asset_id));
    let mut all: HashMap<Uuid, Vec<Identifier>> = HashMap::new();
    for row in scope.find::<asset_identifier::Entity>().filter(of_assets).all().await? {
        all.entry(row.asset_id).or_default().push(Identifier { kind: row.kind, value: row.value });
    }
    Ok(Some(all))
}
