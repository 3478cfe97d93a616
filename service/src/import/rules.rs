//! The fingerprint rules in force, by the names of their sources.

use crate::{Result, tenancy::Scope};
use domain::identity::FingerprintRule;
use entity::{fingerprint_rule, source};
use sea_orm::ColumnTrait;
use std::collections::HashMap;

/// Few of a tenant's sources have a rule of their own; the others follow the importer.
#[derive(Default)]
pub(super) struct Rules {
    of_sources: HashMap<String, (FingerprintRule, i64)>,
    of_importers: FingerprintRule,
}

impl Rules {
    /// Those of the tenant, in one statement where there are none.
    pub(super) async fn load(scope: &Scope<'_>) -> Result<Self> {
        let in_force = fingerprint_rule::Column::InForce.is_not_null();
        let rows = scope.find::<fingerprint_rule::Entity>().filter(in_force).all().await?;
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let of_rows = source::Column::Id.is_in(rows.iter().map(|row| row.source_id));
        let sources = scope.find::<source::Entity>().filter(of_rows).all().await?;
        let names: HashMap<_, _> = sources.into_iter().map(|source| (source.id, source.name)).collect();
        let named = |row: fingerprint_rule::Model| {
            Some((names.get(&row.source_id)?.clone(), (row.in_force?.0, row.in_force_version)))
        };
        Ok(Self { of_sources: rows.into_iter().filter_map(named).collect(), ..Self::default() })
    }

    /// The rule of the source, and its version; 0 is the importer's own choice.
    pub(super) fn of(&self, source: &str) -> (&FingerprintRule, i64) {
        self.of_sources.get(source).map_or((&self.of_importers, 0), |(rule, version)| (rule, *version))
    }
}
