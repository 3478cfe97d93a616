//! Whose identifiers are whose: what matching needs to know of the assets that a batch may mean.

use crate::{Result, tenancy::Scope};
use domain::{
    Identifier,
    asset_matching::{Candidate, choose},
};
use entity::asset_identifier;
use sea_orm::{ColumnTrait, Condition};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Most values asked for in one statement; a batch can name more than a store takes at once.
pub(crate) const AT_ONCE: usize = 10_000;

/// Assets that share an identifier with what was asked for, with all of their identifiers.
#[derive(Default)]
pub(crate) struct Book {
    identifiers: BTreeMap<Uuid, BTreeSet<Identifier>>,
    owner: HashMap<Identifier, Uuid>,
}

/// What became of an identifier that an asset was to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// It has it now.
    New,
    /// It had it.
    Held,
    /// It stays with the asset that had it first.
    Taken(Uuid),
    /// It has as many as an asset may have.
    Full,
}

impl Book {
    /// Looks up who has the wanted identifiers, in a few statements whatever their number. What is known stays as it is.
    pub(crate) async fn load(
        &mut self,
        scope: &Scope<'_>,
        wanted: impl Iterator<Item = &Identifier>,
    ) -> Result<Vec<Uuid>> {
        let wanted: BTreeSet<&Identifier> = wanted.filter(|one| !self.owner.contains_key(*one)).collect();
        let mut owners = BTreeSet::new();
        // Kind by kind, as their key begins: asked for several kinds at once, SQLite walks all of the tenant's.
        let wanted: Vec<_> = wanted.into_iter().collect();
        for some in wanted.chunk_by(|a, b| a.kind == b.kind).flat_map(|of_kind| of_kind.chunks(AT_ONCE)) {
            let shared = scope.find::<asset_identifier::Entity>().filter(any_of(some)).all().await?;
            owners.extend(shared.iter().map(|row| row.asset_id).filter(|id| !self.identifiers.contains_key(id)));
        }
        let owners: Vec<Uuid> = owners.into_iter().collect();
        for some in owners.chunks(AT_ONCE) {
            let of_owners = asset_identifier::Column::AssetId.is_in(some.iter().copied());
            for row in scope.find::<asset_identifier::Entity>().filter(of_owners).all().await? {
                self.own(row.asset_id, Identifier { kind: row.kind, value: row.value });
            }
        }
        Ok(owners)
    }

    fn own(&mut self, asset: Uuid, identifier: Identifier) {
        self.owner.insert(identifier.clone(), asset);
        self.identifiers.entry(asset).or_default().insert(identifier);
    }

    /// The asset that these identifiers mean, if it is known.
    pub(crate) fn find(&self, identifiers: &[Identifier]) -> Option<Uuid> {
        let owners: BTreeSet<Uuid> = identifiers.iter().filter_map(|one| self.owner.get(one)).copied().collect();
        let candidate = |id| Candidate { id, identifiers: self.identifiers.get(&id).cloned().unwrap_or_default() };
        let candidates: Vec<Candidate<Uuid>> = owners.into_iter().map(candidate).collect();
        choose(identifiers, &candidates)
    }

    /// Gives an asset an identifier, unless another one has it.
    pub(crate) fn give(&mut self, asset: Uuid, identifier: &Identifier) -> Given {
        match self.owner.get(identifier) {
            Some(owner) if *owner == asset => return Given::Held,
            Some(owner) => return Given::Taken(*owner),
            None => {}
        }
        if self.identifiers.get(&asset).map_or(0, BTreeSet::len) >= Identifier::MAX_OF_ASSET {
            return Given::Full;
        }
        self.own(asset, identifier.clone());
        Given::New
    }
}

/// Any of the identifiers, which are all of one kind.
fn any_of(identifiers: &[&Identifier]) -> Condition {
    use asset_identifier::Column as C;
    let kind = identifiers.first().map(|identifier| C::Kind.eq(identifier.kind));
    let values = C::Value.is_in(identifiers.iter().map(|identifier| identifier.value.as_str()));
    Condition::all().add_option(kind).add(values)
}
