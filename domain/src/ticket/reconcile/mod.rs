//! The tracker's list of tickets against ours: what differs, and how each difference is repaired.

mod compare;
mod repair;

use super::{is_key, is_web_url, is_word};
use crate::{DateTime, Error, TaskId, TaskStatus, Timestamp, Violation, error::Result, task::is_system};
pub use compare::{Compared, ImplausiblyMissing, OwnTicket, compare, plausible};
pub use repair::{HandAction, HandRepair, Repair};
use sea_orm::EnumIter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
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
    /// Its tickets, at most 10,000 and 8 MiB in one request (over GraphQL 1 MiB).
    #[schema(max_items = 10000)]
    pub items: Vec<TrackerTicket>,
    /// Whether these are all of them, or all of a range of keys: what we link and the list lacks is then missing there.
    #[serde(default)]
    #[graphql(default)]
    pub complete: bool,
    /// When the tracker began to list them, by our clock (the `Date` of an answer); `complete` needs it. What we have
    /// linked since then is missing nowhere.
    #[serde(default)]
    pub listed_at: Option<DateTime>,
    /// Of more tickets than one request takes: the list is complete from this key on, in the order of code points
    /// (`IT-10` comes before `IT-9`).
    #[serde(default)]
    #[schema(max_length = 100, example = "IT-2")]
    pub keys_from: Option<String>,
    /// The list is complete up to this key, which is no part of it.
    #[serde(default)]
    #[schema(max_length = 100, example = "IT-4")]
    pub keys_before: Option<String>,
    /// Whether to repair what differs, beside telling it.
    #[serde(default)]
    #[graphql(default)]
    pub apply: bool,
    /// The `would_unlink` of a 409 `reconcile_implausible`, to repair it all the same.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub confirm_missing: Option<i64>,
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
    /// When it last changed there; when it was listed if left out.
    #[serde(default)]
    pub updated_at: Option<DateTime>,
    /// Its page there, for when it is linked: http or https, at most 2,000 characters.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub url: Option<String>,
}

impl Reconcile {
    /// Refuses what no tracker can mean.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn check(&self, now: Timestamp) -> Result<()> {
        let mut violations = self.wrong_bounds(now);
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
            } else if !self.holds(&item.key) {
                violations.push(Violation::new(format!("/items/{at}/key"), "lies outside of the range of keys"));
            }
            if item.url.as_ref().is_some_and(|url| !is_web_url(url)) {
                let detail = "takes an http or https URL of at most 2,000 characters";
                violations.push(Violation::new(format!("/items/{at}/url"), detail));
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

    /// What is wrong with the bounds within which the list claims to be complete.
    fn wrong_bounds(&self, now: Timestamp) -> Vec<Violation> {
        let mut violations = Vec::new();
        match self.listed_at {
            None if self.complete => {
                violations.push(Violation::new("/listed_at", "says when the list was begun: `complete` needs it"));
            }
            Some(at) if at.0 > now => violations.push(Violation::new("/listed_at", "lies in the future")),
            Some(at) if crate::condition::storable_time("listed_at", Some(at)).is_err() => {
                violations.push(Violation::new("/listed_at", "takes a year from 1 to 9999"));
            }
            _ => {}
        }
        for (name, bound) in [("keys_from", &self.keys_from), ("keys_before", &self.keys_before)] {
            if bound.is_some() && !self.complete {
                violations.push(Violation::new(format!("/{name}"), "is the bound of a list that says `complete`"));
            } else if bound.as_ref().is_some_and(|bound| !is_key(bound)) {
                violations.push(Violation::new(format!("/{name}"), "takes 1–100 characters on one line"));
            }
        }
        violations
    }

    /// Whether the key is in the range that the list is about. Without bounds every key is.
    pub fn holds(&self, key: &str) -> bool {
        self.keys_from.as_deref().is_none_or(|from| from <= key)
            && self.keys_before.as_deref().is_none_or(|before| key < before)
    }

    /// Whether the list would have the ticket if it were there.
    pub fn covers(&self, own: &OwnTicket) -> bool {
        self.complete && self.holds(&own.key) && self.listed_at.is_some_and(|listed| own.linked_at < listed.0)
    }

    /// When the tracker's ticket was in its state, as far as is known.
    pub fn time_of(&self, item: &TrackerTicket) -> Option<DateTime> {
        item.updated_at.or(self.listed_at)
    }
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
    /// The ticket's state means something else than the task's status: what is newer there is taken over; where we know
    /// better, the ticket is moved there.
    Drifted,
    /// A linked ticket carries another task's id: somebody has edited it.
    Relabelled,
    /// Nobody has explained the ticket's state; see the mapping.
    UnknownState,
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
    /// Its page there.
    pub url: Option<String>,
    /// Of what has drifted and is to be moved in the tracker: how far the task is.
    pub status: Option<TaskStatus>,
}

impl Difference {
    fn new(kind: DifferenceKind, key: &str, task_id: Option<TaskId>) -> Self {
        Self { kind, key: key.to_owned(), task_id, keep: None, state: None, at: None, url: None, status: None }
    }
}

/// A difference as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct ToldDifference {
    /// In what.
    pub kind: DifferenceKind,
    /// The ticket that it is about.
    pub key: String,
    /// The task that it is about; of `unknown_task` the id that the ticket carries.
    pub task_id: Option<TaskId>,
    /// Of a duplicate: the ticket that stays; the other is closed in the tracker.
    pub keep: Option<String>,
    /// The request that repairs it; null for what somebody does by hand.
    pub repair: Option<Repair>,
    /// What somebody, or a connector, does in the tracker or with its mapping; null for what a request repairs.
    pub by_hand: Option<HandRepair>,
    /// Whether it has been repaired just now.
    pub repaired: bool,
    /// Why it has not, for people.
    pub detail: Option<String>,
}

/// A JSON value, the same in REST and GraphQL.
pub type Json = async_graphql::Json<Value>;

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Reconciled {
    /// How many tickets are the same on both sides.
    pub matched: i64,
    /// What differs. A ticket may differ in more than one thing.
    pub differences: Vec<ToldDifference>,
}
