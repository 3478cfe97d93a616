//! The tracker's list of tickets against ours: what differs, and how each difference is repaired.

use super::{
    is_key, is_word,
    mapping::States,
    report::{KnownTicket, Step, step},
};
use crate::{DateTime, Error, TaskId, TaskStatus, Timestamp, Violation, error::Result, task::is_system};
use sea_orm::EnumIter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use utoipa::ToSchema;

/// Most tickets in one comparison, on either side.
pub const MAX_COMPARED: usize = 10_000;

/// A tracker's list of the tickets that it holds for us.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ReconcileInput")]
pub struct Reconcile {
    /// The ticketing system.
    #[schema(example = "jira", max_length = 40)]
    pub system: String,
    /// Its tickets, at most 10,000.
    #[schema(max_items = 10000)]
    pub items: Vec<TrackerTicket>,
    /// Whether these are all of them: what we link and the list lacks is then missing there.
    #[serde(default)]
    #[graphql(default)]
    pub complete: bool,
    /// Whether to repair what differs, beside telling it.
    #[serde(default)]
    #[graphql(default)]
    pub apply: bool,
}

/// One ticket of a tracker.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "TrackerTicketInput")]
pub struct TrackerTicket {
    /// Its key.
    #[schema(max_length = 100, example = "IT-1042")]
    pub key: String,
    /// The task whose id it carries.
    #[serde(default)]
    pub task_id: Option<TaskId>,
    /// Its state, in the tracker's own word.
    #[schema(max_length = 100, example = "Closed")]
    pub state: String,
    /// When it last changed there.
    #[serde(default)]
    pub updated_at: Option<DateTime>,
}

impl Reconcile {
    /// Refuses what no tracker can mean.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn check(&self) -> Result<()> {
        let mut violations = Vec::new();
        if !is_system(&self.system) {
            violations.push(Violation::new("/system", "takes 1–40 of a–z, 0–9, `-` and `_`"));
        }
        if self.items.len() > MAX_COMPARED {
            violations.push(Violation::new("/items", "takes at most 10,000 tickets"));
        }
        let mut keys = HashSet::new();
        for (at, item) in self.items.iter().enumerate().take(MAX_COMPARED) {
            if !is_key(&item.key) {
                violations.push(Violation::new(format!("/items/{at}/key"), "takes 1–100 characters on one line"));
            } else if !keys.insert(&item.key) {
                violations.push(Violation::new(format!("/items/{at}/key"), "stands twice"));
            }
            if !is_word(&item.state) {
                violations.push(Violation::new(format!("/items/{at}/state"), "takes 1–100 characters on one line"));
            }
            if crate::condition::storable_time("updated_at", item.updated_at).is_err() {
                violations.push(Violation::new(format!("/items/{at}/updated_at"), "takes a year from 1 to 9999"));
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }
}

/// A ticket as we know it.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnTicket {
    /// The task.
    pub task_id: TaskId,
    /// How far the task is.
    pub status: TaskStatus,
    /// The ticket's key.
    pub key: String,
    /// The state last reported.
    pub state: Option<String>,
    /// When the ticket was in it.
    pub state_at: Option<Timestamp>,
}

/// In what the lists differ.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// We link a ticket that the tracker does not have: it is unlinked, so that the task can be claimed again.
    Missing,
    /// The tracker has a ticket with our task's id that we do not link: it is linked.
    Orphaned,
    /// The ticket is in another state: the state is taken over.
    Drifted,
    /// The tracker has another ticket for the task: the linked one stays, this one is closed there.
    Duplicate,
    /// The tracker's ticket carries the id of no task of ours: somebody there has to look.
    UnknownTask,
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// In what.
    pub kind: DifferenceKind,
    /// The ticket that it is about.
    pub key: String,
    /// The task that it is about.
    pub task_id: Option<TaskId>,
    /// Of a duplicate: the ticket that stays.
    pub keep: Option<String>,
    /// The tracker's state, of what it has.
    pub state: Option<String>,
    /// When it was in it.
    pub at: Option<DateTime>,
}

/// A difference as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct ToldDifference {
    /// In what.
    pub kind: DifferenceKind,
    /// The ticket that it is about.
    pub key: String,
    /// The task that it is about.
    pub task_id: Option<TaskId>,
    /// Of a duplicate: the ticket that stays; the other is closed in the tracker.
    pub keep: Option<String>,
    /// The request that repairs it; null for what is repaired in the tracker.
    pub repair: Option<Repair>,
    /// Whether it has been repaired just now.
    pub repaired: bool,
    /// Why it has not, for people.
    pub detail: Option<String>,
}

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Repair {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The JSON body; null for none.
    #[schema(value_type = Option<Object>)]
    pub body: Option<Json>,
}

/// A JSON value, the same in REST and GraphQL.
pub type Json = async_graphql::Json<Value>;

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Reconciled {
    /// How many tickets are the same on both sides.
    pub matched: i64,
    /// What differs.
    pub differences: Vec<ToldDifference>,
}

impl Difference {
    fn new(kind: DifferenceKind, key: &str, task_id: Option<TaskId>) -> Self {
        Self { kind, key: key.to_owned(), task_id, keep: None, state: None, at: None }
    }

    /// The request that repairs it.
    pub fn repair(&self, system: &str) -> Option<Repair> {
        let task = self.task_id?;
        let ticket = format!("/v1/tasks/{task}/tickets/{system}");
        let (method, path, body) = match self.kind {
            DifferenceKind::Missing => ("DELETE", format!("{ticket}?key={}", percent(&self.key)), None),
            DifferenceKind::Orphaned => ("PUT", ticket, Some(json!({"key": self.key}))),
            DifferenceKind::Drifted => {
                let item = json!({"key": self.key, "state": self.state, "at": self.at});
                ("POST", "/v1/tickets/status".to_owned(), Some(json!({"system": system, "items": [item]})))
            }
            DifferenceKind::Duplicate | DifferenceKind::UnknownTask => return None,
        };
        Some(Repair { method: method.to_owned(), path, body: body.map(async_graphql::Json) })
    }
}

/// A text within a query (RFC 3986, section 2.1).
fn percent(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Compares the lists. `tasks` are those of ours that the tracker names and that have no ticket in the system.
///
/// A ticket is known by its key: what it says of its task counts only where we do not link it.
pub fn compare(
    ours: &[OwnTicket],
    tasks: &HashSet<TaskId>,
    theirs: &[TrackerTicket],
    complete: bool,
    states: &States,
    now: Timestamp,
) -> (i64, Vec<Difference>) {
    let by_key: HashMap<&str, &OwnTicket> = ours.iter().map(|own| (own.key.as_str(), own)).collect();
    let there: HashSet<&str> = theirs.iter().map(|item| item.key.as_str()).collect();
    let is_there = |own: &OwnTicket| there.contains(own.key.as_str());
    // Of each task the ticket that stays: the linked one while the tracker has it, else the first by key.
    let mut stays: BTreeMap<TaskId, &str> =
        ours.iter().filter(|own| !complete || is_there(own)).map(|own| (own.task_id, own.key.as_str())).collect();
    let known: BTreeSet<TaskId> = ours.iter().map(|own| own.task_id).chain(tasks.iter().copied()).collect();
    let mut unlinked: Vec<&TrackerTicket> =
        theirs.iter().filter(|item| !by_key.contains_key(item.key.as_str())).collect();
    unlinked.sort_by(|a, b| a.key.cmp(&b.key));
    let mut differences: Vec<Difference> = Vec::new();
    if complete {
        let gone = ours.iter().filter(|own| !is_there(own));
        differences.extend(gone.map(|own| Difference::new(DifferenceKind::Missing, &own.key, Some(own.task_id))));
    }
    for item in unlinked {
        let Some(task) = item.task_id else { continue };
        let mut found = Difference::new(DifferenceKind::Orphaned, &item.key, Some(task));
        if !known.contains(&task) {
            found = Difference::new(DifferenceKind::UnknownTask, &item.key, None);
        } else if let Some(keep) = stays.get(&task) {
            (found.kind, found.keep) = (DifferenceKind::Duplicate, Some((*keep).to_owned()));
        } else {
            stays.insert(task, &item.key);
            (found.state, found.at) = (Some(item.state.clone()), item.updated_at);
        }
        differences.push(found);
    }
    let mut matched = 0;
    for item in theirs {
        let Some(own) = by_key.get(item.key.as_str()) else { continue };
        if is_drifted(own, item, states, now) {
            let mut found = Difference::new(DifferenceKind::Drifted, &item.key, Some(own.task_id));
            (found.state, found.at) = (Some(item.state.clone()), item.updated_at);
            differences.push(found);
        } else {
            matched += 1;
        }
    }
    (matched, differences)
}

/// Whether the tracker's state would move the task.
fn is_drifted(own: &OwnTicket, item: &TrackerTicket, states: &States, now: Timestamp) -> bool {
    let known = KnownTicket { status: own.status, state: own.state.as_deref(), state_at: own.state_at };
    let at = item.updated_at.map_or(now, |at| at.0.min(now));
    matches!(step(known, &item.state, at, states), Step::Move(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use DifferenceKind::{Drifted, Duplicate, Missing, Orphaned, UnknownTask};

    fn task(n: u128) -> TaskId {
        TaskId(uuid::Uuid::from_u128(n))
    }

    fn own(n: u128, key: &str, state: &str) -> OwnTicket {
        OwnTicket {
            task_id: task(n),
            status: TaskStatus::Open,
            key: key.into(),
            state: Some(state.into()),
            state_at: None,
        }
    }

    fn theirs(key: &str, n: Option<u128>, state: &str) -> TrackerTicket {
        TrackerTicket { key: key.into(), task_id: n.map(task), state: state.into(), updated_at: None }
    }

    fn told(
        ours: &[OwnTicket],
        free: &[u128],
        list: &[TrackerTicket],
        complete: bool,
    ) -> Vec<(DifferenceKind, String)> {
        let free = free.iter().map(|n| task(*n)).collect();
        let now = Timestamp::UNIX_EPOCH;
        let (_, found) = compare(ours, &free, list, complete, &States::default(), now);
        found.into_iter().map(|difference| (difference.kind, difference.key)).collect()
    }

    #[test]
    fn lists_that_agree_differ_in_nothing() {
        let ours = [own(1, "A-1", "Open"), own(2, "A-2", "Open")];
        let list = [theirs("A-2", Some(2), "open"), theirs("A-1", None, "OPEN"), theirs("X-9", None, "Closed")];
        assert_eq!(told(&ours, &[], &list, true), []);
    }

    #[test]
    fn each_kind_of_difference_is_told() {
        let ours = [own(1, "A-1", "Open"), own(2, "A-2", "Open"), own(3, "A-3", "Open"), own(4, "A-4", "Open")];
        let list = [
            theirs("A-1", Some(1), "Closed"),
            theirs("A-9", Some(2), "Open"),
            theirs("A-2", Some(2), "Open"),
            theirs("A-7", Some(7), "Open"),
            theirs("A-8", Some(8), "Open"),
            // Somebody has written another task's id into a linked ticket: the link is what counts.
            theirs("A-4", Some(1), "Open"),
        ];
        let differences =
            [(Missing, "A-3"), (Orphaned, "A-7"), (UnknownTask, "A-8"), (Duplicate, "A-9"), (Drifted, "A-1")];
        let expected: Vec<_> = differences.iter().map(|(kind, key)| (*kind, (*key).to_owned())).collect();
        assert_eq!(told(&ours, &[7], &list, true), expected);
        assert_eq!(told(&ours, &[7], &list, false), expected[1..]);
    }

    #[test]
    fn of_two_tickets_nobody_links_the_first_stays_and_a_deleted_one_is_replaced() {
        let list = [theirs("B-2", Some(1), "Open"), theirs("B-1", Some(1), "Open")];
        assert_eq!(told(&[], &[1], &list, true), [(Orphaned, "B-1".into()), (Duplicate, "B-2".into())]);
        let ours = [own(1, "A-1", "Open")];
        let replaced = [(Missing, "A-1".into()), (Orphaned, "B-1".into()), (Duplicate, "B-2".into())];
        assert_eq!(told(&ours, &[], &list, true), replaced);
        // Of a list that is not whole, what is not on it may still be there.
        assert_eq!(told(&ours, &[], &list, false), [(Duplicate, "B-1".into()), (Duplicate, "B-2".into())]);
    }

    #[test]
    fn the_repair_is_a_request_that_can_be_sent() {
        let repair = |kind| Difference::new(kind, "IT 1&2", Some(task(1))).repair("jira");
        let missing = repair(Missing).unwrap();
        let path = "/v1/tasks/00000000-0000-0000-0000-000000000001/tickets/jira";
        assert_eq!((missing.method.as_str(), missing.path), ("DELETE", format!("{path}?key=IT%201%262")));
        let orphaned = repair(Orphaned).unwrap();
        assert_eq!((orphaned.method.as_str(), orphaned.path.as_str()), ("PUT", path));
        assert_eq!(orphaned.body.unwrap().0, json!({"key": "IT 1&2"}));
        assert!(repair(Duplicate).is_none() && repair(UnknownTask).is_none());
    }
}
