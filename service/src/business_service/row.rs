//! Business services as they are shown: with their assets, and what is open on those.

use crate::{
    Etag, Result,
    tenancy::{Caller, Scope},
};
use domain::{AssetId, BusinessService, OpenFindings};
use entity::{asset, business_service, business_service_asset as needed};
use sea_orm::{
    ColumnTrait, FromQueryResult, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, JoinType, Query},
};
use std::collections::HashMap;
use uuid::Uuid;

/// The tag of a business service: its number, and what changes without one.
pub(super) fn etag(caller: &Caller, service: &BusinessService) -> Etag {
    let volatile = (&service.open_findings, service.overdue_findings);
    Etag::of_resource(service.seq, &[&caller.rights_digest(), &format!("{volatile:?}")])
}

/// What the assets of one service count together.
#[derive(FromQueryResult)]
struct Sum {
    service_id: Uuid,
    assets: i64,
    informational: i64,
    low: i64,
    medium: i64,
    high: i64,
    critical: i64,
    overdue: i64,
}

impl Sum {
    fn open_findings(&self) -> OpenFindings {
        OpenFindings {
            informational: small(self.informational),
            low: small(self.low),
            medium: small(self.medium),
            high: small(self.high),
            critical: small(self.critical),
        }
    }
}

fn small(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Rows with their assets and what those count, in two more statements.
pub(super) async fn shown(scope: &Scope<'_>, rows: Vec<business_service::Model>) -> Result<Vec<BusinessService>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let sums: HashMap<Uuid, Sum> = sums(scope, &ids).await?.into_iter().map(|sum| (sum.service_id, sum)).collect();
    let mut assets: HashMap<Uuid, Vec<AssetId>> = HashMap::new();
    for row in first_assets(scope, &ids).await? {
        assets.entry(row.service_id).or_default().push(row.asset_id.into());
    }
    let shown = |row: business_service::Model| {
        let asset_ids = assets.remove(&row.id).unwrap_or_default();
        of(sums.get(&row.id), row, asset_ids)
    };
    Ok(rows.into_iter().map(shown).collect())
}

async fn sums(scope: &Scope<'_>, services: &[Uuid]) -> Result<Vec<Sum>> {
    use asset::Column as A;
    use needed::Column as C;
    let joined = Expr::col((asset::Entity, A::TenantId))
        .equals((needed::Entity, C::TenantId))
        .and(Expr::col((asset::Entity, A::Id)).equals((needed::Entity, C::AssetId)));
    let counts = [
        (A::OpenInformational, "informational"),
        (A::OpenLow, "low"),
        (A::OpenMedium, "medium"),
        (A::OpenHigh, "high"),
        (A::OpenCritical, "critical"),
        (A::OverdueCount, "overdue"),
    ];
    let find = scope.find::<needed::Entity>().filter(C::ServiceId.is_in(services.iter().copied()));
    find.with(|select| {
        let mut select = select.select_only().column(C::ServiceId).group_by(C::ServiceId);
        QueryTrait::query(&mut select).join(JoinType::InnerJoin, asset::Entity, joined);
        let select = select.expr_as(Expr::col((needed::Entity, C::AssetId)).count(), "assets");
        counts.into_iter().fold(select, |select, (column, name)| {
            // SUM of integers is a bigint on PostgreSQL and an integer on SQLite, both read as 64 bits.
            select.expr_as(Expr::col((asset::Entity, column)).sum(), name)
        })
    })
    .rows::<Sum>()
    .await
}

async fn first_assets(scope: &Scope<'_>, services: &[Uuid]) -> Result<Vec<needed::Model>> {
    use needed::{Column as C, Entity as E};
    let place = Expr::cust("ROW_NUMBER() OVER (PARTITION BY tenant_id, service_id ORDER BY asset_id)");
    let ranked = Query::select()
        .columns([C::ServiceId, C::AssetId])
        .expr_as(place, "place")
        .from(E)
        .and_where(C::TenantId.is_in(scope.tenants().iter().copied()))
        .and_where(C::ServiceId.is_in(services.iter().copied()))
        .to_owned();
    let first = Query::select()
        .columns(["service_id", "asset_id"])
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").lte(BusinessService::MAX_SHOWN))
        .to_owned();
    let key = Expr::tuple([Expr::col((E, C::ServiceId)), Expr::col((E, C::AssetId))]);
    let find = scope.find::<E>().filter(key.in_subquery(first));
    find.with(|select| select.order_by_asc(C::AssetId)).all().await
}

fn of(sum: Option<&Sum>, row: business_service::Model, asset_ids: Vec<AssetId>) -> BusinessService {
    let open_findings = sum.map(Sum::open_findings).unwrap_or_default();
    BusinessService {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        name: row.name,
        description: row.description,
        criticality: row.criticality,
        cost_per_day: row.cost_per_day,
        currency: row.currency,
        days_to_restore: row.days_to_restore,
        manual_fallback: row.manual_fallback,
        owner_unit: row.owner_unit,
        asset_count: sum.map_or(0, |sum| sum.assets),
        asset_ids,
        worst_severity: open_findings.worst(),
        open_findings,
        overdue_findings: sum.map_or(0, |sum| small(sum.overdue)),
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        seq: row.seq,
    }
}
