//! Comments: what people say to each other about a finding or a task.

use crate::{CommentId, DateTime, Error, FindingId, PrincipalId, TaskId, TenantId, Violation, error::Result, text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest comment, in characters.
pub const MAX_TEXT: usize = 10_000;
/// The longest name of an actor outside, in characters.
pub const MAX_ACTOR: usize = 200;

/// What a comment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum CommentTarget {
    /// A finding.
    Finding(FindingId),
    /// A task.
    Task(TaskId),
}

/// What somebody said about a finding or a task. One about a finding marked TLP:RED is there only for those who
/// hold `evidence:read`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Comment {
    /// Identifier, UUIDv7: its order is that of the conversation.
    pub id: CommentId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// The finding that it is about; null for one about a task.
    pub finding_id: Option<FindingId>,
    /// The task that it is about; null for one about a finding.
    pub task_id: Option<TaskId>,
    /// What was said; null once it is deleted. Written by people: escape it where it is shown.
    pub text: Option<String>,
    /// Who said it.
    pub author: PrincipalId,
    /// Whom a connector speaks for: a name or address in its own system.
    pub external_actor: Option<String>,
    /// When it was said, RFC 3339 UTC.
    pub created_at: DateTime,
    /// When it last changed, RFC 3339 UTC.
    pub updated_at: DateTime,
    /// When its author deleted it, RFC 3339 UTC. What is left is that there was a comment.
    pub deleted_at: Option<DateTime>,
    /// The number of its last change on the tenant's clock.
    pub seq: i64,
}

impl Comment {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "finding_id",
        "task_id",
        "text",
        "author",
        "external_actor",
        "created_at",
        "updated_at",
        "deleted_at",
        "seq",
    ];
}

/// A comment to make.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// What to say: 1–10,000 characters.
    #[schema(min_length = 1, max_length = 10000, example = "Leverantören har lovat en rättning på fredag.")]
    pub text: String,
    /// Whom a connector speaks for: 1–200 characters on one line.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200, example = "asa@norrvik.example")]
    pub external_actor: Option<String>,
}

impl NewComment {
    /// Brings the comment to its normal form: trimmed, with plain line ends.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each field that is empty, too long or holds control characters.
    pub fn normalise(mut self) -> Result<Self> {
        let mut violations = Vec::new();
        self.text = words(&self.text, &mut violations);
        if let Some(actor) = &mut self.external_actor {
            *actor = actor.trim().to_owned();
            if actor.is_empty() || actor.chars().count() > MAX_ACTOR || !text::is_line(actor) {
                let detail = format!("takes 1–{MAX_ACTOR} characters on one line");
                violations.push(Violation::new("/external_actor", detail));
            }
        }
        if violations.is_empty() { Ok(self) } else { Err(Error::invalid(violations)) }
    }
}

/// Other words for a comment.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "CommentInput")]
pub struct CommentPatch {
    /// What to say instead: 1–10,000 characters.
    #[schema(min_length = 1, max_length = 10000)]
    pub text: String,
}

impl CommentPatch {
    /// Brings the text to its normal form.
    ///
    /// # Errors
    /// `invalid_body` as [`NewComment::normalise`].
    pub fn normalise(self) -> Result<Self> {
        let mut violations = Vec::new();
        let text = words(&self.text, &mut violations);
        if violations.is_empty() { Ok(Self { text }) } else { Err(Error::invalid(violations)) }
    }
}

fn words(given: &str, violations: &mut Vec<Violation>) -> String {
    let text = given.trim().replace("\r\n", "\n").replace('\r', "\n");
    if text.is_empty() {
        violations.push(Violation::new("/text", "is empty"));
    } else if text.chars().count() > MAX_TEXT {
        violations.push(Violation::new("/text", format!("is longer than {MAX_TEXT} characters")));
    } else if !text::is_text(&text) {
        violations.push(Violation::new("/text", "holds a control character"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(text: &str, actor: Option<&str>) -> Vec<String> {
        let new = NewComment { text: text.into(), external_actor: actor.map(Into::into) };
        let refused = new.normalise().err();
        refused.map(|e| e.violations.into_iter().map(|v| v.pointer).collect()).unwrap_or_default()
    }

    #[test]
    fn a_comment_is_some_lines_of_text() {
        assert_eq!(pointers("a", None), [""; 0]);
        assert_eq!(pointers(&"å".repeat(MAX_TEXT), Some("åsa@norrvik.example")), [""; 0]);
        for bad in ["", " \n\t ", "a\0b", "a\u{1b}[31m", "a\u{202e}b", &"å".repeat(MAX_TEXT + 1)] {
            assert_eq!(pointers(bad, None), ["/text"], "{bad:.20}");
        }
        assert_eq!(pointers("", Some("a\nb")), ["/text", "/external_actor"]);
        assert_eq!(pointers("a", Some(" ")), ["/external_actor"]);
    }

    #[test]
    fn line_ends_come_to_one_form() {
        let patch = CommentPatch { text: " a\r\nb\rc\n".into() };
        assert_eq!(patch.normalise().unwrap().text, "a\nb\nc");
    }
}
