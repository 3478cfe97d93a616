//! Applying a changed rule to what is stored, in steps that leave room for people between them.
//!
//! Every step is a command of its own that says how far it came, so a process that is killed loses nothing: whoever
//! comes next goes on from there. Reports are read by the rule before until the last step, and reach the findings of
//! earlier steps by their former names.

use super::{begin, etag, keys, save, shown, stored};
use crate::{
    Etag, Result,
    finding::{
        alias::{Alias, Owners},
        fingerprint,
        merge::{Decision, Merging},
        write::{self, Edit},
    },
    tenancy::{Caller, Command, Service},
};
use domain::{Permission, SourceId, TenantId, identity::SourceRule};
use entity::{finding, fingerprint_rule};
use sea_orm::{ColumnTrait, QueryOrder, QuerySelect};
use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Findings of a step: it holds the tenant's clock.
const STEP: u64 = 250;
/// How long a caller waits for the rerun; the service goes on after that.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one round of housekeeping spends on it in one municipality.
const ROUND: Duration = Duration::from_secs(5);

/// Applies the rule wanted to the stored findings, and answers when that is done or has begun for good.
///
/// Findings that become the same are merged into the oldest, which carries the decision that leaves the most to do.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`.
pub async fn rerun(caller: &Caller, id: SourceId, version: i64) -> Result<(Etag, SourceRule)> {
    let (command, source, row) = begin(caller, id, version).await?;
    if let Some(row) = row.filter(|row| row.in_force_version != row.version) {
        if !row.running {
            save(&command, fingerprint_rule::Model { running: true, reached: None, ..row }).await?;
        }
        command.commit_about("source.rerun", ("source", id.0)).await?;
        work(caller, source.tenant_id, id.0, PATIENCE).await?;
    } else {
        drop(command);
    }
    let read = caller.begin(Permission::WriteFindings).await?;
    let rule = shown(&read.scope(), source).await?;
    Ok((etag(caller, &rule), rule))
}

/// Goes on with the reruns that were begun in a municipality; says how many steps that took.
pub(crate) async fn go_on(service: &Service, tenant: TenantId) -> Result<u64> {
    let caller = Caller::system(service.clone(), tenant, Permission::WriteFindings);
    let read = caller.begin(Permission::WriteFindings).await?;
    let running = fingerprint_rule::Column::Running.eq(true);
    let rows = read.scope().find::<fingerprint_rule::Entity>().filter(running).all().await?;
    drop(read);
    let mut steps = 0;
    for row in rows {
        steps += work(&caller, tenant.0, row.source_id, ROUND).await?;
    }
    Ok(steps)
}

/// Does steps until there is nothing left or the time is up.
async fn work(caller: &Caller, tenant: Uuid, source: Uuid, time: Duration) -> Result<u64> {
    let (began, mut steps) = (Instant::now(), 0);
    while began.elapsed() < time && step(caller, tenant, source).await? {
        steps += 1;
        // Others wait for the clock as well.
        tokio::task::yield_now().await;
    }
    Ok(steps)
}

/// One step; says whether there is another one.
async fn step(caller: &Caller, tenant: Uuid, source: Uuid) -> Result<bool> {
    let mut command = caller.begin_write(Permission::WriteFindings).await?.command(tenant).await?;
    let Some(row) = stored(&command.scope(), source).await?.filter(|row| row.running) else { return Ok(false) };
    let rows = next(&command, &row, row.reached).await?;
    let after = match rows.last() {
        Some(last) => fingerprint_rule::Model { reached: Some(last.id), ..row.clone() },
        // What a report changed behind the step is looked at again.
        None if !next(&command, &row, None).await?.is_empty() => {
            fingerprint_rule::Model { reached: None, ..row.clone() }
        }
        None => fingerprint_rule::Model {
            in_force: Some(row.rule.clone()),
            in_force_version: row.version,
            running: false,
            reached: None,
            ..row.clone()
        },
    };
    apply(&mut command, &row, rows).await?;
    let goes_on = after.running;
    save(&command, after).await?;
    command.commit_step().await?;
    Ok(goes_on)
}

/// The next findings that the rule has not been applied to: the oldest first, so that those survive.
async fn next(command: &Command, row: &fingerprint_rule::Model, after: Option<Uuid>) -> Result<Vec<finding::Model>> {
    use finding::Column as C;
    let mut find = command.scope().find::<finding::Entity>().filter(C::SourceId.eq(row.source_id));
    find = find.filter(C::IdentityVersion.lt(row.version));
    if let Some(after) = after {
        find = find.filter(C::Id.gt(after));
    }
    find.with(|select| select.order_by_asc(C::Id).limit(STEP)).all().await
}

/// What becomes of a finding.
enum Fate {
    /// A part that counts is not stored: its next report names it.
    Unknown,
    /// It gets another name, or keeps its own.
    Named(keys::Key),
    /// It was merged into another one before, which its new name leads to as well.
    Stays(keys::Key, Uuid),
    /// It is the same as another one.
    Same(Uuid),
}

async fn apply(command: &mut Command, rule: &fingerprint_rule::Model, rows: Vec<finding::Model>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let scope = command.scope();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let merged = keys::merged(&scope, rule.source_id, Some(ids.clone())).await?;
    let named: Vec<_> = rows.into_iter().map(|row| (row.id, keys::of(&rule.rule.0, &row))).collect();
    let fingerprint = |(_, key): &(Uuid, Option<keys::Key>)| key.as_ref().map(|key| key.fingerprint.clone());
    let texts: Vec<String> = named.iter().filter_map(fingerprint).collect();
    let asked: Vec<_> = texts.iter().map(|text| (rule.source_id, text.as_str())).collect();
    let owners = Owners::of(&scope, &asked).await?;
    let owner = |text: String| Some((text.clone(), owners.reached(&(rule.source_id, text))?));
    let mut reached: HashMap<String, Uuid> = texts.into_iter().filter_map(owner).collect();
    let others = reached.values().chain(merged.values()).copied();
    let all: BTreeSet<Uuid> = ids.into_iter().chain(others).collect();
    let fates: Vec<(Uuid, Fate)> =
        named.into_iter().map(|(id, key)| (id, fate(id, key, &merged, &mut reached))).collect();
    free(command, rule.source_id, &fates, &owners).await?;
    let mut merging = Merging::load(command, all).await?;
    // Either of two may survive, where a person has said so before.
    let same =
        fates.iter().filter_map(|(id, fate)| if let Fate::Same(other) = fate { Some([*id, *other]) } else { None });
    merging.load_followers(command, same.flatten().collect()).await?;
    for (id, fate) in fates {
        settle(&mut merging, rule, id, fate, &owners);
    }
    merging.save(command).await?;
    Ok(())
}

/// Takes names from merged findings that become the own ones of others. Reports do not reach the merged ones by them,
/// so any name will do that no report has.
async fn free(command: &mut Command, source: Uuid, fates: &[(Uuid, Fate)], owners: &Owners) -> Result<()> {
    let held = fates.iter().filter_map(|(id, fate)| match fate {
        Fate::Named(key) => owners.own(&(source, key.fingerprint.clone())).filter(|holder| holder != id),
        _ => None,
    });
    let held: BTreeSet<Uuid> = held.collect();
    if held.is_empty() {
        return Ok(());
    }
    let rows = command.scope().find::<finding::Entity>().filter(finding::Column::Id.is_in(held)).all().await?;
    let nameless = |before: finding::Model| {
        let fingerprint = fingerprint::of_key(before.asset_id, &before.id.to_string());
        Edit::of(before.clone(), finding::Model { fingerprint, ..before })
    };
    write::save(command, rows.into_iter().map(nameless).collect()).await?;
    Ok(())
}

fn fate(id: Uuid, key: Option<keys::Key>, merged: &HashMap<Uuid, Uuid>, owners: &mut HashMap<String, Uuid>) -> Fate {
    let Some(key) = key else { return Fate::Unknown };
    let owner = owners.get(&key.fingerprint).copied();
    match (merged.get(&id), owner) {
        (Some(survivor), None) => {
            owners.insert(key.fingerprint.clone(), *survivor);
            Fate::Stays(key, *survivor)
        }
        // Its name is the survivor's own by now, or somebody else's.
        (Some(_), Some(_)) => Fate::Unknown,
        (None, Some(owner)) if owner != id => Fate::Same(owner),
        (None, _) => {
            owners.insert(key.fingerprint.clone(), id);
            Fate::Named(key)
        }
    }
}

fn settle(merging: &mut Merging, rule: &fingerprint_rule::Model, id: Uuid, fate: Fate, owners: &Owners) {
    let Some(row) = merging.change(id) else { return };
    row.identity_version = rule.version;
    match fate {
        Fate::Unknown => {}
        Fate::Named(key) => {
            // What led here for one that was merged is the finding's own from now on.
            let other = owners.other(&(row.source_id, key.fingerprint.clone())).cloned();
            rename(merging, id, key);
            if let Some(other) = other {
                merging.name(Alias { finding_id: id, merged_id: None, ..other });
            }
        }
        Fate::Stays(key, survivor) => {
            let (source_id, fingerprint) = (row.source_id, key.fingerprint);
            row.weakness_key = Some(key.weakness_key);
            row.fingerprint_version = fingerprint::VERSION;
            merging.name(Alias { source_id, fingerprint, finding_id: survivor, merged_id: Some(id) });
        }
        Fate::Same(other) => {
            let name = merging.get(other).map(|row| row.fingerprint.clone());
            let is_of_this = merging.get(other).is_some_and(|row| row.duplicate_of == Some(id));
            let (from, into) = if is_of_this { (other, id) } else { (id, other) };
            merging.absorb(from, into, Decision::Carried);
            if let (true, Some(fingerprint)) = (is_of_this, name) {
                // What was the duplicate's name is the original's own from now on.
                merging.name(Alias { source_id: rule.source_id, fingerprint, finding_id: id, merged_id: None });
            }
        }
    }
}

/// Gives a finding its new name; the former one leads to it.
fn rename(merging: &mut Merging, id: Uuid, key: keys::Key) {
    let Some(row) = merging.change(id) else { return };
    row.weakness_key = Some(key.weakness_key);
    row.fingerprint_version = fingerprint::VERSION;
    if row.fingerprint == key.fingerprint {
        return;
    }
    let (source_id, former) = (row.source_id, std::mem::replace(&mut row.fingerprint, key.fingerprint));
    merging.name(Alias { source_id, fingerprint: former, finding_id: id, merged_id: None });
}
