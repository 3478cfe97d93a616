//! Tasks that are made per asset, where assets are merged.

use crate::{
    Result,
    task::{
        tally::{apply, count, tally_of},
        write::{self, TaskEdit},
    },
    tenancy::{Change, Command},
};
use domain::{TaskGroup, TaskStatus, task::Tally};
use entity::{asset, task};
use sea_orm::{ColumnTrait, Condition};
use uuid::Uuid;

/// Gives the tasks of a merged asset to its survivor. Where both have an unfinished one, the survivor's holds the
/// findings of both and the other is cancelled, so that nobody works on one asset in two tickets.
pub(crate) async fn hand_over_asset(command: &mut Command, from: Uuid, into: &asset::Model) -> Result<()> {
    use task::Column as C;
    let of_both = Condition::all().add(C::GroupedBy.eq(TaskGroup::Asset)).add(C::GroupId.is_in([from, into.id]));
    let rows = command.scope().find::<task::Entity>().filter(of_both).all().await?;
    let (moved, own): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.group_id == Some(from));
    let mut open = own.into_iter().find(|row| !row.status.is_finished());
    let mut edits = Vec::with_capacity(moved.len() + 1);
    for before in moved {
        let mut after = task::Model { group_id: Some(into.id), ..before.clone() };
        if let Some(stays) = open.as_mut().filter(|_| !before.status.is_finished()) {
            write::hand_over_findings(command, before.id, stays.id).await?;
            let counted = count(command, &[stays.id]).await?.remove(&stays.id);
            let mut joint = task::Model {
                finding_count: write::finding_count(command, stays.id).await?,
                assignee: stays.assignee.clone().or_else(|| before.assignee.clone()),
                plan: stays.plan.clone().or_else(|| before.plan.clone()),
                ..stays.clone()
            };
            apply(&mut joint, &counted.unwrap_or(Tally { open: 0, ..tally_of(stays) }));
            edits.push(TaskEdit::of(std::mem::replace(stays, joint.clone()), joint));
            apply(&mut after, &Tally { open: 0, due_at: None, ..tally_of(&before) });
            (after.finding_count, after.status) = (0, TaskStatus::Cancelled);
            after.status_reason = Some(format!("its asset was merged into {}; task {} goes on", into.id, stays.id));
        }
        let extra = Change::default().field("asset_id", &Some(from), &Some(into.id));
        edits.push(TaskEdit { before: Some(before), after, kind: None, extra });
    }
    write::save(command, edits).await.map(drop)
}
