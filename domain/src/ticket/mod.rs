//! Tickets: what stands for a task in a ticketing system.

pub mod mapping;
pub mod markup;
pub mod reconcile;
pub mod report;
pub mod text;
pub mod words;

use crate::{
    DateTime, Error, PrincipalId, TaskId, TaskStatus, TenantId, Violation,
    condition::few,
    error::Result,
    task::is_system,
    text::{clean_line, is_line},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A ticket that stands for a task in one system.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Ticket {
    /// The ticketing system: `jira`.
    pub system: String,
    /// The ticket's key there: `IT-1042`.
    pub key: String,
    /// Its page there.
    pub url: Option<String>,
    /// The state that the system last reported, in its own word.
    pub state: Option<String>,
    /// When it was in that state, RFC 3339 UTC.
    pub state_at: Option<DateTime>,
    /// Who put it there, in the system's own words.
    pub external_actor: Option<String>,
    /// When it was linked, RFC 3339 UTC.
    pub linked_at: DateTime,
    /// Who linked it.
    pub linked_by: PrincipalId,
}

/// A ticket with the task that it stands for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct LinkedTicket {
    /// The municipality.
    pub tenant_id: TenantId,
    /// The task.
    pub task_id: TaskId,
    /// How far the task is.
    pub task_status: TaskStatus,
    /// The ticket.
    pub ticket: Ticket,
}

impl LinkedTicket {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &["tenant_id", "task_id", "task_status", "ticket"];
}

/// Which tickets. All conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TicketFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// The ticketing system.
    #[param(example = "jira")]
    pub system: Option<String>,
}

impl TicketFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &["tenant", "system"];

    /// Refuses what no ticket can have.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        if self.system.as_ref().is_some_and(|system| !is_system(system)) {
            return Err(Error::parameter("system", "takes 1–40 of a–z, 0–9, `-` and `_`"));
        }
        Ok(())
    }
}

/// A ticket to link. Values are in their normal form.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketLink {
    /// The ticketing system.
    pub system: String,
    /// The ticket's key there.
    pub key: String,
    /// Its page there.
    pub url: Option<String>,
    /// The token of the lease that the task was claimed with.
    pub lease: Option<Uuid>,
}

impl TicketLink {
    /// Reads a link: system 1–40 of a–z, 0–9, `-` and `_`; key 1–100
    /// characters on one line; URL http or https, at most 2,000 characters.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn parse(system: &str, key: &str, url: Option<&str>, lease: Option<Uuid>) -> Result<Self> {
        let mut violations = Vec::new();
        if !is_system(system) {
            violations.push(Violation::new("/system", "takes 1–40 of a–z, 0–9, `-` and `_`"));
        }
        if !is_key(key) {
            violations.push(Violation::new("/key", "takes 1–100 characters on one line"));
        }
        if url.is_some_and(|u| !is_web_url(u)) {
            violations.push(Violation::new("/url", "takes an http or https URL of at most 2,000 characters"));
        }
        if violations.is_empty() {
            Ok(Self { system: system.to_owned(), key: key.to_owned(), url: url.map(str::to_owned), lease })
        } else {
            Err(Error::invalid(violations))
        }
    }
}

/// Whether the text can be a ticket's key.
pub fn is_key(key: &str) -> bool {
    !key.is_empty() && clean_line(key, 100) == key
}

/// Whether the text can be the word of a tracker for a state, or the name of who put a ticket there.
fn is_word(word: &str) -> bool {
    let length = word.trim().chars().count();
    (1..=100).contains(&length) && is_line(word)
}

fn is_web_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    url.len() <= 2000
        && rest.is_some_and(|r| !r.is_empty() && !r.contains(|c: char| c.is_whitespace() || c.is_control()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_link_takes_no_script_and_no_line_breaks() {
        let pointers = |key, url| {
            TicketLink::parse("jira", key, url, None)
                .err()
                .map(|e| e.violations.into_iter().map(|v| v.pointer).collect::<Vec<_>>())
        };
        assert_eq!(pointers("IT-1", Some("https://jira.norrvik.example/browse/IT-1")), None);
        assert_eq!(pointers("IT-1\r\nX: y", None), Some(vec!["/key".into()]));
        assert_eq!(pointers("IT-1", Some("javascript:alert(1)")), Some(vec!["/url".into()]));
        assert!(TicketLink::parse("Jira!", "IT-1", None, None).is_err());
    }
}
