//! Which comments there are for a caller.

use crate::tenancy::Caller;
use domain::{Permission, ResourceType, TenantId, Tlp};
use entity::{comment, finding};
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use uuid::Uuid;

/// The condition of the comments of these tenants that the caller may know of: those on findings with
/// `findings:read` (on one marked TLP:RED also `evidence:read`), those on tasks with `tasks:read`.
pub(super) fn condition(caller: &Caller, tenants: &[Uuid]) -> Condition {
    use comment::Column as C;
    let holding = |permission: Permission| -> Vec<Uuid> {
        tenants.iter().filter(|tenant| caller.may(permission, TenantId(**tenant))).copied().collect()
    };
    let cleared = Condition::any()
        .add(C::TenantId.is_in(holding(Permission::ReadEvidence)))
        .add(Expr::exists(restricted_finding()).not());
    let on_findings = Condition::all()
        .add(C::TenantId.is_in(holding(Permission::ReadFindings)))
        .add(C::FindingId.is_not_null())
        .add(cleared);
    let on_tasks = Condition::all().add(C::TenantId.is_in(holding(Permission::ReadTasks))).add(C::TaskId.is_not_null());
    Condition::any().add(on_findings).add(on_tasks)
}

/// What keeps the events of comments that a caller may not know of out of its feed; nothing if it may know of all.
pub(crate) fn known_in_feed(caller: &Caller, tenant: Uuid) -> Option<Condition> {
    use entity::event::{Column as V, Entity as E};
    let all = [Permission::ReadFindings, Permission::ReadTasks, Permission::ReadEvidence];
    if all.iter().all(|permission| caller.may(*permission, TenantId(tenant))) {
        return None;
    }
    let mut known = Query::select();
    known
        .expr(Expr::val(1))
        .from(comment::Entity)
        .and_where(Expr::col((comment::Entity, comment::Column::TenantId)).equals((E, V::TenantId)))
        .and_where(Expr::col((comment::Entity, comment::Column::Id)).equals((E, V::ResourceId)))
        .cond_where(condition(caller, &[tenant]));
    let other = V::ResourceType.ne(ResourceType::Comment);
    Some(Condition::any().add(other).add(Expr::exists(known)))
}

/// The comment's finding, if it is marked so that parts of it need `evidence:read`.
fn restricted_finding() -> SelectStatement {
    use finding::{Column as F, Entity as E};
    let restricted = <Tlp as sea_orm::Iterable>::iter().filter(|tlp| tlp.is_restricted());
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, F::TenantId)).equals((comment::Entity, comment::Column::TenantId)))
        .and_where(Expr::col((E, F::Id)).equals((comment::Entity, comment::Column::FindingId)))
        .and_where(F::Tlp.is_in(restricted));
    select
}
