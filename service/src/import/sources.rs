//! The sources of a report: known by name, made when they first report, and heard of again with every report.

use super::batch::Context;
use crate::{
    Result,
    tenancy::{Change, Command},
};
use domain::{EventKind, SourceKind};
use entity::source;
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, sea_query::OnConflict};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The ids of the sources named; new ones are made. That they report moves without a number, but for one that
/// was silent.
pub(super) async fn heard(
    command: &mut Command,
    context: &Context,
    names: BTreeSet<String>,
) -> Result<BTreeMap<String, Uuid>> {
    let of_names = source::Column::Name.is_in(names.iter().cloned());
    let known = command.scope().find::<source::Entity>().filter(of_names).all().await?;
    let mut known: BTreeMap<String, source::Model> = known.into_iter().map(|row| (row.name.clone(), row)).collect();
    let (mut ids, mut rows) = (BTreeMap::new(), Vec::new());
    for name in names {
        let row = match known.remove(&name) {
            None => new(command, context, &name),
            // Once an import, whatever the number of its batches.
            Some(row) if row.last_report_at.is_none_or(|last| last < context.received_at) => {
                again(command, context, row)
            }
            Some(row) => {
                ids.insert(name, row.id);
                continue;
            }
        };
        ids.insert(name, row.id);
        rows.push(row);
    }
    use source::Column as C;
    let again = OnConflict::columns([C::TenantId, C::Id])
        .update_columns([C::LastReportAt, C::SilentSince, C::UpdatedAt, C::Seq])
        .to_owned();
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    command.upsert::<source::Entity>(rows.collect(), again).await?;
    Ok(ids)
}

fn new(command: &mut Command, context: &Context, name: &str) -> source::Model {
    let id = Uuid::now_v7();
    source::Model {
        tenant_id: command.tenant(),
        id,
        name: name.to_owned(),
        tool: context.format.as_str().to_owned(),
        created_at: command.recorded_at(),
        kind: SourceKind::Scanner,
        owner: None,
        expected_interval_hours: None,
        last_report_at: Some(context.received_at),
        silent_since: None,
        updated_at: Some(command.recorded_at()),
        seq: command.record(EventKind::SourceCreated, id, Change::default()),
    }
}

fn again(command: &mut Command, context: &Context, row: source::Model) -> source::Model {
    let mut row = source::Model { last_report_at: Some(context.received_at), ..row };
    if let Some(since) = row.silent_since.take() {
        let change = Change::default().field("silent_since", &Some(since), &None);
        row.seq = command.record(EventKind::SourceReporting, row.id, change);
        row.updated_at = Some(command.recorded_at());
    }
    row
}
