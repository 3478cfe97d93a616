//! Whose identifiers are whose: what matching needs to know of the assets that a batch may mean.

use crate::{
    Result,
    tenancy::{Command, Scope},
};
use domain::{
    Identifier, IdentifierKind, Timestamp,
    asset_matching::{Candidate, choose},
};
use entity::asset_identifier;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, IntoActiveModel, sea_query::OnConflict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Most values asked for in one statement; a batch can name more than a store takes at once.
pub(crate) const AT_ONCE: usize = 10_000;

/// Assets that share an identifier with what was asked for, with all of their identifiers, and what becomes of those.
#[derive(Default)]
pub(crate) struct Book {
    identifiers: BTreeMap<Uuid, BTreeSet<Identifier>>,
    held: HashMap<Identifier, Held>,
    changes: BTreeMap<Uuid, Changed>,
    /// What has to be written.
    written: BTreeSet<Identifier>,
}

/// Who has an identifier.
#[derive(Clone, Copy)]
struct Held {
    asset: Uuid,
    entered: bool,
    seen_at: Option<Timestamp>,
}

/// What an asset got and lost.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) gained: Vec<Identifier>,
    pub(crate) lost: Vec<Identifier>,
}

/// Who says that an asset has an identifier.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claim {
    /// A person or an inventory: no report hands it over to another asset.
    Entered,
    /// What saw the machine, and when.
    Seen(Timestamp),
    /// A report of which it is only asked what it would mean.
    Supposed,
}

/// What became of an identifier that an asset was to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// It has it now.
    New,
    /// It had it.
    Held,
    /// An address that another asset had, which was seen there before.
    From(Uuid),
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
        let wanted: BTreeSet<&Identifier> = wanted.filter(|one| !self.held.contains_key(*one)).collect();
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
                let held = Held { asset: row.asset_id, entered: row.entered, seen_at: row.seen_at };
                self.own(Identifier { kind: row.kind, value: row.value }, held);
            }
        }
        Ok(owners)
    }

    fn own(&mut self, identifier: Identifier, held: Held) {
        self.identifiers.entry(held.asset).or_default().insert(identifier.clone());
        self.held.insert(identifier, held);
    }

    /// The asset that these identifiers mean, if it is known.
    pub(crate) fn find(&self, identifiers: &[Identifier]) -> Option<Uuid> {
        let owners: BTreeSet<Uuid> = identifiers.iter().filter_map(|one| self.held.get(one)).map(|h| h.asset).collect();
        let candidate = |id| Candidate { id, identifiers: self.identifiers.get(&id).cloned().unwrap_or_default() };
        let candidates: Vec<Candidate<Uuid>> = owners.into_iter().map(candidate).collect();
        choose(identifiers, &candidates)
    }

    /// Gives an asset what a report says of it, names before addresses.
    pub(crate) fn give_all<'i>(
        &mut self,
        asset: Uuid,
        identifiers: &'i [Identifier],
        claim: Claim,
    ) -> Vec<(&'i Identifier, Given)> {
        let (addresses, names): (Vec<_>, Vec<_>) = identifiers.iter().partition(|one| one.kind == IdentifierKind::Ip);
        let mut given: Vec<_> = names.into_iter().map(|one| (one, self.give(asset, one, claim))).collect();
        let is_named = given.iter().any(|(_, given)| matches!(given, Given::New | Given::Held));
        for one in addresses {
            let became = match self.give(asset, one, claim) {
                Given::Taken(_) if is_named && self.is_outdated(one, claim) => self.hand_over(one, asset, claim),
                given => given,
            };
            given.push((one, became));
        }
        given
    }

    /// Gives an asset an identifier, unless another one has it.
    pub(crate) fn give(&mut self, asset: Uuid, identifier: &Identifier, claim: Claim) -> Given {
        let (entered, seen_at) = (matches!(claim, Claim::Entered), claim.seen_at());
        match self.held.get_mut(identifier) {
            Some(held) if held.asset == asset => {
                // When a name was seen last decides nothing.
                let is_later = identifier.kind == IdentifierKind::Ip && seen_at > held.seen_at;
                if is_later || entered && !held.entered {
                    *held = Held { asset, entered: held.entered || entered, seen_at: held.seen_at.max(seen_at) };
                    self.written.insert(identifier.clone());
                }
                return Given::Held;
            }
            Some(held) => return Given::Taken(held.asset),
            None => {}
        }
        if self.is_full(asset) {
            return Given::Full;
        }
        self.own(identifier.clone(), Held { asset, entered, seen_at });
        self.gain(asset, identifier);
        Given::New
    }

    fn is_full(&self, asset: Uuid) -> bool {
        self.identifiers.get(&asset).map_or(0, BTreeSet::len) >= Identifier::MAX_OF_ASSET
    }

    /// Whether the claim saw an address later than its holder was seen with it. What people entered stays, and so does
    /// the last identifier of an asset: no report would reach its findings any more.
    fn is_outdated(&self, identifier: &Identifier, claim: Claim) -> bool {
        let Some(held) = self.held.get(identifier) else { return false };
        let has_others = self.identifiers.get(&held.asset).is_some_and(|own| own.len() > 1);
        !held.entered && has_others && claim.seen_at() > held.seen_at
    }

    fn hand_over(&mut self, identifier: &Identifier, to: Uuid, claim: Claim) -> Given {
        if self.is_full(to) {
            return Given::Full;
        }
        let now = Held { asset: to, entered: false, seen_at: claim.seen_at() };
        self.identifiers.entry(to).or_default().insert(identifier.clone());
        let Some(before) = self.held.insert(identifier.clone(), now) else { return Given::New };
        let from = before.asset;
        if let Some(own) = self.identifiers.get_mut(&from) {
            own.remove(identifier);
        }
        let changed = self.changes.entry(from).or_default();
        match changed.gained.iter().position(|one| one == identifier) {
            Some(at) => drop(changed.gained.remove(at)),
            None => changed.lost.push(identifier.clone()),
        }
        self.gain(to, identifier);
        Given::From(from)
    }

    fn gain(&mut self, asset: Uuid, identifier: &Identifier) {
        let changed = self.changes.entry(asset).or_default();
        match changed.lost.iter().position(|one| one == identifier) {
            Some(at) => drop(changed.lost.remove(at)),
            None => changed.gained.push(identifier.clone()),
        }
        self.written.insert(identifier.clone());
    }

    /// What the asset got and lost, once.
    pub(crate) fn take_changes(&mut self, asset: Uuid) -> Changed {
        self.changes.remove(&asset).unwrap_or_default()
    }

    /// The assets that got or lost something.
    pub(crate) fn changed(&self) -> impl Iterator<Item = Uuid> {
        let is_change = |(_, changed): &(&Uuid, &Changed)| !changed.gained.is_empty() || !changed.lost.is_empty();
        self.changes.iter().filter(is_change).map(|(id, _)| *id)
    }

    /// Forgets what would have to be written.
    pub(crate) fn write_nothing(&mut self) {
        self.written = BTreeSet::new();
        self.changes = BTreeMap::new();
    }

    /// Writes who has which identifier by now, in a few statements.
    pub(crate) async fn save(&mut self, command: &Command) -> Result<()> {
        use asset_identifier::Column as C;
        let row = |identifier: Identifier| {
            let held = self.held.get(&identifier)?;
            let Identifier { kind, value } = identifier;
            let (tenant_id, asset_id) = (command.tenant(), held.asset);
            let (entered, seen_at) = (held.entered, held.seen_at);
            let row = asset_identifier::Model { tenant_id, kind, value, asset_id, entered, seen_at };
            Some(row.into_active_model().reset_all())
        };
        let rows = std::mem::take(&mut self.written).into_iter().filter_map(row).collect();
        let again = OnConflict::columns([C::TenantId, C::Kind, C::Value])
            .update_columns([C::AssetId, C::Entered, C::SeenAt])
            .to_owned();
        command.upsert::<asset_identifier::Entity>(rows, again).await
    }
}

impl Claim {
    const fn seen_at(self) -> Option<Timestamp> {
        match self {
            Self::Seen(at) => Some(at),
            Self::Entered | Self::Supposed => None,
        }
    }
}

/// Any of the identifiers, which are all of one kind.
fn any_of(identifiers: &[&Identifier]) -> Condition {
    use asset_identifier::Column as C;
    let kind = identifiers.first().map(|identifier| C::Kind.eq(identifier.kind));
    let values = C::Value.is_in(identifiers.iter().map(|identifier| identifier.value.as_str()));
    Condition::all().add_option(kind).add(values)
}
