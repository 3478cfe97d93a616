//! One command over many findings, by their ids or by a filter.

use crate::{Code, Error, FindingFilter, FindingId, Transition, Violation, error::Result, finding::FindingPatch};
use sea_orm::EnumIter;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use utoipa::ToSchema;

/// Most findings of one command.
pub const MAX_ITEMS: usize = 1_000;

/// A finding, and the version of it that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "FindingVersionInput")]
pub struct FindingVersion {
    /// The finding.
    pub id: FindingId,
    /// The `seq` that it was read with. Left out: as it stands.
    #[serde(default)]
    pub seq: Option<i64>,
}

/// What is to happen, as it comes in.
#[derive(Clone, Debug, Default)]
pub struct BulkWish {
    /// Findings as they stand.
    pub ids: Option<Vec<FindingId>>,
    /// Findings in the versions read.
    pub items: Option<Vec<FindingVersion>>,
    /// All findings that a filter holds.
    pub filter: Option<FindingFilter>,
    /// Moves each to another status.
    pub transition: Option<Transition>,
    /// Changes what people say of each.
    pub patch: Option<FindingPatch>,
    /// Only tells what would happen.
    pub dry_run: bool,
    /// How many findings the dry run told of.
    pub expected_count: Option<i64>,
}

/// What is to happen, once it is known to make sense.
#[derive(Clone, Debug)]
pub struct Bulk {
    /// To which findings.
    pub selection: Selection,
    /// What.
    pub action: Action,
    /// Only tells what would happen.
    pub dry_run: bool,
    /// How many findings there are to be.
    pub expected_count: Option<i64>,
}

/// Which findings.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These.
    Items(Vec<FindingVersion>),
    /// All that the filter holds.
    Filter(Box<FindingFilter>),
}

/// What happens to each finding: what the command of its own would do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Another status.
    Transition(Transition),
    /// Other words of people.
    Patch(FindingPatch),
}

impl BulkWish {
    /// Makes a command of it: one way to name 1–1,000 findings, one thing to do. A filter may hold what nobody has
    /// looked at, so that only its dry run goes without a count.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each place.
    pub fn parse(self) -> Result<Bulk> {
        let mut violations = Vec::new();
        let action = match (self.transition, self.patch) {
            (Some(transition), None) => Some(Action::Transition(transition)),
            (None, Some(patch)) => Some(Action::Patch(patch.normalise().map_err(within_patch)?)),
            _ => {
                violations.push(Violation::new("", "takes one of `transition` and `patch`"));
                None
            }
        };
        let as_it_stands = |id| FindingVersion { id, seq: None };
        let selection = match (self.ids, self.items, self.filter) {
            (Some(ids), None, None) => {
                check_ids("/ids", &ids, &mut violations);
                Some(Selection::Items(ids.into_iter().map(as_it_stands).collect()))
            }
            (None, Some(items), None) => {
                check_ids("/items", &items.iter().map(|item| item.id).collect::<Vec<_>>(), &mut violations);
                Some(Selection::Items(items))
            }
            (None, None, Some(filter)) => {
                if !self.dry_run && self.expected_count.is_none() {
                    let detail = "is needed with a filter: repeat the `count` of a dry run";
                    violations.push(Violation::new("/expected_count", detail));
                }
                Some(Selection::Filter(Box::new(filter)))
            }
            _ => {
                violations.push(Violation::new("", "takes one of `ids`, `items` and `filter`"));
                None
            }
        };
        match (selection, action) {
            (Some(selection), Some(action)) if violations.is_empty() => {
                Ok(Bulk { selection, action, dry_run: self.dry_run, expected_count: self.expected_count })
            }
            _ => Err(Error::invalid(violations)),
        }
    }
}

fn within_patch(error: Error) -> Error {
    let inside = |violation: Violation| Violation::new(format!("/patch{}", violation.pointer), violation.detail);
    Error::invalid(error.violations.into_iter().map(inside).collect())
}

fn check_ids(pointer: &str, ids: &[FindingId], violations: &mut Vec<Violation>) {
    if !(1..=MAX_ITEMS).contains(&ids.len()) {
        violations.push(Violation::new(pointer, format!("takes 1–{MAX_ITEMS} findings, not {}", ids.len())));
        return;
    }
    let mut seen = HashSet::new();
    if let Some(at) = ids.iter().position(|id| !seen.insert(id)) {
        violations.push(Violation::new(format!("{pointer}/{at}"), "stands twice"));
    }
}

/// Refuses a count that is not the one expected, or too large for one command.
///
/// # Errors
/// `count_mismatch`, `too_many`, each naming the count.
pub fn check_count(count: i64, expected: Option<i64>) -> Result<()> {
    if count > MAX_ITEMS as i64 {
        let detail = format!("the filter holds {count} findings; one command takes {MAX_ITEMS}");
        return Err(Error::new(Code::TooMany, detail));
    }
    if expected.is_some_and(|expected| expected != count) {
        return Err(Error::new(Code::CountMismatch, format!("there are {count} findings")));
    }
    Ok(())
}

/// What became of one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, EnumIter, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum BulkResult {
    /// It changed, or would.
    Done,
    /// It is that way already.
    Unchanged,
    /// A rule refused it; see `code`.
    Refused,
}

/// What became of one finding, and why.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct BulkOutcome {
    /// The finding.
    pub id: FindingId,
    /// What became of it.
    pub outcome: BulkResult,
    /// Its `seq` now; null if it was refused, or in a dry run.
    pub seq: Option<i64>,
    /// The code of the refusal, the same as the command of its own would answer.
    pub code: Option<String>,
    /// What happened in this case.
    pub detail: Option<String>,
}

/// What became of all of them.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct BulkReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// How many findings were named, or the filter holds.
    pub count: i64,
    /// How many changed.
    pub done: i64,
    /// How many were that way already.
    pub unchanged: i64,
    /// How many were refused.
    pub refused: i64,
    /// One outcome per finding: in the order in which they were named, or by id.
    pub items: Vec<BulkOutcome>,
}

impl BulkReport {
    /// Counts the outcomes.
    pub fn of(dry_run: bool, items: Vec<BulkOutcome>) -> Self {
        let count = |result| items.iter().filter(|item| item.outcome == result).count() as i64;
        let (done, unchanged) = (count(BulkResult::Done), count(BulkResult::Unchanged));
        let refused = count(BulkResult::Refused);
        Self { dry_run, count: items.len() as i64, done, unchanged, refused, items }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;
    use uuid::Uuid;

    fn id(n: usize) -> FindingId {
        FindingId(Uuid::from_u128(n as u128))
    }

    fn wish() -> BulkWish {
        let transition = Transition { to: Status::Confirmed, justification: None, comment: None, duplicate_of: None };
        BulkWish { transition: Some(transition), ..Default::default() }
    }

    fn pointers(wish: BulkWish) -> Vec<String> {
        wish.parse().err().map(|e| e.violations.into_iter().map(|v| v.pointer).collect()).unwrap_or_default()
    }

    #[test]
    fn one_way_to_name_findings_and_one_thing_to_do() {
        let ids = |count: usize| Some((0..count).map(id).collect::<Vec<_>>());
        assert_eq!(pointers(BulkWish { ids: ids(MAX_ITEMS), ..wish() }), [""; 0]);
        assert_eq!(pointers(BulkWish { ids: ids(MAX_ITEMS + 1), ..wish() }), ["/ids"]);
        assert_eq!(pointers(BulkWish { ids: ids(0), ..wish() }), ["/ids"]);
        assert_eq!(pointers(BulkWish { ids: Some(vec![id(1), id(2), id(1)]), ..wish() }), ["/ids/2"]);
        assert_eq!(pointers(wish()), [""]);
        assert_eq!(pointers(BulkWish { ids: ids(1), filter: Some(FindingFilter::default()), ..wish() }), [""]);
        assert_eq!(pointers(BulkWish { ids: ids(1), patch: Some(FindingPatch::default()), ..wish() }), [""]);
        let patch = FindingPatch { assignee: Some(Some(" ".into())), ..Default::default() };
        assert_eq!(pointers(BulkWish { ids: ids(1), patch: Some(patch), ..Default::default() }), ["/patch/assignee"]);
    }

    #[test]
    fn a_filter_is_looked_at_first() {
        let filter = || Some(FindingFilter::default());
        assert_eq!(pointers(BulkWish { filter: filter(), ..wish() }), ["/expected_count"]);
        assert_eq!(pointers(BulkWish { filter: filter(), dry_run: true, ..wish() }), [""; 0]);
        assert_eq!(pointers(BulkWish { filter: filter(), expected_count: Some(3), ..wish() }), [""; 0]);
        assert_eq!(check_count(3, Some(3)), Ok(()));
        assert_eq!(check_count(4, Some(3)).unwrap_err().code, Code::CountMismatch);
        assert_eq!(check_count(1_001, Some(1_001)).unwrap_err().code, Code::TooMany);
    }
}
