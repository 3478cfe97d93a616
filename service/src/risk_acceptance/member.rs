//! The findings of an acceptance, and what becomes of each.

use crate::{Result, tenancy::Command};
use domain::{AcceptanceOutcome, Status};
use entity::{finding, risk_acceptance_finding as member};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, sea_query::OnConflict};
use std::collections::HashMap;
use uuid::Uuid;

/// The findings of an acceptance that are in it still.
pub(super) async fn of(command: &Command, acceptance: Uuid) -> Result<Vec<member::Model>> {
    use member::Column as C;
    let live = [AcceptanceOutcome::Requested, AcceptanceOutcome::Accepted];
    let find = command.scope().find::<member::Entity>().filter(C::AcceptanceId.eq(acceptance));
    find.filter(C::Outcome.is_in(live)).all().await
}

/// Their rows, as they stand behind the clock.
pub(super) async fn findings(command: &Command, members: &[member::Model]) -> Result<HashMap<Uuid, finding::Model>> {
    let of_members = finding::Column::Id.is_in(members.iter().map(|member| member.finding_id));
    let rows = command.scope().find::<finding::Entity>().filter(of_members).all().await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Stores what has become of them.
pub(super) async fn save(command: &Command, members: Vec<member::Model>) -> Result<()> {
    use member::Column as C;
    let again = OnConflict::columns([C::TenantId, C::AcceptanceId, C::FindingId])
        .update_columns([C::Outcome, C::FoundStatus])
        .to_owned();
    let rows = members.into_iter().map(|row| row.into_active_model().reset_all()).collect();
    command.upsert::<member::Entity>(rows, again).await
}

/// A member with another outcome; `instead` is the status that the finding had where it was left out.
pub(super) fn become_of(member: member::Model, outcome: AcceptanceOutcome, instead: Option<Status>) -> member::Model {
    member::Model { outcome, found_status: instead, ..member }
}
