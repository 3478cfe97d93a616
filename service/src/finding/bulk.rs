//! One command over many findings. Each is judged by the rules of its own command, and all are written at once, tenant
//! by tenant. A dry run does everything but commit.

use super::{
    filter, patch,
    transition::{DECIDING, Judge},
    write::{self, Edit},
};
use crate::{
    Error, Result,
    tenancy::{Caller, Command},
};
use domain::{
    Code, FindingFilter, FindingId, Permission, Timestamp, Violation,
    finding_bulk::{
        Action, Bulk, BulkOutcome, BulkReport, BulkResult, BulkWish, FindingVersion, MAX_ITEMS, Selection, check_count,
    },
};
use entity::finding;
use sea_orm::{
    ColumnTrait, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Moves or changes up to 1,000 findings. What a rule refuses is an outcome of its own and stops no other. Findings of
/// several municipalities are changed one municipality after the other.
///
/// # Errors
/// `invalid_body`, `forbidden`, `unknown_tenant`, `count_mismatch`, `too_many`.
pub async fn bulk(caller: &Caller, wish: BulkWish) -> Result<BulkReport> {
    let bulk = wish.parse()?;
    let items = match &bulk.selection {
        Selection::Items(items) => items.clone(),
        Selection::Filter(filter) => matching(caller, filter, &bulk).await?,
    };
    check_count(items.len() as i64, bulk.expected_count)?;
    let mut outcomes = HashMap::new();
    for (tenant, items) in by_tenant(caller, &bulk, &items).await? {
        let of_tenant = match in_tenant(caller, tenant, &items, &bulk).await {
            Ok(of_tenant) => of_tenant,
            // What another municipality has committed is not taken back, and its outcomes are not lost.
            Err(error) if !outcomes.is_empty() => {
                let error = told(tenant, error);
                items.iter().map(|item| refused(item.id, &error)).collect()
            }
            Err(error) => return Err(error),
        };
        outcomes.extend(of_tenant.into_iter().map(|outcome| (outcome.id, outcome)));
    }
    let missing = |id| refused(id, &domain::Error::not_found());
    let items: Vec<_> =
        items.iter().map(|item| outcomes.remove(&item.id).unwrap_or_else(|| missing(item.id))).collect();
    // As the audit would hear of each refusal of a command of its own.
    for code in
        items.iter().filter_map(|item| Code::ALL.iter().find(|code| item.code.as_deref() == Some(code.as_str())))
    {
        caller.refused("finding.bulk", *code);
    }
    Ok(BulkReport::of(bulk.dry_run, items))
}

/// What is told of a municipality that failed where others did not.
fn told(tenant: Uuid, error: Error) -> domain::Error {
    if let Error::Refused(error) = error {
        return error;
    }
    tracing::error!(%tenant, %error, "a bulk command failed in one of several municipalities");
    domain::Error::new(Code::Unavailable, Code::Unavailable.title())
}

const fn permissions(bulk: &Bulk) -> &'static [Permission] {
    match bulk.action {
        Action::Transition(_) => DECIDING,
        Action::Patch(_) => &[Permission::WriteFindings],
    }
}

#[derive(sea_orm::FromQueryResult)]
struct Place {
    id: Uuid,
    tenant_id: Uuid,
    seq: i64,
}

#[derive(sea_orm::FromQueryResult)]
struct Count {
    count: i64,
}

/// What the filter holds, of the findings that the caller may read and change.
async fn matching(caller: &Caller, filter: &FindingFilter, bulk: &Bulk) -> Result<Vec<FindingVersion>> {
    use finding::{Column as C, Entity as E};
    filter.check()?;
    if filter.as_of.is_some() {
        return Err(domain::Error::invalid(vec![Violation::new("/filter/as_of", "the past does not change")]).into());
    }
    let read = caller.begin_any_in(permissions(bulk), &filter.tenant).await?;
    let scope = read.narrow(Permission::ReadFindings);
    if scope.tenants().is_empty() {
        return Err(Error::refused(Code::Forbidden, "a filter needs `findings:read` as well"));
    }
    let condition = filter::condition::<E>(&scope, filter)?;
    let find = || scope.find::<E>().filter(condition.clone());
    let columns = [C::Id, C::TenantId, C::Seq];
    let first = |select: sea_orm::Select<E>| {
        select.select_only().columns(columns).order_by_asc(C::Id).limit(MAX_ITEMS as u64 + 1)
    };
    let places: Vec<Place> = find().with(first).rows().await?;
    if places.len() > MAX_ITEMS {
        let all = Expr::col((E, C::Id)).count();
        let counts: Vec<Count> = find().with(|select| select.select_only().expr_as(all, "count")).rows().await?;
        check_count(counts.first().map_or(0, |all| all.count), None)?;
    }
    Ok(places.into_iter().map(|place| FindingVersion { id: place.id.into(), seq: Some(place.seq) }).collect())
}

/// The findings by their municipality, of those where the caller holds a right to change any.
async fn by_tenant(
    caller: &Caller,
    bulk: &Bulk,
    items: &[FindingVersion],
) -> Result<BTreeMap<Uuid, Vec<FindingVersion>>> {
    use finding::{Column as C, Entity as E};
    let read = caller.begin_any_in(permissions(bulk), &[]).await?;
    let find = read.scope().find::<E>().filter(C::Id.is_in(items.iter().map(|item| item.id.0)));
    let columns = [C::Id, C::TenantId, C::Seq];
    let places: Vec<Place> = find.with(|select| select.select_only().columns(columns)).rows().await?;
    let tenants: HashMap<Uuid, Uuid> = places.into_iter().map(|place| (place.id, place.tenant_id)).collect();
    let mut sorted: BTreeMap<Uuid, Vec<FindingVersion>> = BTreeMap::new();
    for item in items {
        if let Some(tenant) = tenants.get(&item.id.0) {
            sorted.entry(*tenant).or_default().push(*item);
        }
    }
    Ok(sorted)
}

async fn in_tenant(caller: &Caller, tenant: Uuid, items: &[FindingVersion], bulk: &Bulk) -> Result<Vec<BulkOutcome>> {
    let mut command = caller.begin_write_any(permissions(bulk)).await?.command(tenant).await?;
    let of_items = finding::Column::Id.is_in(items.iter().map(|item| item.id.0));
    let rows = command.scope().find::<finding::Entity>().filter(of_items).all().await?;
    let rules = Rules::of(&command, caller, bulk, &rows).await?;
    let rows: HashMap<Uuid, finding::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    let (mut outcomes, mut edits) = (Vec::with_capacity(items.len()), Vec::new());
    for item in items {
        let before = rows.get(&item.id.0);
        match before.ok_or_else(Error::not_found).and_then(|before| rules.judge(before, item.seq)) {
            Ok(after) if Some(&after) == before => outcomes.push(outcome(item.id, BulkResult::Unchanged, after.seq)),
            Ok(after) => edits.extend(before.map(|before| Edit::of(before.clone(), after))),
            Err(Error::Refused(error)) => outcomes.push(refused(item.id, &error)),
            Err(error) => return Err(error),
        }
    }
    let saved = write::save(&mut command, edits).await?;
    let is_changed = saved.iter().any(|saved| saved.is_numbered);
    outcomes.extend(saved.into_iter().map(|saved| {
        let result = if saved.is_numbered { BulkResult::Done } else { BulkResult::Unchanged };
        outcome(saved.row.id.into(), result, saved.row.seq)
    }));
    if bulk.dry_run {
        outcomes.iter_mut().for_each(|outcome| outcome.seq = None);
    } else if is_changed {
        let counts = BulkReport::of(false, outcomes.clone());
        let detail = serde_json::json!({"done": counts.done, "unchanged": counts.unchanged, "refused": counts.refused});
        command.commit_detailed(rules.action(), None, &detail).await?;
    }
    Ok(outcomes)
}

/// The rules of the command that each finding would have of its own.
enum Rules<'b> {
    Transition(Box<Judge>, &'b domain::Transition),
    Patch(&'b Caller, &'b domain::finding::FindingPatch, Timestamp),
}

impl<'b> Rules<'b> {
    async fn of(command: &Command, caller: &'b Caller, bulk: &'b Bulk, rows: &[finding::Model]) -> Result<Self> {
        Ok(match &bulk.action {
            Action::Transition(wish) => Self::Transition(Box::new(Judge::of(command, caller, wish, rows).await?), wish),
            Action::Patch(patch) => Self::Patch(caller, patch, command.recorded_at()),
        })
    }

    fn judge(&self, before: &finding::Model, seq: Option<i64>) -> Result<finding::Model> {
        if seq.is_some_and(|seq| seq != before.seq) {
            return Err(Error::refused(Code::Stale, Code::Stale.title()));
        }
        match self {
            Self::Transition(judge, wish) => judge.moved(before, wish),
            Self::Patch(caller, patch, now) => patch::changed(caller, before, patch, *now),
        }
    }

    const fn action(&self) -> &'static str {
        match self {
            Self::Transition(..) => "finding.bulk_transition",
            Self::Patch(..) => "finding.bulk_patch",
        }
    }
}

fn outcome(id: FindingId, outcome: BulkResult, seq: i64) -> BulkOutcome {
    BulkOutcome { id, outcome, seq: Some(seq), code: None, detail: None }
}

fn refused(id: FindingId, error: &domain::Error) -> BulkOutcome {
    let code = Some(error.code.as_str().to_owned());
    BulkOutcome { id, outcome: BulkResult::Refused, seq: None, code, detail: Some(error.detail.clone()) }
}
