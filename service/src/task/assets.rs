//! The assets of tasks, as their tickets name them: those with open findings, each with what else it is known by, since
//! trackers look for it in an inventory of their own.

use super::write::AT_ONCE;
use crate::{Result, tenancy::Scope};
use domain::{Tlp, ticket::text::MAX_ASSETS};
use entity::{asset, asset_identifier, finding, task_finding};
use sea_orm::{
    ColumnTrait, JoinType, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Most identifiers of an asset beside its name.
const MAX_IDENTIFIERS: u64 = 5;

/// The assets of a task.
#[derive(Default)]
pub(super) struct Assets {
    /// The first ones, as people read them.
    pub(super) labels: Vec<String>,
    /// How many there are.
    pub(super) count: i64,
}

/// One of the first assets of a task: those with open findings, or, of a task without any, all.
#[derive(sea_orm::FromQueryResult)]
struct First {
    task_id: Uuid,
    asset_id: Uuid,
    is_closed: i32,
    assets: i64,
}

pub(super) async fn of_tasks(scope: &Scope<'_>, tasks: &[Uuid]) -> Result<HashMap<Uuid, Assets>> {
    let rows = first(scope, tasks).await?;
    let ids: BTreeSet<Uuid> = rows.iter().map(|row| row.asset_id).collect();
    let labels = labels(scope, &ids.into_iter().collect::<Vec<_>>()).await?;
    let has_open: BTreeSet<Uuid> = rows.iter().filter(|row| row.is_closed == 0).map(|row| row.task_id).collect();
    let mut found: HashMap<Uuid, Assets> = HashMap::new();
    for row in rows.into_iter().filter(|row| row.is_closed == 0 || !has_open.contains(&row.task_id)) {
        let assets = found.entry(row.task_id).or_default();
        assets.count = row.assets;
        assets.labels.extend(labels.get(&row.asset_id).cloned());
    }
    Ok(found)
}

async fn first(scope: &Scope<'_>, tasks: &[Uuid]) -> Result<Vec<First>> {
    use task_finding::{Column as C, Entity as E};
    const IS_CLOSED: &str = r#"MIN(CASE WHEN "finding"."status" IN ('new', 'confirmed', 'in_progress', 'fix_claimed')
        THEN 0 ELSE 1 END)"#;
    let of_task = r#"PARTITION BY "task_finding"."task_id""#;
    let place = format!(r#"ROW_NUMBER() OVER ({of_task} ORDER BY {IS_CLOSED}, "finding"."asset_id")"#);
    let count = format!("COUNT(*) OVER ({of_task}, {IS_CLOSED})");
    let of_finding = |column| Expr::col((finding::Entity, column));
    // Who may see the asset of a finding marked TLP:RED is not for a tracker to decide.
    let may_name = finding::Column::Tlp.ne(Tlp::Red).and(finding::Column::AssetId.is_not_null());
    let find = scope.find::<E>().filter(C::TaskId.is_in(tasks.iter().copied())).filter(may_name);
    let grouped = find.with(|select| {
        let mut select = select
            .select_only()
            .column(C::TaskId)
            .expr_as(of_finding(finding::Column::AssetId), "asset_id")
            .expr_as(Expr::cust(IS_CLOSED), "is_closed")
            .expr_as(Expr::cust(place), "place")
            .expr_as(Expr::cust(count), "assets")
            .group_by(C::TaskId)
            .group_by(of_finding(finding::Column::AssetId));
        let of_link = of_finding(finding::Column::TenantId)
            .equals((E, C::TenantId))
            .and(of_finding(finding::Column::Id).equals((E, C::FindingId)));
        QueryTrait::query(&mut select).join(JoinType::InnerJoin, finding::Entity, of_link);
        select
    });
    grouped.placed(MAX_ASSETS as u64).await
}

#[derive(sea_orm::FromQueryResult)]
struct Named {
    id: Uuid,
    name: String,
}

/// Assets as people read them: `löner.norrvik.example (192.0.2.7, 00:00:5e:00:53:01)`.
async fn labels(scope: &Scope<'_>, assets: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    use asset_identifier::Column as I;
    let mut labels = HashMap::with_capacity(assets.len());
    for some in assets.chunks(AT_ONCE) {
        let find = scope.find::<asset::Entity>().filter(asset::Column::Id.is_in(some.iter().copied()));
        let columns = [asset::Column::Id, asset::Column::Name];
        let names = find.with(|select| select.select_only().columns(columns)).rows::<Named>().await?;
        let find = scope.find::<asset_identifier::Entity>().filter(I::AssetId.is_in(some.iter().copied()));
        let first = find.first_of_each(&[I::AssetId], "kind, value", MAX_IDENTIFIERS + 1, &[I::Kind, I::Value]);
        let mut others: HashMap<Uuid, Vec<(String, String)>> = HashMap::new();
        for row in first.all().await? {
            others.entry(row.asset_id).or_default().push((domain::text::word(&row.kind), row.value));
        }
        labels.extend(names.into_iter().map(|Named { id, name }| {
            let mut others = others.remove(&id).unwrap_or_default();
            others.sort_unstable();
            let others = others.into_iter().map(|(_, value)| value).filter(|value| *value != name);
            let others = others.take(MAX_IDENTIFIERS as usize).collect::<Vec<_>>().join(", ");
            (id, if others.is_empty() { name } else { format!("{name} ({others})") })
        }));
    }
    Ok(labels)
}
