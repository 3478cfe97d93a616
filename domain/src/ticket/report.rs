//! What a tracker reports of its tickets, and what becomes of it.

use super::{
    is_key, is_word,
    mapping::{States, TicketMeaning, normal},
};
use crate::{
    DateTime, Error, TaskId, TaskStatus, Timestamp, Violation,
    condition::storable_time,
    error::Result,
    task::{MAX_REASON, TaskTransition, is_system},
    text::is_text,
};
use sea_orm::EnumIter;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most tickets in one report.
pub const MAX_REPORTED: usize = 1_000;

/// The states of some tickets. Of several states of one ticket the latest counts.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "TicketStatesInput")]
pub struct TicketStates {
    /// The ticketing system.
    #[schema(example = "jira", max_length = 40)]
    pub system: String,
    /// The tickets, at most 1,000.
    #[schema(max_items = 1000)]
    pub items: Vec<TicketState>,
}

/// The state of one ticket.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "TicketStateInput")]
pub struct TicketState {
    /// The ticket's key; this or `task_id`.
    #[serde(default)]
    #[schema(max_length = 100, example = "IT-1042")]
    pub key: Option<String>,
    /// The task that it stands for.
    #[serde(default)]
    pub task_id: Option<TaskId>,
    /// The state, in the tracker's own word.
    #[schema(max_length = 100, example = "Closed")]
    pub state: String,
    /// Who put it there, in the tracker's own words: the claimant of a fix, who does not verify it.
    #[serde(default)]
    #[schema(max_length = 100, example = "anna.berg@norrvik.example")]
    pub external_actor: Option<String>,
    /// Why; at most 2,000 characters.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// When it was put there; now if left out. What is older than what is known changes nothing. The same state as before
    /// counts anew only with a time after the task was last moved: closed again, after it was reopened here.
    #[serde(default)]
    pub at: Option<DateTime>,
}

impl TicketStates {
    /// Refuses what no tracker can mean.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn check(&self) -> Result<()> {
        let mut violations = Vec::new();
        let mut wrong = |pointer: String, detail: &str| violations.push(Violation::new(pointer, detail));
        if !is_system(&self.system) {
            wrong("/system".into(), "takes 1–40 of a–z, 0–9, `-` and `_`");
        }
        if self.items.len() > MAX_REPORTED {
            wrong("/items".into(), "takes at most 1,000 tickets");
        }
        for (at, item) in self.items.iter().enumerate().take(MAX_REPORTED) {
            if item.key.is_none() && item.task_id.is_none() {
                wrong(format!("/items/{at}"), "names neither `key` nor `task_id`");
            }
            if item.key.as_ref().is_some_and(|key| !is_key(key)) {
                wrong(format!("/items/{at}/key"), "takes 1–100 characters on one line");
            }
            if !is_word(&item.state) {
                wrong(format!("/items/{at}/state"), "takes 1–100 characters on one line");
            }
            if item.external_actor.as_ref().is_some_and(|actor| !is_word(actor)) {
                wrong(format!("/items/{at}/external_actor"), "takes 1–100 characters on one line");
            }
            if item.reason.as_ref().is_some_and(|r| r.chars().count() > MAX_REASON || !is_text(r)) {
                wrong(format!("/items/{at}/reason"), "takes at most 2,000 characters without control characters");
            }
            if storable_time("at", item.at).is_err() {
                wrong(format!("/items/{at}/at"), "takes a year from 1 to 9999");
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }
}

/// What became of one reported state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, EnumIter, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum TicketOutcome {
    /// The task moved.
    Applied,
    /// It says what is known already.
    Unchanged,
    /// Something newer is known already, or said by another item.
    Stale,
    /// No task has this ticket.
    UnknownTicket,
    /// Nobody has explained this word; see the mapping.
    UnknownState,
    /// The task cannot go there.
    Refused,
}

/// What became of one item, in the order of the items.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct TicketStateOutcome {
    /// What became of it.
    pub outcome: TicketOutcome,
    /// The task.
    pub task_id: Option<TaskId>,
    /// The ticket's key.
    pub key: Option<String>,
    /// How far the task now is.
    pub status: Option<TaskStatus>,
    /// More about it, for people.
    pub detail: Option<String>,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct TicketStatesOutcome {
    /// Item by item.
    pub items: Vec<TicketStateOutcome>,
}

/// What is known of a ticket and its task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownTicket<'a> {
    /// How far the task is.
    pub status: TaskStatus,
    /// When the task was last moved, by whomever; none if it never was.
    pub moved_at: Option<Timestamp>,
    /// The state last reported; none for a word that nobody had explained.
    pub state: Option<&'a str>,
    /// When the ticket was in it; none before its first word.
    pub state_at: Option<Timestamp>,
}

/// A state as a tracker says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said<'a> {
    /// Its word.
    pub state: &'a str,
    /// When the ticket was put there.
    pub at: Timestamp,
    /// Whether the tracker says so, and it is not just the time of the report.
    pub is_dated: bool,
}

/// What a reported state asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Move the task there, and keep the state. What was refused goes back with its reason.
    Move(TaskStatus),
    /// Keep the state; the task stays where it is.
    Keep,
    /// Nothing.
    Nothing(TicketOutcome),
}

/// What a reported state asks for, of what is known.
///
/// The same state again asks for nothing: a task that was reopened because its fix did not hold does not become done
/// by a tracker that only repeats itself. It does if the tracker says that the ticket was put there after that. The first
/// word for a ticket changes nothing if it says open, since the ticket was just made, or is from before the task was last
/// moved, since the ticket may have been linked before.
pub fn step(known: KnownTicket<'_>, said: Said<'_>, states: &States) -> Step {
    let is_first_word = known.state_at.is_none();
    let moved_before = |before: fn(Timestamp, Timestamp) -> bool| {
        said.is_dated && known.moved_at.is_some_and(|moved| before(moved, said.at))
    };
    let is_old = known.state_at.is_some_and(|known| said.at < known);
    if is_old || is_first_word && moved_before(|moved, said| moved >= said) {
        return Step::Nothing(TicketOutcome::Stale);
    }
    let is_same = known.state.is_some_and(|known| normal(known) == normal(said.state));
    if is_same && !moved_before(|moved, said| moved < said) {
        return Step::Nothing(TicketOutcome::Unchanged);
    }
    let Some(meaning) = states.meaning(said.state) else { return Step::Nothing(TicketOutcome::UnknownState) };
    let was_made = is_first_word && meaning == TicketMeaning::Open;
    match meaning.status() {
        Some(to) if !was_made && known.status.may_become(to) => Step::Move(to),
        Some(to) if !was_made && known.status != to => Step::Nothing(TicketOutcome::Refused),
        _ if is_same => Step::Nothing(TicketOutcome::Unchanged),
        // It goes back where it is; what was said about it is still worth keeping.
        _ => Step::Keep,
    }
}

/// The move that a reported state makes, with a reason where one is needed.
pub fn transition(to: TaskStatus, item: &TicketState, system: &str) -> TaskTransition {
    let reason = item.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
    let said = || format!("{system}: {}", item.state.trim());
    TaskTransition { to, reason: reason.or_else(|| to.needs_reason().then(said)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minute)
    }

    #[test]
    fn what_a_state_asks_for_depends_on_what_is_known() {
        use TaskStatus::{Cancelled, Done, InProgress, Open};
        use TicketOutcome::{Refused, Stale, Unchanged, UnknownState};
        for (status, known, reported, expected) in [
            (Open, None, ("Closed", 5), Step::Move(Done)),
            (Open, None, ("New", 5), Step::Keep),
            (Done, None, ("New", 5), Step::Keep),
            (Open, Some(("Open", 3)), ("In Progress", 5), Step::Move(InProgress)),
            // Repeating, also later, changes nothing; also not a task that was reopened in between.
            (Open, Some(("Closed", 3)), ("closed", 9), Step::Nothing(Unchanged)),
            (Done, Some(("Closed", 3)), ("Closed", 3), Step::Nothing(Unchanged)),
            (Done, Some(("Closed", 5)), ("Reopened", 4), Step::Nothing(Stale)),
            (Done, Some(("Closed", 5)), ("Closed", 4), Step::Nothing(Stale)),
            (Done, Some(("Closed", 5)), ("Reopened", 5), Step::Move(Open)),
            (Done, Some(("Closed", 5)), ("Rejected", 6), Step::Move(Open)),
            (Open, Some(("In Progress", 5)), ("Rejected", 6), Step::Keep),
            (Open, Some(("Open", 5)), ("Frozen", 6), Step::Nothing(UnknownState)),
            (Cancelled, Some(("Open", 5)), ("Closed", 6), Step::Nothing(Refused)),
            (Done, Some(("Open", 5)), ("Closed", 6), Step::Keep),
        ] {
            let known = KnownTicket {
                status,
                moved_at: None,
                state: known.map(|(s, _)| s),
                state_at: known.map(|(_, minute)| at(minute)),
            };
            let said = Said { state: reported.0, at: at(reported.1), is_dated: true };
            let found = step(known, said, &States::default());
            assert_eq!(found, expected, "{known:?} {reported:?}");
        }
    }

    #[test]
    fn a_ticket_that_was_closed_again_says_so_by_its_time() {
        use TaskStatus::{Done, Open};
        use TicketOutcome::{Stale, Unchanged};
        // Closed at 3, reopened here at 10 since the retest failed.
        for (status, said_at, is_dated, expected) in [
            (Open, 3, true, Step::Nothing(Unchanged)),
            (Open, 10, true, Step::Nothing(Unchanged)),
            (Open, 11, true, Step::Move(Done)),
            // When it was put there is not known: it may only repeat itself.
            (Open, 11, false, Step::Nothing(Unchanged)),
            (Done, 11, true, Step::Nothing(Unchanged)),
        ] {
            let known = KnownTicket { status, moved_at: Some(at(10)), state: Some("Closed"), state_at: Some(at(3)) };
            let said = Said { state: "closed", at: at(said_at), is_dated };
            assert_eq!(step(known, said, &States::default()), expected, "{status:?} {said_at} {is_dated}");
        }
        // The same ticket, taken off and linked again: what it said is forgotten.
        let known = KnownTicket { status: Open, moved_at: Some(at(10)), state: None, state_at: None };
        for (said_at, expected) in [(3, Step::Nothing(Stale)), (11, Step::Move(Done))] {
            let said = Said { state: "Closed", at: at(said_at), is_dated: true };
            assert_eq!(step(known, said, &States::default()), expected, "{said_at}");
        }
    }

    #[test]
    fn a_word_that_nobody_explains_is_a_first_word_as_well() {
        // Done, then `Granskas`, which nobody has explained, then reopened.
        let known = KnownTicket { status: TaskStatus::Done, moved_at: None, state: None, state_at: Some(at(3)) };
        let said = Said { state: "Reopened", at: at(5), is_dated: true };
        assert_eq!(step(known, said, &States::default()), Step::Move(TaskStatus::Open));
    }

    #[test]
    fn a_move_that_needs_a_reason_has_one() {
        let item = TicketState { state: "On hold".into(), reason: Some("  ".into()), ..Default::default() };
        let wish = transition(TaskStatus::Blocked, &item, "jira");
        assert_eq!(wish.reason.as_deref(), Some("jira: On hold"));
        assert!(wish.check(TaskStatus::Open).is_ok());
        assert_eq!(transition(TaskStatus::Done, &item, "jira").reason, None);
    }

    #[test]
    fn each_wrong_item_is_named_by_its_place() {
        let item = |key: Option<&str>, state: &str| TicketState {
            key: key.map(str::to_owned),
            state: state.into(),
            ..Default::default()
        };
        let items = vec![item(Some("IT-1"), "Open"), item(None, "Open"), item(Some("a\nb"), "")];
        let wrong = TicketStates { system: "jira".into(), items }.check().unwrap_err().violations;
        let pointers: Vec<_> = wrong.iter().map(|v| v.pointer.as_str()).collect();
        assert_eq!(pointers, ["/items/1", "/items/2/key", "/items/2/state"]);
    }
}
