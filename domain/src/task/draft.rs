//! Tasks that people make, and what they say about any task.

use crate::{DateTime, Error, FindingId, Severity, TaskId, Violation, condition::storable_time, error::Result, text};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Most findings that a person may put into a task.
pub const MAX_FINDINGS: usize = 5_000;
/// Most tasks that one task waits for.
pub const MAX_BLOCKERS: usize = 100;
/// The longest plan, in characters.
pub const MAX_PLAN: usize = 20_000;
/// The longest title, in characters.
pub const MAX_TITLE: usize = 500;
/// The most hours of work.
pub const MAX_HOURS: f64 = 1_000_000.0;
/// The highest cost, in whole units of the municipality's currency.
pub const MAX_COST: i64 = 1_000_000_000_000;

/// A task made by hand.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "TaskInput")]
pub struct TaskDraft {
    /// One line of at most 500 characters.
    #[schema(min_length = 1, max_length = 500, example = "Stäng LDAP utan signering")]
    pub title: String,
    /// How it is to be done; at most 20,000 characters.
    #[serde(default)]
    #[schema(max_length = 20000)]
    pub plan: Option<String>,
    /// Its findings, at most 5,000.
    #[serde(default)]
    #[graphql(default)]
    #[schema(max_items = 5000)]
    pub findings: Vec<FindingId>,
    /// How bad it is as long as it has no open findings; `medium` if left out.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// When it is to be done; the earliest due date of its findings if left out.
    #[serde(default)]
    #[schema(value_type = Option<DateTime>)]
    pub due_at: Option<DateTime>,
    /// Who works on it: 1–200 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub assignee: Option<String>,
    /// The work that it takes, in hours.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1000000)]
    pub effort_hours: Option<f64>,
    /// What it costs beside the work, in whole units of the municipality's currency.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub cost: Option<i64>,
    /// Tasks that must be finished first, at most 100.
    #[serde(default)]
    #[graphql(default)]
    #[schema(max_items = 100)]
    pub blocked_by: Vec<TaskId>,
}

/// A change of a task. A field left out stays as it is; null empties it (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskPatch {
    /// One line.
    pub title: Option<String>,
    /// How it is to be done.
    pub plan: Option<Option<String>>,
    /// When it is to be done; null goes back to the earliest due date of its findings.
    pub due_at: Option<Option<DateTime>>,
    /// Who works on it.
    pub assignee: Option<Option<String>>,
    /// The work that it takes, in hours.
    pub effort_hours: Option<Option<f64>>,
    /// What it costs.
    pub cost: Option<Option<i64>>,
    /// Tasks that must be finished first, in place of those that were.
    pub blocked_by: Option<Vec<TaskId>>,
    /// Findings that join it.
    pub add_findings: Vec<FindingId>,
    /// Findings that leave it.
    pub remove_findings: Vec<FindingId>,
}

impl TaskDraft {
    /// Brings the texts to their normal form.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn normalise(mut self) -> Result<Self> {
        let mut wrong = Wrong::default();
        self.title = wrong.line("/title", &self.title, MAX_TITLE);
        self.plan = self.plan.map(|plan| wrong.text("/plan", &plan)).filter(|plan| !plan.is_empty());
        self.assignee = self.assignee.map(|assignee| wrong.line("/assignee", &assignee, 200));
        wrong.hours(self.effort_hours);
        wrong.cost(self.cost);
        wrong.time(self.due_at);
        wrong.few("/findings", self.findings.len(), MAX_FINDINGS);
        wrong.few("/blocked_by", self.blocked_by.len(), MAX_BLOCKERS);
        (self.findings, self.blocked_by) = (each_once(self.findings), each_once(self.blocked_by));
        wrong.none(self)
    }
}

impl TaskPatch {
    /// Brings the texts to their normal form.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn normalise(mut self) -> Result<Self> {
        let mut wrong = Wrong::default();
        self.title = self.title.map(|title| wrong.line("/title", &title, MAX_TITLE));
        self.plan = self.plan.map(|plan| plan.map(|p| wrong.text("/plan", &p)).filter(|p| !p.is_empty()));
        self.assignee = self.assignee.map(|assignee| assignee.map(|a| wrong.line("/assignee", &a, 200)));
        wrong.hours(self.effort_hours.flatten());
        wrong.cost(self.cost.flatten());
        wrong.time(self.due_at.flatten());
        wrong.few("/add_findings", self.add_findings.len(), MAX_FINDINGS);
        wrong.few("/remove_findings", self.remove_findings.len(), MAX_FINDINGS);
        wrong.few("/blocked_by", self.blocked_by.as_ref().map_or(0, Vec::len), MAX_BLOCKERS);
        self.add_findings = each_once(self.add_findings);
        self.remove_findings = each_once(self.remove_findings);
        self.blocked_by = self.blocked_by.map(each_once);
        if let Some(both) = self.add_findings.iter().position(|id| self.remove_findings.binary_search(id).is_ok()) {
            wrong.at(&format!("/add_findings/{both}"), "stands in `remove_findings` as well");
        }
        wrong.none(self)
    }
}

fn each_once<T: Ord>(mut ids: Vec<T>) -> Vec<T> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// What is wrong with a body.
#[derive(Default)]
struct Wrong(Vec<Violation>);

impl Wrong {
    fn at(&mut self, pointer: &str, detail: &str) {
        self.0.push(Violation::new(pointer, detail));
    }

    fn line(&mut self, pointer: &str, given: &str, max: usize) -> String {
        let line = given.trim();
        if line.is_empty() {
            self.at(pointer, "is empty");
        } else if !text::is_line(line) {
            self.at(pointer, "holds a control character");
        } else if line.chars().count() > max {
            self.at(pointer, &format!("is longer than {max} characters"));
        }
        line.to_owned()
    }

    fn text(&mut self, pointer: &str, given: &str) -> String {
        if !text::is_text(given) {
            self.at(pointer, "holds a control character");
        } else if given.chars().count() > MAX_PLAN {
            self.at(pointer, "is longer than 20,000 characters");
        }
        text::clean(given.trim(), MAX_PLAN)
    }

    fn hours(&mut self, hours: Option<f64>) {
        if hours.is_some_and(|hours| !(0.0..=MAX_HOURS).contains(&hours)) {
            self.at("/effort_hours", "takes 0 to 1,000,000 hours");
        }
    }

    fn cost(&mut self, cost: Option<i64>) {
        if cost.is_some_and(|cost| !(0..=MAX_COST).contains(&cost)) {
            self.at("/cost", "takes 0 to 1,000,000,000,000");
        }
    }

    fn time(&mut self, time: Option<DateTime>) {
        if storable_time("due_at", time).is_err() {
            self.at("/due_at", "takes a year from 1 to 9999");
        }
    }

    fn few(&mut self, pointer: &str, found: usize, max: usize) {
        if found > max {
            self.at(pointer, &format!("takes at most {max}"));
        }
    }

    fn none<T>(self, checked: T) -> Result<T> {
        if self.0.is_empty() { Ok(checked) } else { Err(Error::invalid(self.0)) }
    }
}

/// Whether `task`, were it blocked by these, would wait for itself. `edges` says what each task of the municipality
/// waits for.
pub fn would_wait_for_itself(
    task: TaskId,
    blocked_by: &[TaskId],
    edges: &BTreeMap<TaskId, Vec<TaskId>>,
) -> Option<TaskId> {
    let reaches = |start: TaskId| {
        let (mut seen, mut ahead) = (BTreeSet::new(), vec![start]);
        while let Some(at) = ahead.pop() {
            if at == task {
                return true;
            }
            if seen.insert(at) {
                ahead.extend(edges.get(&at).into_iter().flatten());
            }
        }
        false
    };
    blocked_by.iter().copied().find(|blocker| reaches(*blocker))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(n: u128) -> TaskId {
        TaskId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn no_task_waits_for_itself_however_long_the_way() {
        let edges = BTreeMap::from([(task(2), vec![task(3)]), (task(3), vec![task(4), task(5)]), (task(9), vec![])]);
        assert_eq!(would_wait_for_itself(task(1), &[task(2)], &edges), None);
        assert_eq!(would_wait_for_itself(task(1), &[task(1)], &edges), Some(task(1)));
        assert_eq!(would_wait_for_itself(task(5), &[task(9), task(2)], &edges), Some(task(2)));
        // A circle that is there already does not keep it busy for ever.
        let circle = BTreeMap::from([(task(2), vec![task(3)]), (task(3), vec![task(2)])]);
        assert_eq!(would_wait_for_itself(task(1), &[task(2)], &circle), None);
    }

    #[test]
    fn each_wrong_field_is_named_by_its_place() {
        let draft = TaskDraft {
            title: "a\nb".into(),
            plan: Some("x\0".into()),
            assignee: Some(" ".into()),
            effort_hours: Some(f64::NAN),
            cost: Some(-1),
            findings: (0..5_001).map(|n| FindingId(uuid::Uuid::from_u128(n))).collect(),
            ..Default::default()
        };
        let wrong: Vec<_> = draft.normalise().unwrap_err().violations.into_iter().map(|v| v.pointer).collect();
        assert_eq!(wrong, ["/title", "/plan", "/assignee", "/effort_hours", "/cost", "/findings"]);
    }

    #[test]
    fn a_finding_does_not_join_and_leave_at_once() {
        let id = FindingId(uuid::Uuid::from_u128(7));
        let patch = TaskPatch { add_findings: vec![id, id], remove_findings: vec![id], ..Default::default() };
        assert_eq!(patch.normalise().unwrap_err().violations[0].pointer, "/add_findings/0");
    }
}
