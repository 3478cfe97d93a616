//! Named scans: what each of them covers, and what it saw and missed by itself.

use super::{
    coverage::Heard,
    survey::Survey,
    watch::{Pair, Watch},
};
use crate::{
    Result,
    finding::presence::{kept, times},
    tenancy::{Caller, Command, Scope},
};
use domain::{Code, ImportScope, Permission, Timestamp, coverage::MAX_SCOPES, sighting::Presence};
use entity::{finding, import, json::StringList, scan_scope as stored, scope_sighting as seen};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, IntoActiveModel, sea_query::OnConflict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// The named scan of each source of a report; none where it was sent without a name.
pub(super) struct Scopes {
    tenant: Uuid,
    of_sources: BTreeMap<Uuid, Uuid>,
}

/// Most findings in one command.
const AT_ONCE: usize = 500;

/// Refuses one name too many.
///
/// # Errors
/// `invalid_parameter`.
pub(super) async fn check(scope: &Scope<'_>, heard: &Heard, wish: &ImportScope) -> Result<()> {
    let Some(name) = &wish.name else { return Ok(()) };
    for source in heard.sources.values().copied().flatten() {
        let known = scope.find::<stored::Entity>().filter(stored::Column::SourceId.eq(source)).all().await?;
        if known.len() >= MAX_SCOPES && known.iter().all(|scan| scan.name != *name) {
            let detail = format!("would be one too many: a source has at most {MAX_SCOPES} named scans");
            return Err(
                domain::Error { code: Code::InvalidParameter, ..domain::Error::parameter("scope", detail) }.into()
            );
        }
    }
    Ok(())
}

impl Scopes {
    /// Finds or makes the named scan of each source, as this report describes it.
    pub(super) async fn know(command: &Command, row: &import::Model, heard: &Heard, at: Timestamp) -> Result<Self> {
        let mut scopes = Self { tenant: row.tenant_id, of_sources: BTreeMap::new() };
        let Some((wish, name)) = row.scope.as_ref().and_then(|scope| Some((&scope.0, scope.0.name.clone()?))) else {
            return Ok(scopes);
        };
        let sources: BTreeSet<Uuid> = heard.sources.values().copied().flatten().collect();
        let named =
            Condition::all().add(stored::Column::Name.eq(&name)).add(stored::Column::SourceId.is_in(sources.clone()));
        let known = command.scope().find::<stored::Entity>().filter(named).all().await?;
        let known: HashMap<Uuid, stored::Model> = known.into_iter().map(|scan| (scan.source_id, scan)).collect();
        let mut rows = Vec::new();
        for source in sources {
            let before = known.get(&source);
            let id = before.map_or_else(Uuid::now_v7, |scan| scan.id);
            scopes.of_sources.insert(source, id);
            // An older report does not say what the scan covers now.
            if before.is_none_or(|scan| scan.last_complete_at <= at) {
                rows.push(described(command.tenant(), id, source, &name, wish, at).into_active_model().reset_all());
            }
        }
        use stored::Column as C;
        let again = OnConflict::columns([C::TenantId, C::Id])
            .update_columns([C::Assets, C::Networks, C::Rules, C::LastCompleteAt])
            .to_owned();
        command.upsert::<stored::Entity>(rows, again).await?;
        Ok(scopes)
    }

    /// The named scan of a source.
    pub(super) fn of(&self, source: Uuid) -> Option<Uuid> {
        self.of_sources.get(&source).copied()
    }

    /// Notes what the scan saw.
    pub(super) async fn saw(&self, caller: &Caller, survey: &Survey) -> Result<()> {
        if self.of_sources.is_empty() {
            return Ok(());
        }
        for some in survey.held.iter().collect::<Vec<_>>().chunks(AT_ONCE) {
            let command = caller.begin_write(Permission::WriteImports).await?.command(self.tenant).await?;
            let some: BTreeMap<Uuid, Timestamp> = some.iter().map(|(id, at)| (**id, **at)).collect();
            let mut known = self.known(&command, &some).await?;
            let findings = findings(&command, &some).await?;
            let pairs = findings.iter().filter_map(pair_of).collect();
            let watch = Watch::load(&command, &pairs).await?;
            let mut rows = Vec::new();
            for row in &findings {
                let (Some(at), Some(scope)) = (some.get(&row.id), self.of(row.source_id)) else { continue };
                let sighting = match known.remove(&row.id) {
                    Some(known) => again(known, *at),
                    None => first(row, scope, *at, &watch),
                };
                rows.push(sighting);
            }
            save(&command, rows).await?;
            command.commit_step().await?;
        }
        Ok(())
    }

    /// Notes what the scan missed, of what it ever saw.
    pub(super) async fn missed(&self, command: &Command, some: &BTreeMap<Uuid, Timestamp>) -> Result<()> {
        if self.of_sources.is_empty() {
            return Ok(());
        }
        let known = self.known(command, some).await?;
        let rows = known.into_values().filter_map(|row| Some(absent(row.clone(), *some.get(&row.finding_id)?)));
        save(command, rows.collect()).await
    }

    async fn known(&self, command: &Command, some: &BTreeMap<Uuid, Timestamp>) -> Result<HashMap<Uuid, seen::Model>> {
        let of_some = Condition::all()
            .add(seen::Column::FindingId.is_in(some.keys().copied()))
            .add(seen::Column::ScopeId.is_in(self.of_sources.values().copied()));
        let rows = command.scope().find::<seen::Entity>().filter(of_some).all().await?;
        Ok(rows.into_iter().map(|row| (row.finding_id, row)).collect())
    }
}

async fn findings(command: &Command, some: &BTreeMap<Uuid, Timestamp>) -> Result<Vec<finding::Model>> {
    let of_some = finding::Column::Id.is_in(some.keys().copied());
    command.scope().find::<finding::Entity>().filter(of_some).all().await
}

fn pair_of(row: &finding::Model) -> Option<Pair> {
    Some(Pair { asset: row.asset_id?, source: row.source_id })
}

fn described(
    tenant_id: Uuid,
    id: Uuid,
    source_id: Uuid,
    name: &str,
    wish: &ImportScope,
    at: Timestamp,
) -> stored::Model {
    stored::Model {
        tenant_id,
        id,
        source_id,
        name: name.to_owned(),
        assets: StringList(wish.assets.clone()),
        networks: StringList(wish.networks.clone()),
        rules: StringList(wish.rules.clone()),
        last_complete_at: at,
    }
}

/// The first time that the scan tells of the finding; later reports of it may have come in before.
fn first(row: &finding::Model, scope: Uuid, at: Timestamp, watch: &Watch) -> seen::Model {
    let missed = pair_of(row).map(|pair| watch.scans(pair, &row.rule_key, Some(scope)).filter(|scan| *scan > at));
    let presence = Presence::new(at, missed.into_iter().flatten());
    seen::Model {
        tenant_id: row.tenant_id,
        finding_id: row.id,
        scope_id: scope,
        first_seen: at,
        last_seen: at,
        observed_at: presence.absences().last().copied().unwrap_or(at),
        absences: kept(presence.absences()),
    }
}

fn again(row: seen::Model, at: Timestamp) -> seen::Model {
    let mut presence = Presence::new(row.last_seen, times(row.absences.as_ref()));
    presence.seen(at);
    seen::Model {
        first_seen: row.first_seen.min(at),
        last_seen: presence.last_seen,
        observed_at: row.observed_at.max(at),
        absences: kept(presence.absences()),
        ..row
    }
}

fn absent(row: seen::Model, at: Timestamp) -> seen::Model {
    let mut presence = Presence::new(row.last_seen, times(row.absences.as_ref()));
    presence.missed(at);
    seen::Model { observed_at: row.observed_at.max(at), absences: kept(presence.absences()), ..row }
}

async fn save(command: &Command, rows: Vec<seen::Model>) -> Result<()> {
    use seen::Column as C;
    let again = OnConflict::columns([C::TenantId, C::FindingId, C::ScopeId])
        .update_columns([C::FirstSeen, C::LastSeen, C::ObservedAt, C::Absences])
        .to_owned();
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    command.upsert::<seen::Entity>(rows.collect(), again).await
}
