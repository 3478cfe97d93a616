//! Assets as they are shown.

use super::person_set;
use crate::{
    Etag, Result,
    tenancy::{Caller, Scope},
};
use domain::{Asset, BusinessServiceId, Identifier, OpenFindings};
use entity::{asset, asset_identifier, business_service_asset};
use sea_orm::{
    ColumnTrait, FromQueryResult, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use std::collections::HashMap;
use uuid::Uuid;

/// The tag of an asset: its number, and what changes without one.
pub(super) fn etag(caller: &Caller, asset: &Asset) -> Etag {
    let volatile = (&asset.open_findings, asset.overdue_findings, &asset.service_ids, asset.service_count);
    Etag::of_resource(asset.seq, &[&caller.rights_digest(), &format!("{volatile:?}")])
}

/// The business services that need an asset: the first of them, and how many there are.
type Needing = (Vec<BusinessServiceId>, i64);

async fn needing(scope: &Scope<'_>, assets: Vec<Uuid>) -> Result<HashMap<Uuid, Needing>> {
    use business_service_asset::Column as C;
    let find = || scope.find::<business_service_asset::Entity>().filter(C::AssetId.is_in(assets.iter().copied()));
    let counted = find().with(|select| {
        let select = select.select_only().column(C::AssetId).group_by(C::AssetId);
        select.expr_as(Expr::col(C::ServiceId).count(), "count")
    });
    let mut needing: HashMap<Uuid, Needing> =
        counted.rows::<Count>().await?.into_iter().map(|row| (row.asset_id, (Vec::new(), row.count))).collect();
    if needing.is_empty() {
        return Ok(needing);
    }
    let first = find().first_of_each(&[C::AssetId], "service_id", Asset::MAX_SERVICES, &[C::AssetId, C::ServiceId]);
    for row in first.with(|select| select.order_by_asc(C::ServiceId)).all().await? {
        if let Some((services, _)) = needing.get_mut(&row.asset_id) {
            services.push(row.service_id.into());
        }
    }
    Ok(needing)
}

#[derive(FromQueryResult)]
struct Count {
    asset_id: Uuid,
    count: i64,
}

/// Rows with their identifiers and services, in three more statements.
pub(super) async fn shown(scope: &Scope<'_>, rows: Vec<asset::Model>) -> Result<Vec<Asset>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = || rows.iter().map(|row| row.id);
    let of_assets = asset_identifier::Column::AssetId.is_in(ids());
    let mut identifiers: HashMap<Uuid, Vec<Identifier>> = HashMap::new();
    for row in scope.find::<asset_identifier::Entity>().filter(of_assets).all().await? {
        identifiers.entry(row.asset_id).or_default().push(Identifier { kind: row.kind, value: row.value });
    }
    let mut services = needing(scope, rows.iter().map(|row| row.id).collect()).await?;
    let shown = |row: asset::Model| {
        let mut own = identifiers.remove(&row.id).unwrap_or_default();
        own.sort_unstable();
        let services = services.remove(&row.id).unwrap_or_default();
        of(row, own, services)
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// The open findings that a row counts.
const fn open_findings(row: &asset::Model) -> OpenFindings {
    OpenFindings {
        informational: row.open_informational,
        low: row.open_low,
        medium: row.open_medium,
        high: row.open_high,
        critical: row.open_critical,
    }
}

fn of(row: asset::Model, identifiers: Vec<Identifier>, (service_ids, service_count): Needing) -> Asset {
    let open_findings = open_findings(&row);
    let set_by_person = person_set::names(&row).into_iter().map(str::to_owned).collect();
    Asset {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        kind: row.kind,
        name: row.name,
        criticality: row.criticality,
        exposure: row.exposure,
        owner_unit: row.owner_unit,
        provenance: row.provenance,
        identifiers,
        set_by_person,
        service_ids,
        service_count,
        worst_severity: open_findings.worst(),
        open_findings,
        overdue_findings: row.overdue_count,
        retired_at: row.retired_at.map(Into::into),
        retired_reason: row.retired_reason,
        seen_after_retirement: row.seen_after_retirement,
        merged_into: row.merged_into.map(Into::into),
        first_known_at: row.first_known_at.into(),
        updated_at: row.updated_at.into(),
        seq: row.seq,
    }
}
