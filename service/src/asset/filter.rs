//! A filter as a condition on the table.

use domain::{
    BusinessServiceId, Provenance, Severity,
    asset::{AssetFilter, AssetQueue},
};
use entity::{asset, asset_identifier, business_service_asset};
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, Func, LikeExpr, Query, SelectStatement},
};

/// The condition of everything in the filter but its tenants, which are the scope's.
pub(super) fn condition(filter: &AssetFilter) -> Condition {
    use asset::Column as C;
    let mut all = Condition::all();
    if !filter.kind.is_empty() {
        all = all.add(C::Kind.is_in(filter.kind.iter().copied()));
    }
    if !filter.provenance.is_empty() {
        all = all.add(C::Provenance.is_in(filter.provenance.iter().copied()));
    }
    if !filter.criticality.is_empty() {
        all = all.add(C::Criticality.is_in(filter.criticality.iter().copied()));
    }
    if !filter.exposure.is_empty() {
        all = all.add(C::Exposure.is_in(filter.exposure.iter().copied()));
    }
    let reviewed = filter.reviewed.map(|yes| if yes { Provenance::Inventoried } else { Provenance::Discovered });
    all.add_option(filter.owner_unit.as_ref().map(|unit| C::OwnerUnit.eq(unit)))
        .add_option(filter.identifier.as_ref().map(|value| Expr::exists(with_identifier(C::Id, value))))
        .add_option(filter.q.as_ref().map(|text| found_by(text)))
        .add_option(filter.service.map(|service| Expr::exists(needed_by(service))))
        .add_option(filter.worst_severity.map(at_least))
        .add_option(filter.has_open.map(|yes| if yes { open(Severity::Informational) } else { nothing_open() }))
        .add_option(reviewed.map(|provenance| C::Provenance.eq(provenance)))
        .add_option(filter.retired.map(|yes| if yes { C::RetiredAt.is_not_null() } else { C::RetiredAt.is_null() }))
        .add(if filter.merged == Some(true) { C::MergedInto.is_not_null() } else { C::MergedInto.is_null() })
        .add_option(filter.queue.map(queue))
}

fn queue(queue: AssetQueue) -> Condition {
    use asset::Column as C;
    match queue {
        AssetQueue::Unknown => {
            Condition::all().add(C::Provenance.eq(Provenance::Discovered)).add(C::RetiredAt.is_null())
        }
    }
}

/// The counts of a severity and of all that are worse.
fn counts(from: Severity) -> impl Iterator<Item = asset::Column> {
    use asset::Column as C;
    let all = [
        (Severity::Informational, C::OpenInformational),
        (Severity::Low, C::OpenLow),
        (Severity::Medium, C::OpenMedium),
        (Severity::High, C::OpenHigh),
        (Severity::Critical, C::OpenCritical),
    ];
    all.into_iter().filter(move |(severity, _)| *severity >= from).map(|(_, column)| column)
}

fn at_least(severity: Severity) -> Condition {
    open(severity)
}

fn open(from: Severity) -> Condition {
    counts(from).fold(Condition::any(), |any, column| any.add(column.gt(0)))
}

fn nothing_open() -> Condition {
    counts(Severity::Informational).fold(Condition::all(), |all, column| all.add(column.eq(0)))
}

/// A sub-select joined by both parts of the key, so that it stays within the row's own tenant.
fn with_identifier(id: asset::Column, value: &str) -> SelectStatement {
    use asset_identifier::{Column as C, Entity as E};
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, C::TenantId)).equals((asset::Entity, asset::Column::TenantId)))
        .and_where(Expr::col((E, C::AssetId)).equals((asset::Entity, id)))
        .and_where(C::Value.eq(value));
    select
}

fn needed_by(service: BusinessServiceId) -> SelectStatement {
    use business_service_asset::{Column as C, Entity as E};
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, C::TenantId)).equals((asset::Entity, asset::Column::TenantId)))
        .and_where(Expr::col((E, C::AssetId)).equals((asset::Entity, asset::Column::Id)))
        .and_where(C::ServiceId.eq(service.0));
    select
}

/// The name or an identifier holds the text, whatever its case.
fn found_by(text: &str) -> Condition {
    use asset_identifier::{Column as C, Entity as E};
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    let like = |column: Expr| folded(column).like(LikeExpr::new(pattern.clone()).escape('\\'));
    let mut of_identifiers = Query::select();
    of_identifiers
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, C::TenantId)).equals((asset::Entity, asset::Column::TenantId)))
        .and_where(Expr::col((E, C::AssetId)).equals((asset::Entity, asset::Column::Id)))
        .and_where(like(Expr::col((E, C::Value))));
    Condition::any().add(like(Expr::col((asset::Entity, asset::Column::Name)))).add(Expr::exists(of_identifiers))
}

/// In lower case, the same on both stores: SQLite's `lower` knows ASCII alone, and PostgreSQL's what its locale says.
fn folded(column: Expr) -> Expr {
    let letters = [('Å', 'å'), ('Ä', 'ä'), ('Ö', 'ö'), ('É', 'é'), ('Ü', 'ü')];
    let lower: Expr = Func::lower(column).into();
    letters.into_iter().fold(lower, |text, (upper, lower)| {
        Func::cust("replace").args([text, Expr::val(upper.to_string()), Expr::val(lower.to_string())]).into()
    })
}
