//! What others know about CVEs (EPSS, KEV), and which findings it changes.

use super::{Platform, Rows};
use crate::{Result, tenancy::Scope};
use chrono::NaiveDate;
use domain::{EpssBand, Timestamp};
use entity::{cve, cve_feed, finding, finding_term};
use formats::enrich::{epss::Score, kev::Entry};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, FromQueryResult, IntoActiveModel, JoinType, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, OnConflict, Query, SelectStatement},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Most CVEs that are asked for or written in one statement.
pub(crate) const AT_ONCE: usize = 1000;

/// What is known about a CVE, as far as priorities depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// Whether it is known to be exploited.
    pub(crate) kev: bool,
    /// The band of its score.
    pub(crate) band: Option<EpssBand>,
}

/// How a feed was loaded.
pub(crate) struct Load {
    /// The version it states.
    pub(crate) version: String,
    /// When it was published.
    pub(crate) published_at: Timestamp,
    /// What its server said about it, to be asked whether it has changed.
    pub(crate) seen: crate::outbound::Seen,
}

impl Platform {
    /// The rows of both feeds.
    pub(crate) async fn feeds(&self) -> Result<Vec<cve_feed::Model>> {
        Ok(cve_feed::Entity::find().order_by_asc(cve_feed::Column::Id).all(&self.read().await?).await?)
    }

    /// Takes the turn to fetch a feed that is due, and says when it is due again; one replica gets it.
    pub(crate) async fn take_turn(&self, feed: &str, now: Timestamp, next: Timestamp) -> Result<bool> {
        let connection = self.write().await?;
        let row = cve_feed::ActiveModel { next_at: Set(next), ..Default::default() };
        let due = cve_feed::Column::Id.eq(feed).and(cve_feed::Column::NextAt.lte(now));
        let taken = cve_feed::Entity::update_many().set(row).filter(due).exec(&connection).await?.rows_affected == 1;
        connection.commit().await?;
        Ok(taken)
    }

    /// Says when a feed is due again.
    pub(crate) async fn next_turn(&self, feed: &str, next: Timestamp) -> Result<()> {
        let connection = self.write().await?;
        let row = cve_feed::ActiveModel { next_at: Set(next), ..Default::default() };
        cve_feed::Entity::update_many().set(row).filter(cve_feed::Column::Id.eq(feed)).exec(&connection).await?;
        connection.commit().await
    }

    /// Notes that a feed was loaded, which lets every replica look at its findings.
    pub(crate) async fn loaded(&self, feed: &str, load: Load, now: Timestamp) -> Result<()> {
        use cve_feed::Column as C;
        let connection = self.write().await?;
        let row = cve_feed::ActiveModel {
            version: Set(Some(load.version)),
            published_at: Set(Some(load.published_at)),
            loaded_at: Set(Some(now)),
            etag: Set(load.seen.etag),
            last_modified: Set(load.seen.last_modified),
            ..Default::default()
        };
        let update = cve_feed::Entity::update_many().set(row).col_expr(C::Loads, Expr::col(C::Loads).add(1));
        update.filter(C::Id.eq(feed)).exec(&connection).await?;
        connection.commit().await
    }

    /// Stores scores of a day, at most [`AT_ONCE`]; says how many differ from what was known. What does not is not
    /// written, and the rows are looked at before the writer's lock is taken.
    pub(crate) async fn store_scores(&self, scores: &[Score], date: NaiveDate) -> Result<u64> {
        let known = self.known_cves(scores.iter().map(|score| score.cve.as_str())).await?;
        let mut rows = HashMap::new();
        for score in scores {
            let mut row = known.get(&score.cve).cloned().unwrap_or_else(|| blank(&score.cve));
            if (row.epss, row.epss_percentile) != (Some(score.epss), Some(score.percentile)) {
                (row.epss, row.epss_percentile) = (Some(score.epss), Some(score.percentile));
                (row.epss_band, row.epss_date) = (Some(EpssBand::of(score.epss)), Some(date));
                rows.insert(score.cve.clone(), row);
            }
        }
        use cve::Column as C;
        self.upsert(rows.into_values(), &[C::Epss, C::EpssPercentile, C::EpssBand, C::EpssDate]).await
    }

    /// Stores entries of the catalogue, at most [`AT_ONCE`]; says how many differ from what was known.
    pub(crate) async fn store_kev(&self, entries: &[(String, Option<Entry>)]) -> Result<u64> {
        let known = self.known_cves(entries.iter().map(|(id, _)| id.as_str())).await?;
        let mut rows = Vec::new();
        for (id, entry) in entries {
            let row = known.get(id).cloned().unwrap_or_else(|| blank(id));
            let mut after = row.clone();
            after.kev_added = entry.map(|entry| entry.added);
            after.kev_due = entry.and_then(|entry| entry.due);
            after.kev_ransomware = entry.is_some_and(|entry| entry.ransomware);
            if after != row {
                rows.push(after);
            }
        }
        use cve::Column as C;
        self.upsert(rows.into_iter(), &[C::KevAdded, C::KevDue, C::KevRansomware]).await
    }

    /// The CVEs that are known to be exploited.
    pub(crate) async fn exploited(&self) -> Result<Vec<String>> {
        let rows = cve::Entity::find().filter(cve::Column::KevAdded.is_not_null()).all(&self.read().await?).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn known_cves(&self, ids: impl Iterator<Item = &str>) -> Result<HashMap<String, cve::Model>> {
        let rows = cve::Entity::find().filter(cve::Column::Id.is_in(ids)).all(&self.read().await?).await?;
        Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
    }

    /// Writes one feed's columns and leaves those of the other as they are.
    async fn upsert(&self, rows: impl Iterator<Item = cve::Model>, columns: &[cve::Column]) -> Result<u64> {
        let rows: Vec<_> = rows.map(|row| row.into_active_model().reset_all()).collect();
        let changed = rows.len() as u64;
        if changed > 0 {
            let connection = self.write().await?;
            let again = OnConflict::column(cve::Column::Id).update_columns(columns.iter().copied()).to_owned();
            cve::Entity::insert_many(rows).on_conflict(again).exec_without_returning(&connection).await?;
            connection.commit().await?;
        }
        Ok(changed)
    }
}

fn blank(id: &str) -> cve::Model {
    cve::Model {
        id: id.to_owned(),
        epss: None,
        epss_percentile: None,
        epss_band: None,
        epss_date: None,
        kev_added: None,
        kev_due: None,
        kev_ransomware: false,
    }
}

impl Rows<'_> {
    /// What is known about each of the CVEs; those that nobody has spoken of are missing.
    pub(crate) async fn known(&self, ids: &[&str]) -> Result<HashMap<String, Known>> {
        let mut known = HashMap::new();
        for some in ids.chunks(10 * AT_ONCE) {
            let of_ids = cve::Column::Id.is_in(some.iter().copied());
            for row in cve::Entity::find().filter(of_ids).all(self.connection).await? {
                known.insert(row.id, Known { kev: row.kev_added.is_some(), band: row.epss_band });
            }
        }
        Ok(known)
    }
}

#[derive(FromQueryResult)]
struct Scored {
    finding_id: Uuid,
    epss: Option<f64>,
}

/// The highest score among each finding's CVEs, in one statement; those without any are missing.
pub(crate) async fn scores(scope: &Scope<'_>, findings: impl Iterator<Item = Uuid>) -> Result<HashMap<Uuid, f64>> {
    use finding_term::Column as C;
    let find = scope.find::<finding_term::Entity>().filter(C::FindingId.is_in(findings).and(C::Kind.eq("cve")));
    let highest = find.with(|select| {
        let mut select = select.select_only().column(C::FindingId).group_by(C::FindingId);
        let of_term = Expr::col((cve::Entity, cve::Column::Id)).equals((finding_term::Entity, C::Term));
        QuerySelect::query(&mut select).join(JoinType::InnerJoin, cve::Entity, of_term);
        select.expr_as(Expr::col((cve::Entity, cve::Column::Epss)).max(), "epss")
    });
    let rows = highest.rows::<Scored>().await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.finding_id, row.epss?))).collect())
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Findings of the scope's one tenant whose stored KEV or band is not that of their CVEs any more: compared in
/// the store, so that what a daily file does not change is never loaded.
pub(crate) async fn outdated(scope: &Scope<'_>, most: u64) -> Result<Vec<Uuid>> {
    use finding::Column as C;
    let rows = scope.find::<finding::Entity>().with(|select| {
        let mut select = select.select_only().column(C::Id);
        let own = Expr::col(("known", "finding_id")).equals((finding::Entity, C::Id));
        QuerySelect::query(&mut select).join_subquery(JoinType::InnerJoin, of_terms(scope.tenants()), "known", own);
        let or_none = |band: Expr| Expr::expr(sea_orm::sea_query::Func::coalesce([band, Expr::val(-1)]));
        let kev = Expr::case(Expr::col((finding::Entity, C::Kev)), 1).finally(0);
        let is_other = |now: &'static str, stored: Expr| Expr::col(("known", now)).ne(stored);
        let band = or_none(Expr::col((finding::Entity, C::EpssBand)));
        select.filter(is_other("kev", kev.into()).or(or_none(Expr::col(("known", "band"))).ne(band))).limit(most)
    });
    Ok(rows.rows::<Id>().await?.into_iter().map(|row| row.id).collect())
}

/// Findings of the scope's tenant that nothing was ever decided about, since they are older than the rule.
pub(crate) async fn undecided(scope: &Scope<'_>, most: u64) -> Result<Vec<Uuid>> {
    use finding::Column as C;
    let none = C::PriorityReasons.eq(entity::json::StringList::default());
    let find = scope.find::<finding::Entity>().filter(none);
    let rows = find.with(|select| select.select_only().column(C::Id).limit(most)).rows::<Id>().await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// What is known of each finding by its CVEs. One whose CVEs are all unknown has no row, and was never told anything.
fn of_terms(tenants: &[Uuid]) -> SelectStatement {
    use finding_term::Column as C;
    let col = |column: C| (finding_term::Entity, column);
    let is_kev: Expr = Expr::case(Expr::col((cve::Entity, cve::Column::KevAdded)).is_not_null(), 1).finally(0).into();
    Query::select()
        .column(col(C::FindingId))
        .expr_as(Expr::col((cve::Entity, cve::Column::EpssBand)).max(), "band")
        .expr_as(is_kev.max(), "kev")
        .from(finding_term::Entity)
        .inner_join(cve::Entity, Expr::col((cve::Entity, cve::Column::Id)).equals(col(C::Term)))
        .and_where(Expr::col(col(C::TenantId)).is_in(tenants.iter().copied()))
        .and_where(Expr::col(col(C::Kind)).eq("cve"))
        .group_by_col(col(C::FindingId))
        .to_owned()
}
