//! A filter as a condition on the table.

use crate::{Result, search, tenancy::Scope};
use domain::{FindingFilter, Timestamp, search::Search};
use entity::{finding, finding_term, finding_version, risk_acceptance_finding, source, task_finding};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, EntityTrait, ExprTrait, Value,
    sea_query::{Expr, LikeExpr, Query, SelectStatement},
};

/// A table with the columns of findings, under the same names: what they are, or what they were.
pub(super) trait FindingTable: EntityTrait {
    /// A column of it.
    fn col(column: finding::Column) -> Expr;

    /// Whether a finding has this value among its CVEs or tags.
    fn has(kind: Term, value: &str) -> Expr;

    /// Whether a finding holds the words of a search.
    fn found(scope: &Scope<'_>, search: &Search) -> Condition;
}

/// What findings have several of.
#[derive(Clone, Copy)]
pub(super) enum Term {
    Cve,
    Tag,
}

impl FindingTable for finding::Entity {
    fn col(column: finding::Column) -> Expr {
        Expr::col((Self, column))
    }

    fn has(kind: Term, value: &str) -> Expr {
        let kind = match kind {
            Term::Cve => "cve",
            Term::Tag => "tag",
        };
        Expr::exists(with_term(kind, value))
    }

    fn found(scope: &Scope<'_>, search: &Search) -> Condition {
        search::findings(scope, search)
    }
}

impl FindingTable for finding_version::Entity {
    fn col(column: finding::Column) -> Expr {
        match column {
            finding::Column::Id => Expr::col((Self, finding_version::Column::FindingId)),
            same => Expr::col((Self, same)),
        }
    }

    fn has(kind: Term, value: &str) -> Expr {
        let column = match kind {
            Term::Cve => finding_version::Column::Cves,
            Term::Tag => finding_version::Column::Tags,
        };
        let list = Expr::col((Self, column)).cast_as("text");
        list.like(LikeExpr::new(format!("%{}%", quoted(value))).escape('!'))
    }

    /// Which words a finding had is not kept; the filter's own check refuses to ask.
    fn found(_: &Scope<'_>, _: &Search) -> Condition {
        Condition::any().add(Expr::val(1).eq(0))
    }
}

/// A value as it stands in a JSON list, for LIKE: what would be a pattern is escaped by `!`.
fn quoted(value: &str) -> String {
    let json = serde_json::Value::from(value).to_string();
    json.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// What was the state at a moment: neither later, nor ended by then.
pub(super) fn at(moment: Timestamp) -> Condition {
    use finding_version::Column as C;
    Condition::all().add(C::FromAt.lte(moment)).add(C::ToAt.is_null().or(C::ToAt.gt(moment)))
}

/// The condition of everything in the filter but its tenants, which are the scope's.
///
/// # Errors
/// `invalid_parameter` for a search that cannot be read.
pub(super) fn condition<T: FindingTable>(scope: &Scope<'_>, filter: &FindingFilter) -> Result<Condition> {
    let searched = filter.search()?.map(|search| T::found(scope, &search));
    Ok(stated::<T>(filter).add_option(searched))
}

/// The conditions on the row itself and on what belongs to it.
fn stated<T: FindingTable>(filter: &FindingFilter) -> Condition {
    use finding::Column as C;
    let mut all = Condition::all();
    if !filter.severity.is_empty() {
        all = all.add(T::col(C::Severity).is_in(stored(&filter.severity)));
    }
    if !filter.priority.is_empty() {
        all = all.add(T::col(C::Priority).is_in(stored(&filter.priority)));
    }
    if !filter.epss_band.is_empty() {
        all = all.add(T::col(C::EpssBand).is_in(stored(&filter.epss_band)));
    }
    if !filter.status.is_empty() {
        all = all.add(T::col(C::Status).is_in(stored(&filter.status)));
    }
    if !filter.kind.is_empty() {
        all = all.add(T::col(C::Kind).is_in(stored(&filter.kind)));
    }
    if !filter.tlp.is_empty() {
        all = all.add(T::col(C::Tlp).is_in(stored(&filter.tlp)));
    }
    if !filter.source.is_empty() {
        all = all.add(Expr::exists(source_named::<T>(&filter.source)));
    }
    if let Some(task) = filter.task {
        all = all.add(Expr::exists(of_task(task)));
    }
    if let Some(cve) = &filter.cve {
        all = all.add(T::has(Term::Cve, &cve.to_ascii_uppercase()));
    }
    if let Some(tag) = &filter.tag {
        all = all.add(T::has(Term::Tag, &tag.to_lowercase()));
    }
    all.add_option(filter.kev.map(|kev| T::col(C::Kev).eq(kev)))
        .add_option(filter.asset.map(|asset| T::col(C::AssetId).eq(asset.0)))
        .add_option(filter.rule_key.as_ref().map(|key| T::col(C::RuleKey).eq(key)))
        .add_option(filter.assignee.as_ref().map(|assignee| T::col(C::Assignee).eq(assignee)))
        .add_option(filter.acceptance.map(|acceptance| Expr::exists(in_acceptance(acceptance))))
        .add_option(filter.overdue.map(|overdue| T::col(C::Overdue).eq(overdue)))
        .add_option(filter.due_from.map(|time| T::col(C::DueAt).gte(time.0)))
        .add_option(filter.due_to.map(|time| T::col(C::DueAt).lt(time.0)))
        .add_option(filter.gone.map(|gone| {
            let at = T::col(C::GoneAt);
            if gone { at.is_not_null() } else { at.is_null() }
        }))
        .add_option(filter.first_seen_from.map(|time| T::col(C::FirstSeen).gte(time.0)))
        .add_option(filter.first_seen_to.map(|time| T::col(C::FirstSeen).lt(time.0)))
        .add_option(filter.updated_from.map(|time| T::col(C::UpdatedAt).gte(time.0)))
        .add_option(filter.updated_to.map(|time| T::col(C::UpdatedAt).lt(time.0)))
}

fn stored<E: ActiveEnum>(values: &[E]) -> Vec<Value>
where
    E::Value: Into<Value>,
{
    values.iter().map(|value| value.to_value().into()).collect()
}

/// A sub-select joined by both parts of the key, so that it stays within the row's own tenant.
fn of_finding(table: impl sea_orm::sea_query::IntoTableRef, tenant: Expr, finding: Expr) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(table)
        .and_where(tenant.equals((finding::Entity, finding::Column::TenantId)))
        .and_where(finding.equals((finding::Entity, finding::Column::Id)));
    select
}

fn with_term(kind: &str, term: &str) -> SelectStatement {
    use finding_term::Column as C;
    let (tenant, finding) =
        (Expr::col((finding_term::Entity, C::TenantId)), Expr::col((finding_term::Entity, C::FindingId)));
    of_finding(finding_term::Entity, tenant, finding).and_where(C::Kind.eq(kind)).and_where(C::Term.eq(term)).to_owned()
}

fn of_task(task: domain::TaskId) -> SelectStatement {
    use task_finding::Column as C;
    let (tenant, finding) =
        (Expr::col((task_finding::Entity, C::TenantId)), Expr::col((task_finding::Entity, C::FindingId)));
    of_finding(task_finding::Entity, tenant, finding).and_where(C::TaskId.eq(task.0)).to_owned()
}

fn in_acceptance(acceptance: domain::AcceptanceId) -> SelectStatement {
    use risk_acceptance_finding::{Column as C, Entity as E};
    let (tenant, finding) = (Expr::col((E, C::TenantId)), Expr::col((E, C::FindingId)));
    of_finding(E, tenant, finding).and_where(C::AcceptanceId.eq(acceptance.0)).to_owned()
}

fn source_named<T: FindingTable>(names: &[String]) -> SelectStatement {
    use source::Column as C;
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(source::Entity)
        .and_where(Expr::col((source::Entity, C::TenantId)).eq(T::col(finding::Column::TenantId)))
        .and_where(Expr::col((source::Entity, C::Id)).eq(T::col(finding::Column::SourceId)))
        .and_where(C::Name.is_in(names));
    select
}
