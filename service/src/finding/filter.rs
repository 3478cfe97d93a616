//! A filter as a condition on the table.

use domain::FindingFilter;
use entity::{finding, finding_term, source, task_finding};
use sea_orm::{
    ColumnTrait, Condition, ExprTrait,
    sea_query::{Expr, Query, SelectStatement},
};

/// The condition of everything in the filter but its tenants, which are the scope's.
pub(super) fn condition(filter: &FindingFilter) -> Condition {
    use finding::Column as C;
    let mut all = Condition::all();
    if !filter.severity.is_empty() {
        all = all.add(C::Severity.is_in(filter.severity.iter().copied()));
    }
    if !filter.status.is_empty() {
        all = all.add(C::Status.is_in(filter.status.iter().copied()));
    }
    if !filter.kind.is_empty() {
        all = all.add(C::Kind.is_in(filter.kind.iter().copied()));
    }
    if !filter.tlp.is_empty() {
        all = all.add(C::Tlp.is_in(filter.tlp.iter().copied()));
    }
    if !filter.source.is_empty() {
        all = all.add(Expr::exists(source_named(&filter.source)));
    }
    if let Some(task) = filter.task {
        all = all.add(Expr::exists(of_task(task)));
    }
    if let Some(cve) = &filter.cve {
        all = all.add(Expr::exists(with_term("cve", &cve.to_ascii_uppercase())));
    }
    if let Some(tag) = &filter.tag {
        all = all.add(Expr::exists(with_term("tag", &tag.to_lowercase())));
    }
    all.add_option(filter.asset.map(|asset| C::AssetId.eq(asset.0)))
        .add_option(filter.rule_key.as_ref().map(|key| C::RuleKey.eq(key)))
        .add_option(filter.assignee.as_ref().map(|assignee| C::Assignee.eq(assignee)))
        .add_option(filter.first_seen_from.map(|time| C::FirstSeen.gte(time.0)))
        .add_option(filter.first_seen_to.map(|time| C::FirstSeen.lt(time.0)))
        .add_option(filter.updated_from.map(|time| C::UpdatedAt.gte(time.0)))
        .add_option(filter.updated_to.map(|time| C::UpdatedAt.lt(time.0)))
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

fn source_named(names: &[String]) -> SelectStatement {
    use source::Column as C;
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(source::Entity)
        .and_where(Expr::col((source::Entity, C::TenantId)).equals((finding::Entity, finding::Column::TenantId)))
        .and_where(Expr::col((source::Entity, C::Id)).equals((finding::Entity, finding::Column::SourceId)))
        .and_where(C::Name.is_in(names));
    select
}
