//! The keys of stored findings under a rule, and which of them were merged.

use crate::{Result, finding::fingerprint, tenancy::Scope};
use domain::identity::FingerprintRule;
use entity::{finding, finding_alias as alias};
use sea_orm::ColumnTrait;
use std::collections::HashMap;
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
