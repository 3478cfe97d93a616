//! Refusals, and reads of what is restricted: repeats within a minute are counted in memory and
//! become one row when the minute is over (or at shutdown).
//!
//! A refusal is only ever noted here, so that it costs the answer nothing and cannot fail it. The
//! first read within a minute is written before the answer: what cannot be recorded is not shown.

use super::{Entry, OPERATOR, append};
use crate::{
    Result,
    store::Access,
    tenancy::{Caller, Service},
};
use chrono::TimeDelta;
use domain::{AuditOutcome, Code, PrincipalId, TenantId, Timestamp};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// How long repeats are counted into one row.
const WINDOW: TimeDelta = TimeDelta::minutes(1);
/// Most kinds of things told apart at once; a flood of others is counted together.
const MAX_OPEN: usize = 10_000;
/// Rows written in one transaction.
const AT_ONCE: usize = 200;

/// What repeats are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// Each of them gets a row. No municipality learns how often another one refused.
    chains: BTreeSet<TenantId>,
    principal: PrincipalId,
    action: String,
    outcome: AuditOutcome,
    code: Option<Code>,
    /// Of reads; a refusal is the same whatever it was about.
    resource: Option<(String, Uuid)>,
}

#[derive(Clone, Debug)]
struct Count {
    since: Timestamp,
    repeats: i64,
    /// What a refusal was about, as long as it is the same.
    about: Option<Uuid>,
}

/// What was noted and not yet written.
#[derive(Debug, Default)]
pub struct Noted(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: HashMap<Key, Count>,
    over: Vec<(Key, Count)>,
}

impl Noted {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves counts that are still counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    fn is_over(&self, now: Timestamp) -> bool {
        !(self.since..self.since + WINDOW).contains(&now)
    }
}

impl State {
    /// Counts; says whether it is the first of its minute.
    fn count(&mut self, key: Key, new: Count) -> bool {
        let full = self.open.len() >= MAX_OPEN;
        if let Some(open) = self.open.get_mut(&key) {
            if open.is_over(new.since) && self.over.len() < MAX_OPEN {
                let over = std::mem::replace(open, new);
                self.over.push((key, over));
                return true;
            }
            open.repeats += 1;
            open.about = open.about.filter(|about| Some(*about) == new.about);
            return false;
        }
        if full && key.outcome == AuditOutcome::Refused && key.action != OTHERS {
            let (chains, principal, action) = ([OPERATOR].into(), super::SYSTEM, OTHERS.to_owned());
            let others = Key { chains, principal, action, outcome: key.outcome, code: None, resource: None };
            return self.count(others, Count { about: None, ..new });
        }
        if !full || key.action == OTHERS {
            self.open.insert(key, new);
        }
        true
    }

    /// Takes out what is to be written.
    fn take(&mut self, now: Timestamp, all: bool) -> Vec<(Key, Count)> {
        let mut taken = std::mem::take(&mut self.over);
        taken.extend(self.open.extract_if(|_, count| all || count.is_over(now)));
        // Of reads the first one is written already.
        taken.retain(|(_, count)| count.repeats > 0);
        taken
    }
}

/// Refusals beyond those that are told apart.
const OTHERS: &str = "others";

/// Notes a refusal, if it is one of access: other errors are nobody's business but the caller's.
/// `action` is the operation's name, never text of the request. It goes to the chains of the caller's
/// municipalities; without a caller, or for one without any, to the operator's.
pub fn refused(service: &Service, caller: Option<&Caller>, action: &str, code: Code, about: Option<Uuid>) {
    use Code::{ExceedsOwnRights, Forbidden, NotFound, SamePerson, Unauthenticated, UnknownTenant};
    if !matches!(code, ExceedsOwnRights | Forbidden | NotFound | SamePerson | Unauthenticated | UnknownTenant) {
        return;
    }
    let mut chains: BTreeSet<TenantId> =
        caller.into_iter().flat_map(|caller| caller.rights().keys().copied()).collect();
    if chains.is_empty() {
        chains.insert(OPERATOR);
    }
    let principal = caller.map_or(super::SYSTEM, Caller::principal);
    let (action, outcome) = (action.to_owned(), AuditOutcome::Refused);
    // What it was about may be another municipality's than the one that reads of it.
    let about = about.filter(|_| chains.len() == 1);
    let key = Key { chains, principal, action, outcome, code: Some(code), resource: None };
    service.noted.lock().count(key, Count { since: service.clock.now(), repeats: 1, about });
}

/// Notes that a client was given a token, once a minute with the count: it asks for a new one all day.
pub(crate) fn issued(service: &Service, principal: PrincipalId, tenants: &[TenantId]) {
    let (action, outcome) = ("token.issue".to_owned(), AuditOutcome::Done);
    let chains = tenants.iter().copied().collect();
    let key = Key { chains, principal, action, outcome, code: None, resource: None };
    service.noted.lock().count(key, Count { since: service.clock.now(), repeats: 1, about: None });
}

/// Records that the caller reads these rows (tenant, id) of what is restricted, each in its own tenant's chain.
/// It takes a transaction of its own, which on SQLite waits for a writer that is at work.
///
/// # Errors
/// Store errors; then the rows must not be shown.
pub async fn read(caller: &Caller, action: &str, kind: &str, rows: &[(Uuid, Uuid)]) -> Result<()> {
    let (service, principal, now) = (caller.service(), caller.principal(), caller.now());
    if let Some(held) = caller.once().and_then(|once| once.held()) {
        // What is shown before it is committed is told of in the same transaction: another one would wait for it.
        for (tenant, id) in rows {
            let entry = Entry { outcome: AuditOutcome::Read, ..Entry::done(action) }.about(kind, *id);
            append(&held, &service.vault, TenantId(*tenant), principal, entry, now).await?;
        }
        return Ok(());
    }
    let key = |(tenant, id): &(Uuid, Uuid)| {
        let (chains, action) = ([TenantId(*tenant)].into(), action.to_owned());
        let resource = Some((kind.to_owned(), *id));
        Key { chains, principal, action, outcome: AuditOutcome::Read, code: None, resource }
    };
    let first =
        |row: &&(Uuid, Uuid)| service.noted.lock().count(key(row), Count { since: now, repeats: 0, about: None });
    let new: Vec<(Uuid, Uuid)> = rows.iter().filter(first).copied().collect();
    let written = async {
        for rows in new.chunks(AT_ONCE) {
            let tenants: BTreeSet<Uuid> = rows.iter().map(|(tenant, _)| *tenant).collect();
            let connection = service.apart.begin(Access::Write, &Vec::from_iter(tenants)).await?;
            for (tenant, id) in rows {
                let entry = Entry { outcome: AuditOutcome::Read, ..Entry::done(action) }.about(kind, *id);
                append(&connection, &service.vault, TenantId(*tenant), principal, entry, now).await?;
            }
            connection.commit().await?;
        }
        Ok(())
    };
    let written = written.await;
    if written.is_err() {
        let mut noted = service.noted.lock();
        for row in &new {
            noted.open.remove(&key(row));
        }
    }
    written
}

/// Writes what was noted and whose minute is over (at shutdown: `all`), in short transactions; says how many rows.
///
/// # Errors
/// Store errors; what was not written stays noted.
pub async fn write_noted(service: &Service, all: bool) -> Result<u64> {
    let mut waiting = service.noted.lock().take(service.clock.now(), all);
    let mut written = 0;
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(AT_ONCE));
        match write(service, &waiting).await {
            Ok(rows) => written += rows,
            Err(error) => {
                let mut noted = service.noted.lock();
                let room = MAX_OPEN.saturating_sub(noted.over.len());
                noted.over.extend(waiting.into_iter().chain(rest).take(room));
                return Err(error);
            }
        }
        waiting = rest;
    }
    Ok(written)
}

async fn write(service: &Service, noted: &[(Key, Count)]) -> Result<u64> {
    let chains: BTreeSet<Uuid> = noted.iter().flat_map(|(key, _)| &key.chains).map(|chain| chain.0).collect();
    let connection = service.store.begin(Access::Write, &Vec::from_iter(chains)).await?;
    let mut rows = 0;
    for (key, count) in noted {
        for chain in &key.chains {
            let about = count.about.map(|id| (resource_of(&key.action), id));
            let entry = Entry {
                resource: key.resource.clone().or(about),
                outcome: key.outcome,
                code: key.code,
                count: count.repeats,
                ..Entry::done(&key.action)
            };
            append(&connection, &service.vault, *chain, key.principal, entry, count.since).await?;
            rows += 1;
        }
    }
    connection.commit().await?;
    Ok(rows)
}

/// `GET /v1/findings/{id}` is about a finding, in the plural of paths.
fn resource_of(action: &str) -> String {
    action.split('/').nth(2).unwrap_or(action).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(action: &str) -> Key {
        let (action, outcome) = (action.to_owned(), AuditOutcome::Refused);
        let chains = [OPERATOR].into();
        Key { chains, principal: super::super::SYSTEM, action, outcome, code: None, resource: None }
    }

    fn count(second: i64) -> Count {
        let since = Timestamp::default() + TimeDelta::seconds(second);
        Count { since, repeats: 1, about: None }
    }

    #[test]
    fn repeats_of_a_minute_are_one() {
        let mut state = State::default();
        assert!(state.count(key("a"), count(0)));
        assert!(!state.count(key("a"), count(59)));
        assert!(state.count(key("a"), count(60)));
        let now = |second| Timestamp::default() + TimeDelta::seconds(second);
        let repeats = |taken: Vec<(Key, Count)>| taken.iter().map(|(_, count)| count.repeats).collect::<Vec<_>>();
        assert_eq!(repeats(state.take(now(61), false)), [2]);
        assert_eq!(repeats(state.take(now(61), true)), [1]);
        assert!(state.take(now(61), true).is_empty());
    }

    #[test]
    fn a_flood_is_counted_and_bounded() {
        let mut state = State::default();
        for at in 0..3 * MAX_OPEN {
            state.count(key(&at.to_string()), count(at as i64 / 1000));
        }
        assert!(state.open.len() <= MAX_OPEN + 1);
        let all: i64 = state.take(Timestamp::default(), true).iter().map(|(_, count)| count.repeats).sum();
        assert_eq!(all, 3 * MAX_OPEN as i64);
    }
}
