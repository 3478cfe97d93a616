//! What a complete report has missed of its scope, and what it holds.

use super::{
    coverage::{AT_ONCE, Heard},
    watch::Pair,
};
use crate::{
    Result,
    finding::presence::times,
    tenancy::{Caller, Scope},
};
use domain::{Permission, Status, Timestamp, coverage::Implausible};
use entity::{finding, finding_alias, sighting as seen};
use sea_orm::{ColumnTrait, Condition, QuerySelect, sea_query::ExprTrait};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// What a complete report would mark.
#[derive(Default)]
pub(super) struct Survey {
    /// Findings that it has missed, with the time at which it did; in the order of their ids.
    pub(super) missed: BTreeMap<Uuid, Timestamp>,
    /// Findings of its scope that it holds.
    pub(super) held: BTreeMap<Uuid, Timestamp>,
    open_missed: i64,
    open: i64,
}

impl Survey {
    /// The open findings of the scope, and those that would go.
    pub(super) fn counts(&self) -> Implausible {
        Implausible { would_mark_gone: self.open_missed, in_scope: self.open }
    }
}

/// A finding of the scope.
#[derive(sea_orm::FromQueryResult)]
struct InScope {
    id: Uuid,
    asset_id: Uuid,
    source_id: Uuid,
    status: Status,
    gone_at: Option<Timestamp>,
}

impl InScope {
    fn pair(&self) -> Pair {
        Pair { asset: self.asset_id, source: self.source_id }
    }

    fn is_there(&self) -> bool {
        self.status.is_open() && self.gone_at.is_none()
    }
}

/// Compares what is known of the scope with what the report holds, a few statements per 200 assets.
pub(super) async fn survey(caller: &Caller, tenant: Uuid, heard: &Heard, rules: &[String]) -> Result<Survey> {
    use finding::Column as C;
    let mut survey = Survey::default();
    let sources: BTreeSet<Uuid> = heard.covered.keys().map(|pair| pair.source).collect();
    let assets: BTreeSet<Uuid> = heard.covered.keys().map(|pair| pair.asset).collect();
    let columns = [C::Id, C::AssetId, C::SourceId, C::Status, C::GoneAt];
    for some in assets.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let read = caller.begin_in(Permission::WriteImports, &[tenant.to_string()]).await?;
        let scope = read.scope();
        let mut in_scope = Condition::all()
            .add(C::AssetId.is_in(some.iter().copied()))
            .add(C::SourceId.is_in(sources.iter().copied()));
        if !rules.is_empty() {
            in_scope = in_scope.add(C::RuleKey.is_in(rules));
        }
        let find =
            scope.find::<finding::Entity>().filter(in_scope).with(|select| select.select_only().columns(columns));
        let rows: Vec<InScope> = find.rows().await?;
        let mut sightings: HashMap<Uuid, seen::Model> = HashMap::with_capacity(rows.len());
        for some in rows.chunks(10_000) {
            let of_rows = seen::Column::FindingId.is_in(some.iter().map(|row| row.id));
            let found = scope.find::<seen::Entity>().filter(of_rows).all().await?;
            sightings.extend(found.into_iter().map(|row| (row.finding_id, row)));
        }
        let missed: Vec<&InScope> =
            rows.iter().filter(|row| survey.is_missed(heard, row, sightings.get(&row.id))).collect();
        let unsure = partly_covered(&scope, heard, missed.iter().map(|row| row.id).collect()).await?;
        missed.iter().filter(|row| !unsure.contains(&row.id)).for_each(|row| survey.miss(heard, row));
    }
    Ok(survey)
}

/// Those that others were merged into which the report does not cover: what stands for several is gone where all are.
async fn partly_covered(scope: &Scope<'_>, heard: &Heard, ids: Vec<Uuid>) -> Result<BTreeSet<Uuid>> {
    use finding_alias::Column as A;
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let led = A::FindingId.is_in(ids).and(A::MergedId.is_not_null());
    let aliases = scope.find::<finding_alias::Entity>().filter(led).all().await?;
    let survivors: HashMap<Uuid, Uuid> =
        aliases.into_iter().filter_map(|row| Some((row.merged_id?, row.finding_id))).collect();
    if survivors.is_empty() {
        return Ok(BTreeSet::new());
    }
    let merged = finding::Column::Id.is_in(survivors.keys().copied());
    let rows = scope.find::<finding::Entity>().filter(merged).all().await?;
    let is_covered = |row: &finding::Model| {
        let pair = row.asset_id.map(|asset| Pair { asset, source: row.source_id });
        pair.is_some_and(|pair| heard.covered.contains_key(&pair))
    };
    Ok(rows.iter().filter(|row| !is_covered(row)).filter_map(|row| survivors.get(&row.id).copied()).collect())
}

impl Survey {
    /// Takes a finding of the scope; says whether the report misses it.
    fn is_missed(&mut self, heard: &Heard, row: &InScope, sighting: Option<&seen::Model>) -> bool {
        let (Some(at), Some(sighting)) = (heard.covered.get(&row.pair()).copied(), sighting) else { return false };
        self.open += i64::from(row.is_there());
        if heard.held.contains(&row.id) {
            self.held.insert(row.id, at);
            return false;
        }
        is_missed(row.status, sighting, at)
    }

    fn miss(&mut self, heard: &Heard, row: &InScope) {
        if let Some(at) = heard.covered.get(&row.pair()) {
            self.missed.insert(row.id, *at);
            self.open_missed += i64::from(row.is_there());
        }
    }
}

/// Whether a report of this time that does not hold the finding tells anything new: it was not seen later, and
/// this very report is not noted yet. A claimed fix is looked at again: another sender may verify it.
pub(super) fn is_missed(status: Status, sighting: &seen::Model, at: Timestamp) -> bool {
    let is_noted = || times(sighting.absences.as_ref()).any(|absence| absence == at);
    sighting.last_seen <= at && (status == Status::FixClaimed || !is_noted())
}
