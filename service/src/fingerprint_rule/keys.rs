//! The keys of stored findings under a rule, and who has a fingerprint already.

use crate::{Result, finding::fingerprint, tenancy::Scope};
use domain::identity::FingerprintRule;
use entity::{finding, finding_alias as alias};
use sea_orm::{ColumnTrait, FromQueryResult, QuerySelect};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a finding is called under a rule.
pub(super) struct Key {
    pub(super) weakness_key: String,
    pub(super) fingerprint: String,
}

/// The key of a finding under a rule; none if a part that counts is not stored.
pub(super) fn of(rule: &FingerprintRule, row: &finding::Model) -> Option<Key> {
    let weakness_key = fingerprint::weakness_key(rule, &fingerprint::told(row))?;
    let fingerprint = fingerprint::of_key(row.asset_id, &weakness_key);
    Some(Key { weakness_key, fingerprint })
}

/// The findings that were merged into others, of those given or of a whole source: by their names.
pub(super) async fn merged(scope: &Scope<'_>, source: Uuid, of: Option<Vec<Uuid>>) -> Result<HashMap<Uuid, Uuid>> {
    let mut find = scope.find::<alias::Entity>().filter(alias::Column::SourceId.eq(source));
    find = match of {
        Some(ids) => find.filter(alias::Column::MergedId.is_in(ids)),
        None => find.filter(alias::Column::MergedId.is_not_null()),
    };
    let rows = find.all().await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.merged_id?, row.finding_id))).collect())
}

#[derive(FromQueryResult)]
struct Named {
    id: Uuid,
    fingerprint: String,
}

/// Who has some fingerprints.
#[derive(Default)]
pub(super) struct Owners {
    /// The findings that reports with them reach.
    pub(super) reached: HashMap<String, Uuid>,
    /// The findings whose own they are: one that was merged keeps its name, which leads to its survivor.
    pub(super) holders: HashMap<String, Uuid>,
    /// Those that are another name of the finding reached.
    pub(super) aliases: HashSet<String>,
}

/// The findings that reports with these fingerprints reach.
pub(super) async fn owners(scope: &Scope<'_>, source: Uuid, keys: &[&str]) -> Result<Owners> {
    use finding::Column as C;
    let find = scope.find::<finding::Entity>().filter(C::SourceId.eq(source));
    let find = find.filter(C::Fingerprint.is_in(keys.iter().copied()));
    let rows = find.with(|select| select.select_only().columns([C::Id, C::Fingerprint])).rows::<Named>().await?;
    let holders: HashMap<String, Uuid> = rows.into_iter().map(|row| (row.fingerprint, row.id)).collect();
    let mut reached = holders.clone();
    let find = scope.find::<alias::Entity>().filter(alias::Column::SourceId.eq(source));
    let aliases = find.filter(alias::Column::Fingerprint.is_in(keys.iter().copied())).all().await?;
    // A name that was given away leads where it was given to.
    let of_aliases = aliases.iter().map(|row| row.fingerprint.clone()).collect();
    reached.extend(aliases.into_iter().map(|row| (row.fingerprint, row.finding_id)));
    Ok(Owners { reached, holders, aliases: of_aliases })
}
