//! Which stored finding a record means: by its fingerprint, by another name of the finding, or by the fingerprint of
//! the first version. A few statements, whatever the number of records.

use super::{batch::Placed, findings::Entry, rules::Rules};
use crate::{
    Result,
    finding::{
        alias::{Alias, Name, Owners},
        fingerprint,
    },
    tenancy::{Command, Find, Scope},
};
use domain::identity::Told;
use entity::{finding, finding_alias as alias, sighting as seen};
use sea_orm::{ColumnTrait, sea_query::Expr};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A record with the names under which its finding may be stored.
pub(super) struct Keyed {
    pub(super) placed: Placed,
    /// What tells it apart on its asset, under the rule in force.
    pub(super) weakness_key: String,
    /// Its fingerprint.
    pub(super) fingerprint: String,
    /// The version of the rule that made it.
    pub(super) version: i64,
    /// The fingerprint of the first version, while the source still has findings of that.
    first: Option<String>,
}

/// How a record is about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is the finding's own source that speaks of the finding itself.
    Own,
    /// It speaks of the finding named here, which was merged into this one: both are seen, and this one keeps what its
    /// own source says.
    Merged(Uuid),
}

/// The stored findings of a batch, and what they are called.
pub(super) struct Known {
    pub(super) entries: HashMap<Uuid, Entry>,
    names: HashMap<Name, (Uuid, Way)>,
    /// Findings of the first version that turned out to be the same as another one.
    pub(super) same: Vec<(Uuid, Uuid)>,
    /// Names of this version for findings of the first one that were merged into others.
    pub(super) renamed: Vec<Alias>,
}

/// The records with their names.
pub(super) async fn keyed(scope: &Scope<'_>, rules: &Rules, records: Vec<Placed>) -> Result<Vec<Keyed>> {
    let sources: BTreeSet<Uuid> = records.iter().map(|placed| placed.source).collect();
    let has_first = has_first(scope, sources).await?;
    let keyed = |placed: Placed| {
        let (rule, version) = rules.of(&placed.source_name);
        // A record knows all of its parts.
        let weakness_key = fingerprint::weakness_key(rule, &Told::from(&placed.record)).unwrap_or_default();
        let fingerprint = fingerprint::of_key(placed.asset, &weakness_key);
        let first = has_first.then(|| fingerprint::first(placed.asset, &placed.record));
        Keyed { weakness_key, fingerprint, version, first, placed }
    };
    Ok(records.into_iter().map(keyed).collect())
}

/// Whether any finding of these sources has a fingerprint of the first version.
async fn has_first(scope: &Scope<'_>, sources: BTreeSet<Uuid>) -> Result<bool> {
    // In the words of the partial index: a bound value would hide from a store that it holds all that is asked for.
    let first = Expr::cust(r#""finding"."fingerprint_version" = 1"#);
    let find = scope.find::<finding::Entity>().filter(first).filter(finding::Column::SourceId.is_in(sources));
    Ok(find.one().await?.is_some())
}

/// The findings that the records are about, also those that were merged into others.
pub(super) async fn ids(scope: &Scope<'_>, keyed: &[Keyed]) -> Result<BTreeSet<Uuid>> {
    let names = keyed.iter().flat_map(|keyed| keyed.texts().map(|text| (keyed.placed.source, text)));
    let names: Vec<_> = names.collect();
    let owners = Owners::of(scope, &names).await?;
    let about = |(source, text): (Uuid, &str)| {
        let name = (source, text.to_owned());
        let merged = owners.other(&name).and_then(|other| other.merged_id);
        [owners.reached(&name), owners.own(&name), merged]
    };
    Ok(names.into_iter().flat_map(about).flatten().collect())
}

/// The other names of findings that records may have.
fn aliases<'s>(scope: &Scope<'s>, keyed: &[Keyed]) -> Find<'s, alias::Entity> {
    let find = scope.find::<alias::Entity>().filter(alias::Column::SourceId.is_in(sources(keyed)));
    find.filter(alias::Column::Fingerprint.is_in(keyed.iter().flat_map(Keyed::texts)))
}

/// The findings whose own names records may have.
fn findings<'s>(scope: &Scope<'s>, keyed: &[Keyed]) -> Find<'s, finding::Entity> {
    let find = scope.find::<finding::Entity>().filter(finding::Column::SourceId.is_in(sources(keyed)));
    find.filter(finding::Column::Fingerprint.is_in(keyed.iter().flat_map(Keyed::texts)))
}

fn sources(keyed: &[Keyed]) -> BTreeSet<Uuid> {
    keyed.iter().map(|keyed| keyed.placed.source).collect()
}

impl Known {
    /// The findings that the records may mean, in two statements; two more where other names lead to some.
    pub(super) async fn load(command: &Command, keyed: &[Keyed]) -> Result<Self> {
        let scope = command.scope();
        let aliases = aliases(&scope, keyed).all().await?;
        let mut rows = findings(&scope, keyed).all().await?;
        let mut names: HashMap<Name, (Uuid, Way)> =
            rows.iter().map(|row| ((row.source_id, row.fingerprint.clone()), (row.id, Way::Own))).collect();
        let there: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
        let led_to: BTreeSet<Uuid> =
            aliases.iter().flat_map(|one| [Some(one.finding_id), one.merged_id]).flatten().collect();
        let led_to: BTreeSet<Uuid> = led_to.difference(&there).copied().collect();
        if !led_to.is_empty() {
            rows.extend(scope.find::<finding::Entity>().filter(finding::Column::Id.is_in(led_to)).all().await?);
        }
        // An alias stands before the finding that has the name as its own: that one was merged.
        let way = |one: &alias::Model| one.merged_id.map_or(Way::Own, Way::Merged);
        names.extend(aliases.into_iter().map(|one| {
            let way = way(&one);
            ((one.source_id, one.fingerprint), (one.finding_id, way))
        }));
        let entries = entries(&scope, rows).await?;
        Ok(Self { entries, names, same: Vec::new(), renamed: Vec::new() })
    }

    /// The finding that the record means, if there is one.
    pub(super) fn find(&mut self, keyed: &Keyed) -> Option<(Uuid, Way)> {
        let named = |text: &String| self.names.get(&(keyed.placed.source, text.clone())).copied();
        let own = named(&keyed.fingerprint);
        let Some((first, way)) = keyed.first.as_ref().and_then(named) else { return own };
        match own {
            None => {
                match way {
                    Way::Own => self.renew(first, keyed),
                    Way::Merged(merged) => self.rename(first, merged, keyed),
                }
                Some((first, way))
            }
            Some((id, way)) => {
                if id != first && !self.same.contains(&(first, id)) {
                    self.same.push((first, id));
                }
                Some((id, way))
            }
        }
    }

    /// Gives a finding of the first version its key and its fingerprint of this one.
    fn renew(&mut self, id: Uuid, keyed: &Keyed) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if entry.after.fingerprint_version == fingerprint::VERSION || entry.after.source_id != keyed.placed.source {
            return;
        }
        entry.name(keyed);
        self.names.insert(keyed.name(), (id, Way::Own));
    }

    /// Lets the name of this version lead where the one of the first version leads.
    fn rename(&mut self, survivor: Uuid, merged: Uuid, keyed: &Keyed) {
        let (source_id, fingerprint) = keyed.name();
        self.names.insert((source_id, fingerprint.clone()), (survivor, Way::Merged(merged)));
        self.renamed.push(Alias { source_id, fingerprint, finding_id: survivor, merged_id: Some(merged) });
    }

    /// A finding that this batch makes.
    pub(super) fn add(&mut self, keyed_as: Name, entry: Entry) -> Uuid {
        let id = entry.after.id;
        self.names.insert(keyed_as, (id, Way::Own));
        self.entries.insert(id, entry);
        id
    }
}

impl Keyed {
    fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.fingerprint.as_str()).chain(self.first.as_deref())
    }

    /// Its source and fingerprint.
    pub(super) fn name(&self) -> Name {
        (self.placed.source, self.fingerprint.clone())
    }
}

/// The rows with their sightings.
async fn entries(scope: &Scope<'_>, rows: Vec<finding::Model>) -> Result<HashMap<Uuid, Entry>> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let of_rows = seen::Column::FindingId.is_in(rows.iter().map(|row| row.id));
    let sightings = scope.find::<seen::Entity>().filter(of_rows).all().await?;
    let mut sightings: HashMap<Uuid, seen::Model> = sightings.into_iter().map(|s| (s.finding_id, s)).collect();
    let entry = |row: finding::Model| Some((row.id, Entry::of(sightings.remove(&row.id)?, row)));
    Ok(rows.into_iter().filter_map(entry).collect())
}
