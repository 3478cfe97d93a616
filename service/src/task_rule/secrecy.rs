//! What findings marked TLP:RED say is taken out of their tasks again: everybody reads tasks, and trackers keep them.

use super::{Entry, Group, Work, nameless};
use crate::{Result, finding::write::Edit, task::write::AT_ONCE, tenancy::Command};
use domain::{TaskGroup, Tlp, tenant_settings::Language, ticket::words::title_of_asset};
use entity::{finding, task_finding};
use sea_orm::{
    ColumnTrait,
    sea_query::{Expr, ExprTrait, Query},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Whether a finding is marked TLP:RED, or is so no longer.
pub(super) fn changes(edit: &Edit) -> bool {
    edit.before.as_ref().is_some_and(|before| before.tlp.is_restricted() != edit.after.tlp.is_restricted())
}

/// What a task says that only findings marked TLP:RED may say by now.
#[derive(Clone, Copy, Default)]
struct Lost {
    title: bool,
    recommendation: bool,
}

impl Work {
    /// Takes the words of findings that are marked TLP:RED just now out of their tasks, finished ones as well, and puts in
    /// those of another finding, if there is one that is not marked.
    pub(super) async fn take_back(&mut self, command: &Command, edits: &[&Edit]) -> Result<()> {
        let lost = self.lost(edits);
        if lost.is_empty() {
            return Ok(());
        }
        let others = others(command, &lost.keys().copied().collect::<Vec<_>>()).await?;
        for (id, lost) in lost {
            let Some(entry) = self.tasks.get_mut(&id) else { continue };
            let Some(group) = Group::of_task(&entry.after) else { continue };
            let other = others.get(&id);
            // The name of an asset is for everybody as long as one finding on it is.
            let is_of_asset = entry.after.grouped_by == TaskGroup::Asset;
            if lost.title && !(is_of_asset && other.is_some()) {
                let title = other.filter(|_| !is_of_asset).map(|row| row.title.clone());
                entry.retitle(title.unwrap_or_else(|| nameless(&group, &self.settings)));
            }
            if lost.recommendation {
                entry.recommend(other.and_then(|row| row.recommendation.clone()));
            }
            self.order.push(id);
        }
        Ok(())
    }

    fn lost(&self, edits: &[&Edit]) -> BTreeMap<Uuid, Lost> {
        let mut all: BTreeMap<Uuid, Lost> = BTreeMap::new();
        for edit in edits.iter().filter(|edit| changes(edit) && edit.after.tlp.is_restricted()) {
            let Some(before) = &edit.before else { continue };
            let name = edit.after.asset_id.and_then(|id| self.asset_names.get(&id));
            let titles = [Language::Sv, Language::En]
                .map(|language| name.map(|name| title_of_asset(language, Some(name.as_str()))));
            for id in self.tasks_of.get(&edit.after.id).into_iter().flatten() {
                let Some(row) = self.tasks.get(id).map(|entry| &entry.after) else { continue };
                // What people have written themselves stays.
                let title = row.title == before.title || titles.iter().flatten().any(|title| *title == row.title);
                let recommendation = row.recommendation.is_some() && row.recommendation == before.recommendation;
                if title || recommendation {
                    let lost = all.entry(*id).or_default();
                    (lost.title, lost.recommendation) = (lost.title || title, lost.recommendation || recommendation);
                }
            }
        }
        all
    }
}

impl Entry {
    /// The event says that there are other words, and not which: what they are now may be marked later as well.
    fn withdraw(&mut self) {
        self.extra = std::mem::take(&mut self.extra).field("words_withdrawn", &false, &true);
    }

    fn retitle(&mut self, title: String) {
        self.withdraw();
        if let Some(before) = &mut self.before {
            before.title.clone_from(&title);
        }
        self.after.title = title;
    }

    fn recommend(&mut self, words: Option<String>) {
        self.withdraw();
        if let Some(before) = &mut self.before {
            before.recommendation.clone_from(&words);
        }
        self.after.recommendation = words;
    }
}

/// Of each task one finding that everybody may read.
async fn others(command: &Command, tasks: &[Uuid]) -> Result<HashMap<Uuid, finding::Model>> {
    use finding::Column as F;
    use task_finding::{Column as C, Entity as E};
    let mut others = HashMap::new();
    for some in tasks.chunks(AT_ONCE) {
        let mut readable = Query::select();
        readable
            .expr(Expr::val(1))
            .from(finding::Entity)
            .and_where(Expr::col((finding::Entity, F::TenantId)).equals((E, C::TenantId)))
            .and_where(Expr::col((finding::Entity, F::Id)).equals((E, C::FindingId)))
            .and_where(F::Tlp.ne(Tlp::Red));
        let find = command.scope().find::<E>().filter(C::TaskId.is_in(some.iter().copied()));
        let find = find.filter(Expr::exists(readable));
        let links = find.first_of_each(&[C::TaskId], "finding_id", 1, &[C::TaskId, C::FindingId]).all().await?;
        let ids: BTreeSet<Uuid> = links.iter().map(|link| link.finding_id).collect();
        let rows = command.scope().find::<finding::Entity>().filter(F::Id.is_in(ids)).all().await?;
        let rows: HashMap<Uuid, finding::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
        others.extend(links.into_iter().filter_map(|l| Some((l.task_id, rows.get(&l.finding_id)?.clone()))));
    }
    Ok(others)
}
