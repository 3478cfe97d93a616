//! Other names of findings: a report that uses one reaches the finding that has it.

use crate::{
    Result,
    tenancy::{Command, Scope},
};
use entity::{finding, finding_alias as stored, source};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, FromQueryResult, IntoActiveModel, QuerySelect,
    sea_query::{ExprTrait, OnConflict},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A fingerprint within a source, and the finding that it leads to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alias {
    /// The source whose reports use it.
    pub(crate) source_id: Uuid,
    /// The fingerprint.
    pub(crate) fingerprint: String,
    /// The finding that such a report is about.
    pub(crate) finding_id: Uuid,
    /// The finding whose own name it was, if that was merged: then its report is only seen, and moves no field of the
    /// survivor. None for another name of the finding itself.
    pub(crate) merged_id: Option<Uuid>,
}

/// Keeps the names; one that led elsewhere leads here now. One statement.
pub(crate) async fn add(command: &Command, aliases: Vec<Alias>) -> Result<()> {
    use stored::Column as C;
    // The last word about each name: a store takes a row once per statement.
    let last: BTreeMap<_, _> =
        aliases.into_iter().map(|alias| ((alias.source_id, alias.fingerprint.clone()), alias)).collect();
    let row = |alias: Alias| stored::Model {
        tenant_id: command.tenant(),
        source_id: alias.source_id,
        fingerprint: alias.fingerprint,
        finding_id: alias.finding_id,
        merged_id: alias.merged_id,
        created_at: command.recorded_at(),
    };
    let rows = last.into_values().map(|alias| row(alias).into_active_model().reset_all()).collect();
    let again = OnConflict::columns([C::TenantId, C::SourceId, C::Fingerprint])
        .update_columns([C::FindingId, C::MergedId])
        .to_owned();
    command.upsert::<stored::Entity>(rows, again).await
}

/// A source and a fingerprint.
pub(crate) type Name = (Uuid, String);

/// Who has some names: a finding as its own, or as another one.
pub(crate) struct Owners {
    own: HashMap<Name, Uuid>,
    others: HashMap<Name, Alias>,
}

#[derive(FromQueryResult)]
struct Own {
    id: Uuid,
    source_id: Uuid,
    fingerprint: String,
}

impl Owners {
    /// Looks them up, in two statements whatever their number.
    pub(crate) async fn of(scope: &Scope<'_>, names: &[(Uuid, &str)]) -> Result<Self> {
        use finding::Column as C;
        let (sources, texts): (BTreeSet<Uuid>, Vec<&str>) = names.iter().copied().unzip();
        let own = C::SourceId.is_in(sources.iter().copied()).and(C::Fingerprint.is_in(texts.iter().copied()));
        let columns = [C::Id, C::SourceId, C::Fingerprint];
        let own = scope.find::<finding::Entity>().filter(own).with(|select| select.select_only().columns(columns));
        let own = own.rows::<Own>().await?.into_iter().map(|row| ((row.source_id, row.fingerprint), row.id)).collect();
        let others = stored::Column::SourceId.is_in(sources).and(stored::Column::Fingerprint.is_in(texts));
        let others = scope.find::<stored::Entity>().filter(others).all().await?;
        let others = others.into_iter().map(|row| ((row.source_id, row.fingerprint.clone()), row.into())).collect();
        Ok(Self { own, others })
    }

    /// The finding that reports with the name reach: a name that was given away leads where it was given to.
    pub(crate) fn reached(&self, name: &Name) -> Option<Uuid> {
        self.others.get(name).map(|other| other.finding_id).or_else(|| self.own(name))
    }

    /// The finding whose own name it is: one that was merged keeps its name, which leads to its survivor.
    pub(crate) fn own(&self, name: &Name) -> Option<Uuid> {
        self.own.get(name).copied()
    }

    /// What the name is beside somebody's own one.
    pub(crate) fn other(&self, name: &Name) -> Option<&Alias> {
        self.others.get(name)
    }
}

/// Those that lead to any of the findings.
pub(super) async fn of(command: &Command, findings: &[Uuid]) -> Result<Vec<Alias>> {
    let of_findings = stored::Column::FindingId.is_in(findings.iter().copied());
    let rows = command.scope().find::<stored::Entity>().filter(of_findings).all().await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Gives merged findings their names back: their reports reach them again, under whatever name they had.
pub(super) async fn release(command: &Command, merged: Vec<&finding::Model>) -> Result<()> {
    if merged.is_empty() {
        return Ok(());
    }
    let names: BTreeSet<_> = merged.iter().map(|row| (row.source_id, row.fingerprint.as_str())).collect();
    let of_merged = stored::Column::MergedId.is_in(merged.iter().map(|row| row.id));
    let rows = command.scope().find::<stored::Entity>().filter(of_merged.clone()).all().await?;
    command.delete::<stored::Entity>(of_merged).await?;
    let others = rows.into_iter().filter(|row| !names.contains(&(row.source_id, row.fingerprint.as_str())));
    let own = |row: stored::Model| {
        let finding_id = row.merged_id?;
        Some(Alias { finding_id, merged_id: None, ..row.into() })
    };
    add(command, others.filter_map(own).collect()).await
}

impl From<stored::Model> for Alias {
    fn from(row: stored::Model) -> Self {
        let stored::Model { source_id, fingerprint, finding_id, merged_id, .. } = row;
        Self { source_id, fingerprint, finding_id, merged_id }
    }
}

/// The names of sources.
pub(super) async fn sources(scope: &Scope<'_>, ids: BTreeSet<Uuid>) -> Result<BTreeMap<Uuid, String>> {
    let rows = scope.find::<source::Entity>().filter(source::Column::Id.is_in(ids)).all().await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
