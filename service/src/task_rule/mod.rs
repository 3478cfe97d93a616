//! The municipality's rule: which findings make tasks by themselves, and how tasks follow as their findings come and go,
//! whoever changes those: a report, a person, a retest, time.

mod merge;

pub(crate) use merge::hand_over_asset;

use crate::{
    Result,
    finding::write::Edit,
    task::{
        is_unfinished,
        tally::{apply, count, tally_of},
        write::{self, AT_ONCE, TaskEdit},
    },
    tenancy::{Change, Command},
};
use domain::{
    EventKind, Status, TaskGroup, TaskStatus,
    task::{Share, Tally},
    tenant_settings::TenantSettings,
    ticket::words::{is_nameless, title_of_asset},
};
use entity::{asset, finding, task, task_finding};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// What the findings of a task that the rule makes have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Group {
    /// One weakness: a source's rule.
    Rule(Uuid, String),
    /// One asset or finding.
    One(TaskGroup, Uuid),
}

impl Group {
    /// The group that a finding is in; none where people alone make tasks. What is on no asset stands for itself.
    fn of(by: TaskGroup, row: &finding::Model) -> Option<Self> {
        Some(match (by, row.asset_id) {
            (TaskGroup::Hand, _) => return None,
            (TaskGroup::RuleKey, _) => Self::Rule(row.source_id, row.rule_key.clone()),
            (TaskGroup::Asset, Some(asset)) => Self::One(TaskGroup::Asset, asset),
            (TaskGroup::Asset | TaskGroup::Finding, _) => Self::One(TaskGroup::Finding, row.id),
        })
    }

    /// The group of a task; none of one that people made.
    fn of_task(row: &task::Model) -> Option<Self> {
        match (row.grouped_by, row.source_id, &row.rule_key, row.group_id) {
            (TaskGroup::RuleKey, Some(source), Some(rule), _) => Some(Self::Rule(source, rule.clone())),
            (by @ (TaskGroup::Asset | TaskGroup::Finding), _, _, Some(id)) => Some(Self::One(by, id)),
            _ => None,
        }
    }
}

/// Lets tasks follow the findings that a command made or changed.
pub(crate) async fn follow(command: &mut Command, edits: impl Iterator<Item = &Edit>) -> Result<()> {
    let edits: Vec<&Edit> = edits.collect();
    if edits.is_empty() {
        return Ok(());
    }
    let mut work = Work::load(command, command.settings(), &edits).await?;
    for edit in &edits {
        work.follow_known(edit);
        if work.wants_task(edit) {
            work.join(command, edit);
        }
    }
    work.save(command).await
}

/// The share of a finding in its tasks.
fn share(row: &finding::Model) -> Option<Share> {
    Share::of(row.status, row.severity, row.priority, row.due_at)
}

/// Whether somebody has to do something about it. What is claimed fixed waits for who verifies it.
fn needs_work(row: &finding::Model) -> bool {
    matches!(row.status, Status::New | Status::Confirmed | Status::InProgress)
}

/// A task with what the command changes of it.
struct Entry {
    before: Option<task::Model>,
    after: task::Model,
    tally: Tally,
    kind: Option<EventKind>,
    /// What joins it now, beside what is linked already.
    joining: Vec<Option<Share>>,
    /// Whether it has to be counted again.
    unsure: bool,
}

/// The tasks that the findings are in, or may come into.
struct Work {
    tasks: HashMap<Uuid, Entry>,
    tasks_of: HashMap<Uuid, Vec<Uuid>>,
    open: HashMap<Group, Uuid>,
    links: Vec<task_finding::ActiveModel>,
    asset_names: HashMap<Uuid, String>,
    settings: TenantSettings,
    /// In the order in which the command touched them, so that numbers follow the report.
    order: Vec<Uuid>,
}

impl Work {
    async fn load(command: &Command, settings: &TenantSettings, edits: &[&Edit]) -> Result<Self> {
        let mut tasks_of: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        let known: Vec<Uuid> = edits.iter().filter(|e| e.before.is_some()).map(|e| e.after.id).collect();
        for some in known.chunks(AT_ONCE) {
            let of_findings = task_finding::Column::FindingId.is_in(some.iter().copied());
            for link in command.scope().find::<task_finding::Entity>().filter(of_findings).all().await? {
                tasks_of.entry(link.finding_id).or_default().push(link.task_id);
            }
        }
        let linked: BTreeSet<Uuid> = tasks_of.values().flatten().copied().collect();
        let mut rows = write::by_ids(command, linked).await?;
        let open = open_tasks(command, settings, edits, &rows).await?;
        rows.extend(open.iter().map(|row| (row.id, row.clone())));
        let group = |row: &task::Model| Some((Group::of_task(row)?, row.id));
        let open = rows.values().filter(|row| !row.status.is_finished()).filter_map(group).collect();
        let asset_names = asset_names(command, settings, edits).await?;
        let tasks = rows.into_iter().map(|(id, row)| (id, Entry::of(row))).collect();
        Ok(Self {
            tasks,
            tasks_of,
            open,
            links: Vec::new(),
            asset_names,
            settings: settings.clone(),
            order: Vec::new(),
        })
    }

    /// What a change of a finding changes in the tasks that hold it.
    fn follow_known(&mut self, edit: &Edit) {
        let Some(before) = &edit.before else { return };
        let failed = before.status == Status::FixClaimed && needs_work(&edit.after);
        for id in self.tasks_of.get(&edit.after.id).cloned().unwrap_or_default() {
            let Some(entry) = self.tasks.get_mut(&id) else { continue };
            if entry.tally.take(share(before), share(&edit.after)) {
                entry.unsure = true;
            }
            let group = Group::of_task(&entry.after);
            if failed && entry.after.status == TaskStatus::Done {
                // Where another task has taken its place, the finding comes into that one.
                let is_replaced = group.as_ref().is_some_and(|group| self.open.contains_key(group));
                if !is_replaced {
                    entry.after.status = TaskStatus::Open;
                    (entry.after.status_reason, entry.after.external_actor) = (None, None);
                    entry.kind = Some(EventKind::TaskReopened);
                    self.open.extend(group.clone().map(|group| (group, id)));
                }
            }
            if !entry.after.status.is_finished() {
                let title = group.map(|group| title(&group, &edit.after, &self.asset_names, &self.settings));
                entry.hear(edit, title);
            }
            self.order.push(id);
        }
    }

    /// Whether the rule wants the finding in a task that it is not in. One whose task was cancelled, or is done, gets
    /// another one only when it comes up again.
    fn wants_task(&self, edit: &Edit) -> bool {
        let wants = |row: &finding::Model| needs_work(row) && row.severity >= self.settings.task_threshold;
        let tasks = self.tasks_of.get(&edit.after.id);
        let is_held = |id: &Uuid| self.tasks.get(id).is_some_and(|entry| !entry.after.status.is_finished());
        wants(&edit.after)
            && match tasks {
                None => true,
                Some(tasks) => !tasks.iter().any(is_held) && !edit.before.as_ref().is_some_and(wants),
            }
    }

    fn join(&mut self, command: &Command, edit: &Edit) {
        let row = &edit.after;
        let Some(group) = Group::of(self.settings.task_group, row) else { return };
        let title = title(&group, row, &self.asset_names, &self.settings);
        let id = *self.open.entry(group.clone()).or_insert_with(Uuid::now_v7);
        let entry = self.tasks.entry(id).or_insert_with(|| Entry::new(command, id, &group, title.clone(), row));
        entry.hear(edit, Some(title));
        entry.after.finding_count += 1;
        entry.joining.push(share(row));
        entry.unsure |= entry.tally.take(None, share(row));
        self.order.push(id);
        let (tenant_id, task_id) = (Set(command.tenant()), Set(id));
        self.links.push(task_finding::ActiveModel { tenant_id, task_id, finding_id: Set(row.id) });
    }

    async fn save(mut self, command: &mut Command) -> Result<()> {
        // What comes to nothing is counted before it is believed.
        let unsure = |entry: &&Entry| entry.before.is_some() && (entry.unsure || entry.tally.open <= 0);
        let touched: HashSet<Uuid> = self.order.iter().copied().collect();
        let again: Vec<Uuid> =
            touched.iter().filter_map(|id| self.tasks.get(id)).filter(unsure).map(|entry| entry.after.id).collect();
        let mut counted = count(command, &again).await?;
        for id in again {
            let Some(entry) = self.tasks.get_mut(&id) else { continue };
            let none = Tally { open: 0, due_at: None, ..tally_of(&entry.after) };
            entry.tally = counted.remove(&id).unwrap_or(none);
            for share in std::mem::take(&mut entry.joining) {
                let _ = entry.tally.take(None, share);
            }
        }
        let mut seen = HashSet::new();
        let order: Vec<Uuid> = self.order.iter().copied().filter(|id| seen.insert(*id)).collect();
        let edits = order.into_iter().filter_map(|id| self.tasks.remove(&id)).map(Entry::edit).collect();
        write::save(command, edits).await?;
        command.insert::<task_finding::Entity>(self.links).await
    }
}

/// What a finding calls the tasks of its group. The title and the recommendation of one that is marked TLP:RED are for
/// everybody, but a tracker is not told by it which asset that is.
fn title(
    group: &Group,
    row: &finding::Model,
    asset_names: &HashMap<Uuid, String>,
    settings: &TenantSettings,
) -> String {
    let Group::One(TaskGroup::Asset, asset) = group else { return row.title.clone() };
    let name = asset_names.get(asset).filter(|_| !row.tlp.is_restricted());
    title_of_asset(settings.language, name.map(String::as_str))
}

/// Whether the task says what the finding says to do: an asset's task is about many things.
fn holds_words_of(task: &task::Model, row: &finding::Model) -> bool {
    match Group::of_task(task) {
        // A finding whose rule has another name by now stays in its task, which then has words of its own.
        Some(Group::Rule(source, rule)) => (source, rule.as_str()) == (row.source_id, row.rule_key.as_str()),
        Some(Group::One(TaskGroup::Finding, id)) => id == row.id,
        _ => false,
    }
}

impl Entry {
    /// Lets the task say what a finding of it says.
    fn hear(&mut self, edit: &Edit, title: Option<String>) {
        let row = &edit.after;
        if let Some(title) = title.filter(|_| is_nameless(&self.after.title)) {
            self.after.title = title;
        }
        if row.recommendation.is_some() && holds_words_of(&self.after, row) {
            let is_first = self.after.recommendation.is_none();
            if is_first || edit.says_other() {
                self.after.recommendation.clone_from(&row.recommendation);
            }
        }
    }

    fn of(row: task::Model) -> Self {
        let tally = tally_of(&row);
        Self { before: Some(row.clone()), after: row, tally, kind: None, joining: Vec::new(), unsure: false }
    }

    fn new(command: &Command, id: Uuid, group: &Group, title: String, row: &finding::Model) -> Self {
        let (grouped_by, source_id, rule_key, group_id) = match group {
            Group::Rule(source, rule) => (TaskGroup::RuleKey, Some(*source), Some(rule.clone()), None),
            Group::One(by, id) => (*by, None, None, Some(*id)),
        };
        let after = task::Model {
            tenant_id: command.tenant(),
            id,
            title,
            status: TaskStatus::Open,
            severity: row.severity,
            source_id,
            rule_key,
            finding_count: 0,
            created_at: command.recorded_at(),
            updated_at: command.recorded_at(),
            seq: 0,
            recommendation: None,
            plan: None,
            assignee: None,
            due_at: None,
            due_set: false,
            effort_hours: None,
            cost: None,
            status_reason: None,
            external_actor: None,
            priority: row.priority,
            open_finding_count: 0,
            held: false,
            grouped_by,
            group_id,
            status_at: None,
        };
        Self { tally: tally_of(&after), before: None, after, kind: None, joining: Vec::new(), unsure: false }
    }

    fn edit(self) -> TaskEdit {
        let Self { before, mut after, tally, kind, .. } = self;
        apply(&mut after, &tally);
        // Where all findings are closed, nothing is left to do.
        let had_open = before.as_ref().is_some_and(|before| before.open_finding_count > 0);
        if had_open && after.open_finding_count == 0 && !after.status.is_finished() {
            (after.status, after.status_reason, after.external_actor) = (TaskStatus::Done, None, None);
        }
        TaskEdit { before, after, kind, extra: Change::default() }
    }
}

/// The unfinished tasks of the groups that the findings are in.
async fn open_tasks(
    command: &Command,
    settings: &TenantSettings,
    edits: &[&Edit],
    known: &HashMap<Uuid, task::Model>,
) -> Result<Vec<task::Model>> {
    use task::Column as C;
    let wanting = edits.iter().filter(|edit| needs_work(&edit.after));
    let mut groups: HashSet<Group> = wanting.filter_map(|edit| Group::of(settings.task_group, &edit.after)).collect();
    // A done task is taken up again only where no other has taken its place.
    groups.extend(known.values().filter(|row| row.status == TaskStatus::Done).filter_map(Group::of_task));
    let (mut sources, mut rules, mut ids) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for group in groups {
        match group {
            Group::Rule(source, rule) => {
                sources.insert(source);
                rules.insert(rule);
            }
            Group::One(_, id) => {
                ids.insert(id);
            }
        }
    }
    let mut found = Vec::new();
    if !rules.is_empty() {
        let of_rules = Condition::all().add(C::SourceId.is_in(sources)).add(C::RuleKey.is_in(rules));
        found = command.scope().find::<task::Entity>().filter(of_rules).filter(is_unfinished()).all().await?;
    }
    for some in ids.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let of_ids = Condition::all()
            .add(C::GroupedBy.is_in([TaskGroup::Asset, TaskGroup::Finding]))
            .add(C::GroupId.is_in(some.iter().copied()));
        found.extend(command.scope().find::<task::Entity>().filter(of_ids).filter(is_unfinished()).all().await?);
    }
    Ok(found)
}

/// The names of the assets that tasks may be made of.
async fn asset_names(command: &Command, settings: &TenantSettings, edits: &[&Edit]) -> Result<HashMap<Uuid, String>> {
    let mut names = HashMap::new();
    if settings.task_group != TaskGroup::Asset {
        return Ok(names);
    }
    let ids: BTreeSet<Uuid> = edits.iter().filter_map(|edit| edit.after.asset_id).collect();
    for some in ids.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let of_ids = asset::Column::Id.is_in(some.iter().copied());
        let rows = command.scope().find::<asset::Entity>().filter(of_ids).all().await?;
        names.extend(rows.into_iter().map(|row| (row.id, row.name)));
    }
    Ok(names)
}
