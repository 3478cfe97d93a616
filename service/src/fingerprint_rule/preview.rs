//! What a rule would make of the stored findings of a source. Changes nothing.

use super::{keys, source_of};
use crate::{
    Result,
    finding::fingerprint::number,
    tenancy::{Caller, Scope},
};
use domain::{
    Permission, SourceId,
    identity::{FingerprintRule, MergedGroup, RulePreview},
};
use entity::finding;
use sea_orm::{ColumnTrait, QueryOrder, QuerySelect};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// Findings read at once.
const AT_ONCE: u64 = 1_000;
/// Groups shown, and findings named of each beside the oldest.
const EXAMPLES: usize = 20;
const OTHERS: usize = 10;

/// What has been looked at so far.
#[derive(Default)]
struct Look {
    shown: RulePreview,
    groups: HashMap<u128, Group>,
    /// The names of findings that were merged, or that others were merged into.
    names: HashMap<Uuid, u128>,
}

struct Group {
    count: i64,
    oldest: Uuid,
    others: Vec<Uuid>,
}

/// Says how many findings a source would have under a rule, and which would become one.
///
/// Findings marked TLP:RED are left out for a caller without `evidence:read`: which of them are the same would tell
/// where they are.
///
/// # Errors
/// `forbidden`, `not_found`, `invalid_body`.
pub async fn preview(caller: &Caller, id: SourceId, rule: FingerprintRule) -> Result<RulePreview> {
    let rule = rule.normalise()?;
    let read = caller.begin(Permission::ReadFindings).await?;
    let scope = read.scope();
    let source = source_of(&scope, id).await?;
    let may = scope.may(Permission::ReadEvidence, source.tenant_id);
    let merged = keys::merged(&scope, id.0, None).await?;
    let involved: HashSet<Uuid> = merged.iter().flat_map(|(one, into)| [*one, *into]).collect();
    let mut look = Look::default();
    let mut after = None;
    loop {
        let rows = page(&scope, id.0, after).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.id);
        for row in rows {
            look.at(&row, &rule, &merged, &involved, may);
        }
    }
    let titles = titles(&scope, &look).await?;
    Ok(look.told(&merged, &titles))
}

async fn page(scope: &Scope<'_>, source: Uuid, after: Option<Uuid>) -> Result<Vec<finding::Model>> {
    use finding::Column as C;
    let mut find = scope.find::<finding::Entity>().filter(C::SourceId.eq(source));
    if let Some(after) = after {
        find = find.filter(C::Id.gt(after));
    }
    find.with(|select| select.order_by_asc(C::Id).limit(AT_ONCE)).all().await
}

impl Look {
    fn at(
        &mut self,
        row: &finding::Model,
        rule: &FingerprintRule,
        merged: &HashMap<Uuid, Uuid>,
        involved: &HashSet<Uuid>,
        may: bool,
    ) {
        if row.tlp.is_restricted() && !may {
            self.shown.withheld += 1;
            return;
        }
        let name = keys::of(rule, row).map(|key| number(&key.fingerprint));
        if let Some(name) = name.filter(|_| involved.contains(&row.id)) {
            self.names.insert(row.id, name);
        }
        if merged.contains_key(&row.id) {
            return;
        }
        self.shown.findings += 1;
        let Some(name) = name else {
            self.shown.not_computable += 1;
            return;
        };
        let new = || Group { count: 0, oldest: row.id, others: Vec::new() };
        let group = self.groups.entry(name).or_insert_with(new);
        group.count += 1;
        if group.count > 1 && group.others.len() < OTHERS {
            group.others.push(row.id);
        }
    }

    /// Those that would become one, the oldest first.
    fn merging(&self) -> Vec<&Group> {
        let mut merging: Vec<&Group> = self.groups.values().filter(|group| group.count > 1).collect();
        merging.sort_unstable_by_key(|group| group.oldest);
        merging
    }

    fn told(self, merged: &HashMap<Uuid, Uuid>, titles: &BTreeMap<Uuid, String>) -> RulePreview {
        let merging = self.merging();
        let example = |group: &&Group| MergedGroup {
            count: group.count,
            survivor: group.oldest.into(),
            others: group.others.iter().copied().map(Into::into).collect(),
            title: titles.get(&group.oldest).cloned().unwrap_or_default(),
        };
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let names = |id: &Uuid| self.names.get(id);
        let apart = merged.iter().filter(|(one, into)| names(one).zip(names(into)).is_some_and(|(a, b)| a != b));
        let mut shown = RulePreview {
            would_be: count(self.groups.len()) + self.shown.not_computable,
            merged_groups: count(merging.len()),
            merged: merging.iter().map(|group| group.count - 1).sum(),
            examples: merging.iter().take(EXAMPLES).map(example).collect(),
            stay_merged: count(apart.count()),
            ..self.shown.clone()
        };
        shown.note = shown.in_words();
        shown
    }
}

/// The titles of the findings that survive in the examples.
async fn titles(scope: &Scope<'_>, look: &Look) -> Result<BTreeMap<Uuid, String>> {
    let ids = look.merging().into_iter().take(EXAMPLES).map(|group| group.oldest).collect::<Vec<_>>();
    let rows = scope.find::<finding::Entity>().filter(finding::Column::Id.is_in(ids)).all().await?;
    Ok(rows.into_iter().map(|row| (row.id, row.title)).collect())
}
