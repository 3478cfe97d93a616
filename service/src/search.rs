//! Full text: the words of findings and of assets' names, written with what they are words of.

use crate::{
    Result,
    tenancy::{Caller, Command, Scope, Service},
};
use domain::{
    Permission, TenantId,
    search::{MAX_NAMES, MAX_WORDS, Search, words},
};
use entity::{Identified, TenantOwned, asset, asset_term, finding, finding_term, search_progress};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ExprTrait, QueryOrder, QuerySelect,
    sea_query::{Expr, Query, SelectStatement, UnionType},
};
use std::time::{Duration, Instant};
use uuid::Uuid;

const WORD: &str = "word";

/// The words of a finding.
pub(crate) fn of_finding(row: &finding::Model) -> Vec<finding_term::ActiveModel> {
    // What identifies it is found whatever an attacker wrote into its title.
    let names = row.cves.0.iter().chain(&row.tags.0).chain([&row.rule_key]).map(String::as_str);
    let mut all = words(names, MAX_NAMES);
    all.extend(words([row.title.as_str()], MAX_WORDS));
    let term = |term| finding_term::ActiveModel {
        tenant_id: Set(row.tenant_id),
        kind: Set(WORD.to_owned()),
        term: Set(term),
        finding_id: Set(row.id),
    };
    all.into_iter().map(term).collect()
}

/// Whether the words of a finding may have changed.
pub(crate) fn differs(before: &finding::Model, after: &finding::Model) -> bool {
    before.title != after.title
        || before.rule_key != after.rule_key
        || before.cves != after.cves
        || before.tags != after.tags
}

/// Writes the words of the names of these assets, which are new or have another name now.
pub(crate) async fn follow_assets(command: &Command, ids: &[Uuid]) -> Result<()> {
    use asset_term::{Column as C, Entity as E};
    for some in ids.chunks(1000) {
        let of_some = asset::Column::Id.is_in(some.iter().copied());
        let rows = command.scope().find::<asset::Entity>().filter(of_some).all().await?;
        command.delete::<E>(C::AssetId.is_in(some.iter().copied())).await?;
        let terms = rows.iter().flat_map(|row| {
            let term = |term| asset_term::ActiveModel {
                tenant_id: Set(row.tenant_id),
                term: Set(term),
                asset_id: Set(row.id),
            };
            words([row.name.as_str()], MAX_WORDS).into_iter().map(term)
        });
        command.insert::<E>(terms.collect()).await?;
    }
    Ok(())
}

/// The findings in which every word that is searched for begins a word of their own, or one of their asset's name where
/// the caller may read assets.
pub(crate) fn findings(scope: &Scope<'_>, search: &Search) -> Condition {
    let found = |(from, to): (&str, String)| {
        let mut ids = with_word(scope.tenants(), from, &to);
        let seen = scope.tenants().iter().copied().filter(|tenant| scope.may(Permission::ReadAssets, *tenant));
        let seen: Vec<Uuid> = seen.collect();
        if !seen.is_empty() {
            ids.union(UnionType::All, on_named_asset(&seen, from, &to));
        }
        column(finding::Entity, finding::Column::TenantId, finding::Column::Id).in_subquery(ids)
    };
    search.ranges().map(found).fold(Condition::all(), Condition::add)
}

fn column<E: sea_orm::EntityTrait>(entity: E, tenant: E::Column, id: E::Column) -> Expr {
    Expr::tuple([Expr::col((entity, tenant)), Expr::col((entity, id))])
}

fn within<C: ColumnTrait>(column: C, tenants: &[Uuid]) -> Expr {
    match tenants {
        [tenant] => column.eq(*tenant),
        many => column.is_in(many.iter().copied()),
    }
}

fn with_word(tenants: &[Uuid], from: &str, to: &str) -> SelectStatement {
    use finding_term::{Column as C, Entity as E};
    Query::select()
        .columns([C::TenantId, C::FindingId])
        .from(E)
        .and_where(within(C::TenantId, tenants))
        .and_where(C::Kind.eq(WORD))
        .and_where(C::Term.gte(from))
        .and_where(C::Term.lt(to))
        .to_owned()
}

fn on_named_asset(tenants: &[Uuid], from: &str, to: &str) -> SelectStatement {
    use asset_term::{Column as C, Entity as E};
    use finding::{Column as F, Entity as Finding};
    Query::select()
        .columns([(Finding, F::TenantId), (Finding, F::Id)])
        .from(E)
        .inner_join(
            Finding,
            Expr::col((Finding, F::TenantId))
                .equals((E, C::TenantId))
                .and(Expr::col((Finding, F::AssetId)).equals((E, C::AssetId))),
        )
        .and_where(within(C::TenantId, tenants))
        .and_where(C::Term.gte(from))
        .and_where(C::Term.lt(to))
        .to_owned()
}

/// How many rows are caught up with in one transaction.
const AT_ONCE: u64 = 100;
/// How long one round may take; the next one goes on where it ended.
const ROUND: Duration = Duration::from_secs(2);

/// Writes the words of what was stored before there was a search; says of how many rows.
///
/// # Errors
/// Store errors.
pub async fn catch_up(service: &Service, tenant: TenantId) -> Result<u64> {
    let caller = Caller::system(service.clone(), tenant, Permission::ReadFindings);
    let read = caller.begin(Permission::ReadFindings).await?;
    let mut waiting = read.scope().find::<search_progress::Entity>().one().await?.is_some();
    drop(read);
    let (mut done, began) = (0, Instant::now());
    while waiting && began.elapsed() < ROUND {
        let command = caller.begin_write(Permission::ReadFindings).await?.command(tenant.0).await?;
        let Some(place) = command.scope().find::<search_progress::Entity>().one().await? else { break };
        let (last, count) = if place.of_assets {
            let rows = next::<asset::Entity>(&command, place.reached).await?;
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            follow_assets(&command, &ids).await?;
            (ids.last().copied(), ids.len())
        } else {
            let rows = next::<finding::Entity>(&command, place.reached).await?;
            follow_findings(&command, &rows).await?;
            (rows.last().map(|row| row.id), rows.len())
        };
        done += count as u64;
        waiting = go_on(&command, &place, last).await?;
        command.commit_step().await?;
        tokio::task::yield_now().await;
    }
    Ok(done)
}

async fn next<E: Identified + TenantOwned>(command: &Command, after: Option<Uuid>) -> Result<Vec<E::Model>> {
    let find = command.scope().find::<E>();
    let find = match after {
        Some(after) => find.filter(E::id().gt(after)),
        None => find,
    };
    find.with(|select| select.order_by_asc(E::id()).limit(AT_ONCE)).all().await
}

async fn follow_findings(command: &Command, rows: &[finding::Model]) -> Result<()> {
    use finding_term::{Column as C, Entity as E};
    let of_rows = C::FindingId.is_in(rows.iter().map(|row| row.id)).and(C::Kind.eq(WORD));
    command.delete::<E>(of_rows).await?;
    command.insert::<E>(rows.iter().flat_map(of_finding).collect()).await
}

/// Notes how far it has come; says whether there is more.
async fn go_on(command: &Command, place: &search_progress::Model, last: Option<Uuid>) -> Result<bool> {
    if last.is_none() && !place.of_assets {
        command.delete::<search_progress::Entity>(Condition::all()).await?;
        return Ok(false);
    }
    let on = search_progress::ActiveModel {
        of_assets: Set(place.of_assets && last.is_some()),
        reached: Set(last),
        ..Default::default()
    };
    command.update_where::<search_progress::Entity>(Condition::all(), on).await?;
    Ok(true)
}
