//! How each difference is repaired: by a request to us, or by somebody's hand.

use super::{Difference, DifferenceKind, Json};
use crate::{TaskId, TaskStatus, text::word};
use sea_orm::EnumIter;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

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

/// What is done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, EnumIter, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum HandAction {
    /// In the tracker: close the ticket.
    CloseTicket,
    /// In the tracker: put the ticket into a state that means `status`.
    SetState,
    /// In the tracker: let the ticket carry the id `task_id`.
    SetTaskId,
    /// In the tracker: take the id out of the ticket, or give it to the municipality whose task it names.
    ClearTaskId,
    /// In the mapping: say what the ticket's state means.
    ExplainState,
}

/// A repair by hand, in fields and in words.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct HandRepair {
    /// What to do.
    pub action: HandAction,
    /// Of `set_state`: how far the task is.
    pub status: Option<TaskStatus>,
    /// Of `set_task_id`: the id.
    pub task_id: Option<TaskId>,
    /// The same for people.
    pub words: String,
}

impl Difference {
    /// The request that repairs it; none for what is done by hand.
    pub fn repair(&self, system: &str) -> Option<Repair> {
        let task = self.task_id?;
        let ticket = format!("/v1/tasks/{task}/tickets/{system}");
        let (method, path, body) = match self.kind {
            DifferenceKind::Missing => ("DELETE", format!("{ticket}?key={}", percent(&self.key)), None),
            DifferenceKind::Orphaned => ("PUT", ticket, Some(json!({"key": self.key, "url": self.url}))),
            DifferenceKind::Drifted if self.status.is_none() => {
                let item = json!({"key": self.key, "state": self.state, "at": self.at});
                ("POST", "/v1/tickets/status".to_owned(), Some(json!({"system": system, "items": [item]})))
            }
            _ => return None,
        };
        Some(Repair { method: method.to_owned(), path, body: body.map(async_graphql::Json) })
    }

    /// What somebody does about it; none for what a request repairs.
    pub fn by_hand(&self, system: &str) -> Option<HandRepair> {
        let key = &self.key;
        let (action, words) = match (self.kind, self.status, self.task_id) {
            (DifferenceKind::Duplicate, ..) => {
                let keep = self.keep.as_deref().unwrap_or_default();
                (HandAction::CloseTicket, format!("close {key} as a duplicate: {keep} stands for the task"))
            }
            (DifferenceKind::Drifted, Some(status), _) => {
                let status = word(&status);
                (HandAction::SetState, format!("put {key} into a state that means `{status}`, as the task is"))
            }
            (DifferenceKind::Relabelled, _, Some(task)) => {
                (HandAction::SetTaskId, format!("set the id in {key} to {task}"))
            }
            (DifferenceKind::UnknownTask, _, Some(task)) => {
                let words = format!("take the id {task} out of {key}, or look for the municipality that has the task");
                (HandAction::ClearTaskId, words)
            }
            (DifferenceKind::UnknownState, ..) => {
                let state = self.state.as_deref().unwrap_or_default();
                let words = format!("say what `{state}` means with `PUT /v1/ticket-mappings/{system}`");
                (HandAction::ExplainState, words)
            }
            _ => return None,
        };
        let task_id = self.task_id.filter(|_| action == HandAction::SetTaskId);
        Some(HandRepair { action, status: self.status, task_id, words })
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

#[cfg(test)]
mod tests {
    use super::*;
    use DifferenceKind::{Drifted, Duplicate, Missing, Orphaned, Relabelled, UnknownState, UnknownTask};

    const TASK: &str = "00000000-0000-0000-0000-000000000001";

    fn difference(kind: DifferenceKind) -> Difference {
        Difference::new(kind, "IT 1&2", Some(TaskId(uuid::Uuid::from_u128(1))))
    }

    #[test]
    fn the_repair_is_a_request_that_can_be_sent() {
        let missing = difference(Missing).repair("jira").unwrap();
        let path = format!("/v1/tasks/{TASK}/tickets/jira");
        assert_eq!((missing.method.as_str(), missing.path), ("DELETE", format!("{path}?key=IT%201%262")));
        let orphaned = difference(Orphaned).repair("jira").unwrap();
        assert_eq!((orphaned.method.as_str(), orphaned.path.as_str()), ("PUT", path.as_str()));
        assert_eq!(orphaned.body.unwrap().0, json!({"key": "IT 1&2", "url": null}));
    }

    #[test]
    fn each_difference_has_one_repair() {
        let ours = Difference { status: Some(TaskStatus::Open), ..difference(Drifted) };
        let by_request = [Missing, Orphaned, Drifted].map(difference);
        let by_hand = [Duplicate, UnknownTask, Relabelled, UnknownState].map(difference);
        assert!(by_request.iter().all(|one| one.repair("jira").is_some() && one.by_hand("jira").is_none()));
        for one in by_hand.iter().chain([&ours]) {
            assert!(one.repair("jira").is_none() && one.by_hand("jira").is_some(), "{one:?}");
        }
        let told = ours.by_hand("jira").unwrap();
        assert_eq!((told.action, told.status), (HandAction::SetState, Some(TaskStatus::Open)));
        let told = difference(Relabelled).by_hand("jira").unwrap();
        assert_eq!(told.words, format!("set the id in IT 1&2 to {TASK}"));
    }
}
