//! What a tracker's states mean for tasks: a municipality's own words, and the usual ones where it has said nothing.

use super::is_word;
use crate::{Error, TaskId, TaskStatus, TenantId, Violation, error::Result};
use sea_orm::EnumIter;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a tracker's state means for the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, EnumIter, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum TicketMeaning {
    /// Nobody works on it yet.
    Open,
    /// Somebody works on it.
    InProgress,
    /// It waits for something else.
    Blocked,
    /// The work is said to be done: its findings become `fix_claimed`.
    Done,
    /// Whoever got it sends it back: it is open again, with the reason.
    Refused,
    /// It will not be done.
    Cancelled,
    /// It says nothing about the task.
    Ignored,
}

impl TicketMeaning {
    /// The status that the task gets, if any.
    pub const fn status(self) -> Option<TaskStatus> {
        match self {
            Self::Open | Self::Refused => Some(TaskStatus::Open),
            Self::InProgress => Some(TaskStatus::InProgress),
            Self::Blocked => Some(TaskStatus::Blocked),
            Self::Done => Some(TaskStatus::Done),
            Self::Cancelled => Some(TaskStatus::Cancelled),
            Self::Ignored => None,
        }
    }
}

/// The words of the trackers that are widely used, in English and Swedish.
const USUAL: &[(&str, TicketMeaning)] = &[
    ("open", TicketMeaning::Open),
    ("new", TicketMeaning::Open),
    ("to do", TicketMeaning::Open),
    ("todo", TicketMeaning::Open),
    ("backlog", TicketMeaning::Open),
    ("reopened", TicketMeaning::Open),
    ("ny", TicketMeaning::Open),
    ("öppen", TicketMeaning::Open),
    ("in progress", TicketMeaning::InProgress),
    ("started", TicketMeaning::InProgress),
    ("active", TicketMeaning::InProgress),
    ("assigned", TicketMeaning::InProgress),
    ("pågår", TicketMeaning::InProgress),
    ("pågående", TicketMeaning::InProgress),
    ("blocked", TicketMeaning::Blocked),
    ("on hold", TicketMeaning::Blocked),
    ("pending", TicketMeaning::Blocked),
    ("stalled", TicketMeaning::Blocked),
    ("waiting", TicketMeaning::Blocked),
    ("väntar", TicketMeaning::Blocked),
    ("done", TicketMeaning::Done),
    ("closed", TicketMeaning::Done),
    ("resolved", TicketMeaning::Done),
    ("completed", TicketMeaning::Done),
    ("fixed", TicketMeaning::Done),
    ("klar", TicketMeaning::Done),
    ("löst", TicketMeaning::Done),
    ("stängd", TicketMeaning::Done),
    ("rejected", TicketMeaning::Refused),
    ("refused", TicketMeaning::Refused),
    ("declined", TicketMeaning::Refused),
    ("won't do", TicketMeaning::Refused),
    ("wont fix", TicketMeaning::Refused),
    ("avvisad", TicketMeaning::Refused),
    ("cancelled", TicketMeaning::Cancelled),
    ("canceled", TicketMeaning::Cancelled),
    ("avbruten", TicketMeaning::Cancelled),
];

/// Most states in a mapping, and in a preview beside those asked for.
pub const MAX_STATES: usize = 200;

/// A state's word as it is compared: `In_Progress` and ` in progress ` are one.
pub fn normal(state: &str) -> String {
    state.trim().to_lowercase().replace(['_', '-'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the words of one tracker mean in one municipality.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct States(pub BTreeMap<String, TicketMeaning>);

impl States {
    /// What a state means; none for a word that nobody has explained.
    pub fn meaning(&self, state: &str) -> Option<TicketMeaning> {
        let state = normal(state);
        let usual = || USUAL.iter().find(|(word, _)| *word == state).map(|(_, meaning)| *meaning);
        self.0.get(&state).copied().or_else(usual)
    }

    /// Reads what a municipality says.
    ///
    /// # Errors
    /// `invalid_body` naming each state that cannot be one, or stands twice.
    pub fn parse(given: &[MappedState]) -> Result<Self> {
        let mut states = BTreeMap::new();
        let mut violations = Vec::new();
        if given.len() > MAX_STATES {
            violations.push(Violation::new("/states", format!("takes at most {MAX_STATES} states")));
        }
        for (at, MappedState { state, meaning }) in given.iter().enumerate().take(MAX_STATES) {
            if !is_word(state) {
                violations.push(Violation::new(format!("/states/{at}/state"), "takes 1–100 characters on one line"));
            } else if states.insert(normal(state), *meaning).is_some() {
                violations.push(Violation::new(format!("/states/{at}/state"), "stands twice"));
            }
        }
        if violations.is_empty() { Ok(Self(states)) } else { Err(Error::invalid(violations)) }
    }

    /// The municipality's own words.
    pub fn listed(&self) -> Vec<MappedState> {
        self.0.iter().map(|(state, meaning)| MappedState { state: state.clone(), meaning: *meaning }).collect()
    }
}

/// What one state means.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject, async_graphql::InputObject,
)]
#[serde(deny_unknown_fields)]
#[graphql(name = "MappedState", input_name = "MappedStateInput")]
pub struct MappedState {
    /// The tracker's word, whatever its case.
    #[schema(min_length = 1, max_length = 100, example = "Åtgärdad")]
    pub state: String,
    /// What it means for the task.
    pub meaning: TicketMeaning,
}

/// What the states of one system mean in one municipality.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct TicketMapping {
    /// The municipality.
    pub tenant_id: TenantId,
    /// The ticketing system.
    pub system: String,
    /// Its own words. Those that it does not explain have their usual meaning.
    pub states: Vec<MappedState>,
    /// Grows with every change; the first part of the `ETag`. 0 if nothing was ever said.
    pub version: i64,
}

/// What a mapping would do to what its system last reported.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct MappingPreview {
    /// State by state: those asked for, and the 200 most frequent of those reported.
    pub states: Vec<PreviewedState>,
}

/// What one state would do.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct PreviewedState {
    /// The tracker's word.
    pub state: String,
    /// What it would mean; null for a word that nobody has explained.
    pub meaning: Option<TicketMeaning>,
    /// How many tickets were last reported in it.
    pub tickets: i64,
    /// The first tasks that would change, at most 100.
    pub tasks: Vec<PreviewedTask>,
}

/// What would happen to one task.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct PreviewedTask {
    /// The task.
    pub task_id: TaskId,
    /// Its ticket.
    pub key: String,
    /// How far it is.
    pub from: TaskStatus,
    /// How far it would be.
    pub to: TaskStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_municipalitys_words_come_before_the_usual_ones() {
        let given = [
            MappedState { state: "Åtgärdad".into(), meaning: TicketMeaning::Done },
            MappedState { state: "Closed".into(), meaning: TicketMeaning::Cancelled },
        ];
        let states = States::parse(&given).unwrap();
        for (state, meaning) in [
            ("åtgärdad", Some(TicketMeaning::Done)),
            ("CLOSED", Some(TicketMeaning::Cancelled)),
            ("In_Progress", Some(TicketMeaning::InProgress)),
            (" in  progress ", Some(TicketMeaning::InProgress)),
            ("Won't Do", Some(TicketMeaning::Refused)),
            ("Väntar på kaffe", None),
        ] {
            assert_eq!(states.meaning(state), meaning, "{state}");
        }
    }

    #[test]
    fn a_state_stands_once_and_is_a_word() {
        let state = |state: &str| MappedState { state: state.into(), meaning: TicketMeaning::Done };
        let wrong = |given: &[MappedState]| -> Vec<String> {
            States::parse(given).unwrap_err().violations.into_iter().map(|v| v.pointer).collect()
        };
        assert_eq!(wrong(&[state("done"), state("Done ")]), ["/states/1/state"]);
        assert_eq!(wrong(&[state(""), state("a\u{1b}[31m"), state(&"x".repeat(101))]).len(), 3);
        assert!(!wrong(&vec![state("x"); 201]).is_empty());
    }

    #[test]
    fn the_usual_words_are_in_their_normal_form_and_stand_once() {
        let mut seen = std::collections::BTreeSet::new();
        for (word, _) in USUAL {
            assert_eq!(normal(word), *word);
            assert!(seen.insert(word), "{word} stands twice");
        }
    }
}
