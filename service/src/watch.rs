//! Which inventoried assets are watched: when sources of each kind last reported about them.

use crate::{
    Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Scope},
};
use domain::{
    AssetWatch, Page, PageRequest, Permission, Provenance, SourceKind, Timestamp,
    watch::{SeenBy, WatchFilter},
};
use entity::{asset, asset_sighting, source};
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A page of inventoried assets in use, by id, with what watches them, unless the caller has it already.
///
/// # Errors
/// `invalid_parameter`, `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &WatchFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<AssetWatch>>> {
    filter.check()?;
    let read = caller.begin_in(Permission::ReadAssets, &filter.tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("coverage", filter))?;
    let since = since(&scope, filter, caller.now()).await?;
    let find = scope.find::<asset::Entity>().filter(condition(filter, &since));
    let mut found = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut found.items);
    let items = shown(&scope, rows).await?;
    paging::whole(found.of(items), caller, seen)
}

/// Since when each source must have reported an asset for that to be watched: ever, where nothing is said.
async fn since(scope: &Scope<'_>, filter: &WatchFilter, now: Timestamp) -> Result<Condition> {
    use asset_sighting::Column as C;
    if let Some(days) = filter.unwatched_days {
        return Ok(Condition::all().add(C::LastSeen.gte(now - chrono::TimeDelta::days(days))));
    }
    if !filter.unwatched {
        return Ok(Condition::all());
    }
    let expected = source::Column::ExpectedIntervalHours.is_not_null();
    let sources = scope.find::<source::Entity>().filter(expected).all().await?;
    let in_time = sources.iter().map(|source| {
        let hours = chrono::TimeDelta::hours(source.expected_interval_hours.unwrap_or_default().into());
        Condition::all().add(C::SourceId.eq(source.id)).add(C::LastSeen.gte(now - hours))
    });
    let others = C::SourceId.is_not_in(sources.iter().map(|source| source.id));
    Ok(in_time.fold(Condition::any().add(others), Condition::add))
}

fn condition(filter: &WatchFilter, since: &Condition) -> Condition {
    use asset::Column as C;
    let all = Condition::all().add(C::Provenance.eq(Provenance::Inventoried)).add(C::RetiredAt.is_null());
    let kinds = filter.kinds();
    if kinds.is_empty() { all } else { all.add(Expr::exists(reported_by(&kinds, since)).not()) }
}

/// A source of one of the kinds that has reported about the asset in time.
fn reported_by(kinds: &[SourceKind], since: &Condition) -> SelectStatement {
    use asset_sighting::{Column as C, Entity as E};
    let of_kinds = Query::select()
        .expr(Expr::val(1))
        .from(source::Entity)
        .and_where(Expr::col((source::Entity, source::Column::TenantId)).equals((E, C::TenantId)))
        .and_where(Expr::col((source::Entity, source::Column::Id)).equals((E, C::SourceId)))
        .and_where(source::Column::Kind.is_in(kinds.iter().copied()))
        .to_owned();
    Query::select()
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, C::TenantId)).equals((asset::Entity, asset::Column::TenantId)))
        .and_where(Expr::col((E, C::AssetId)).equals((asset::Entity, asset::Column::Id)))
        .and_where(Expr::exists(of_kinds))
        .cond_where(since.clone())
        .to_owned()
}

/// The assets with what has seen them, in two more statements.
async fn shown(scope: &Scope<'_>, rows: Vec<asset::Model>) -> Result<Vec<AssetWatch>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let of_rows = asset_sighting::Column::AssetId.is_in(rows.iter().map(|row| row.id));
    let sightings = scope.find::<asset_sighting::Entity>().filter(of_rows).all().await?;
    let ids: BTreeSet<Uuid> = sightings.iter().map(|sighting| sighting.source_id).collect();
    let sources = scope.find::<source::Entity>().filter(source::Column::Id.is_in(ids)).all().await?;
    let kinds: HashMap<Uuid, SourceKind> = sources.into_iter().map(|source| (source.id, source.kind)).collect();
    let mut seen: HashMap<Uuid, BTreeMap<SourceKind, Timestamp>> = HashMap::new();
    for sighting in sightings {
        let Some(kind) = kinds.get(&sighting.source_id) else { continue };
        let latest = seen.entry(sighting.asset_id).or_default().entry(*kind).or_insert(sighting.last_seen);
        *latest = Ord::max(sighting.last_seen, *latest);
    }
    Ok(rows.into_iter().map(|row| of(&mut seen, row)).collect())
}

fn of(seen: &mut HashMap<Uuid, BTreeMap<SourceKind, Timestamp>>, row: asset::Model) -> AssetWatch {
    let by_kind = seen.remove(&row.id).unwrap_or_default();
    AssetWatch {
        asset_id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        kind: row.kind,
        name: row.name,
        criticality: row.criticality,
        exposure: row.exposure,
        seen: by_kind.into_iter().map(|(kind, at)| SeenBy { kind, last_seen: at.into() }).collect(),
    }
}
