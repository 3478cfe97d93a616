//! From records to findings: new, changed, seen again.

use super::{
    batch::{Context, Outcome, Placed},
    evidence::{self, Evidence},
    fingerprint,
    watch::{self, Watch},
};
use crate::{
    Result,
    finding::{
        person_set,
        write::{self, Edit, Saved},
    },
    tenancy::{Change, Command, Find, Scope},
};
use domain::{
    EventKind, Observation, Priority, Status, Timestamp, Tlp,
    sighting::{self, Presence},
};
use entity::{
    finding,
    json::{StoredLocation, StringList},
    sighting as seen,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, sea_query::OnConflict};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A finding in the making: as stored (if it is) and as the batch leaves it.
struct Entry {
    before: Option<finding::Model>,
    after: finding::Model,
    sighting: seen::Model,
    evidence: Evidence,
    reopened: bool,
    records: i64,
}

type Entries = HashMap<(Uuid, String), Entry>;

/// Stores the records' findings, their sightings and events.
pub(super) async fn store(
    command: &mut Command,
    context: &Context,
    records: Vec<Placed>,
    watch: &Watch,
) -> Result<Outcome> {
    let keyed: Vec<_> =
        records.into_iter().map(|placed| (fingerprint::of(placed.asset, &placed.record), placed)).collect();
    let mut entries = known(command, &keyed).await?;
    let mut order = Vec::new();
    for (fingerprint, placed) in keyed {
        let key = (placed.source, fingerprint);
        let observed_at = placed.observed_at(context);
        if let Some(entry) = entries.get_mut(&key) {
            if entry.records == 0 {
                order.push(key);
            }
            entry.see(placed.record, observed_at);
            entry.mark(context.tlp);
        } else {
            let mut entry = Entry::new(command, &key, placed, observed_at, watch);
            entry.after.reported_tlp = context.tlp.unwrap_or_default();
            entry.after.tlp = entry.after.reported_tlp;
            entries.insert(key.clone(), entry);
            order.push(key);
        }
    }
    // In the order of the report, so that numbers follow it.
    let entries = order.into_iter().filter_map(|key| entries.remove(&key)).collect();
    save(command, entries).await
}

/// The findings that are stored already, in two statements.
async fn known(command: &Command, keyed: &[(String, Placed)]) -> Result<Entries> {
    let scope = command.scope();
    let keys: Vec<_> = keyed.iter().map(|(fingerprint, placed)| (placed.source, fingerprint.as_str())).collect();
    let rows = find(&scope, &keys).all().await?;
    if rows.is_empty() {
        return Ok(Entries::new());
    }
    let of_rows = seen::Column::FindingId.is_in(rows.iter().map(|row| row.id));
    let sightings = scope.find::<seen::Entity>().filter(of_rows).all().await?;
    let mut sightings: HashMap<Uuid, seen::Model> = sightings.into_iter().map(|s| (s.finding_id, s)).collect();
    let entry = |row: finding::Model| {
        let sighting = sightings.remove(&row.id)?;
        let key = (row.source_id, row.fingerprint.clone());
        let before = Some(row.clone());
        Some((key, Entry { before, after: row, sighting, evidence: Evidence::Kept, reopened: false, records: 0 }))
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

/// Those stored under a source and a fingerprint.
pub(super) fn find<'s>(scope: &Scope<'s>, keys: &[(Uuid, &str)]) -> Find<'s, finding::Entity> {
    let of_fingerprints = finding::Column::Fingerprint.is_in(keys.iter().map(|(_, fingerprint)| *fingerprint));
    let sources: BTreeSet<Uuid> = keys.iter().map(|(source, _)| *source).collect();
    scope.find::<finding::Entity>().filter(finding::Column::SourceId.is_in(sources)).filter(of_fingerprints)
}

impl Entry {
    fn new(command: &Command, key: &(Uuid, String), placed: Placed, observed_at: Timestamp, watch: &Watch) -> Self {
        let now = command.recorded_at();
        let content_hash = fingerprint::content(&placed.record);
        // An older report tells of it for the first time: complete ones have missed it since.
        let missed = placed.pair().map(|pair| watch.scans(pair, &placed.record.rule_key, None));
        let presence = Presence::new(observed_at, missed.into_iter().flatten());
        let record = placed.record;
        let id = Uuid::now_v7();
        let mut after = blank(command.tenant(), id, key, placed.asset, observed_at, now);
        after.gone_at = presence.gone_at();
        let evidence = Evidence::Is(record.evidence.clone());
        take_fields(&mut after, record);
        let sighting = seen::Model {
            tenant_id: command.tenant(),
            finding_id: id,
            last_seen: observed_at,
            observed_at,
            content_hash,
            absences: watch::kept(presence.absences()),
        };
        Self { before: None, after, sighting, evidence, reopened: false, records: 1 }
    }

    /// Another word of the same source about this finding.
    fn see(&mut self, record: Observation, observed_at: Timestamp) {
        self.records += 1;
        self.after.first_seen = self.after.first_seen.min(observed_at);
        let gone_at = self.after.gone_at;
        self.be_present(observed_at);
        match sighting::seen(self.after.status, self.after.decided_at, observed_at) {
            sighting::Sighting::Nothing => {}
            sighting::Sighting::Reopens => self.reopen(observed_at, gone_at),
            sighting::Sighting::FlagsDismissal => self.after.seen_after_dismissal = true,
        }
        let content = fingerprint::content(&record);
        let stored = (self.sighting.observed_at, self.sighting.content_hash.as_str());
        if sighting::supersedes((observed_at, &content), stored) {
            if content != self.sighting.content_hash {
                self.evidence = Evidence::Is(record.evidence.clone());
                take_fields(&mut self.after, record);
            }
            self.sighting.observed_at = observed_at;
            self.sighting.content_hash = content;
        }
    }

    fn be_present(&mut self, observed_at: Timestamp) {
        let mut presence = Presence::new(self.sighting.last_seen, watch::times(self.sighting.absences.as_ref()));
        presence.seen(observed_at);
        self.sighting.last_seen = presence.last_seen;
        self.sighting.absences = watch::kept(presence.absences());
        self.after.gone_at = presence.gone_at();
    }

    /// Takes the marking that came with the report, where it is narrower: an import never lowers one, since the
    /// finding may hold more than this report says. What a person has set stays.
    fn mark(&mut self, tlp: Option<Tlp>) {
        let row = &mut self.after;
        row.reported_tlp = tlp.map_or(row.reported_tlp, |tlp| tlp.max(row.reported_tlp));
        if row.person_set & person_set::TLP == 0 {
            row.tlp = row.reported_tlp;
        }
    }

    /// The finding, if its stored evidence matters: only where another record now stands.
    fn asks_for_evidence(&self) -> Option<Uuid> {
        (self.before.is_some() && self.evidence != Evidence::Kept).then_some(self.after.id)
    }

    fn reopen(&mut self, observed_at: Timestamp, gone_at: Option<Timestamp>) {
        let row = &mut self.after;
        // A claim that did not hold is a failed retest, not a return.
        row.reopened_count += i32::from(row.status == Status::VerifiedFixed && sighting::returns(observed_at, gone_at));
        row.status = Status::Confirmed;
        row.status_comment = None;
        row.claimed_by = None;
        row.decided_at = Some(observed_at);
        self.reopened = true;
    }
}

fn blank(
    tenant_id: Uuid,
    id: Uuid,
    (source_id, fingerprint): &(Uuid, String),
    asset_id: Option<Uuid>,
    first_seen: Timestamp,
    now: Timestamp,
) -> finding::Model {
    finding::Model {
        tenant_id,
        id,
        asset_id,
        source_id: *source_id,
        source_ref: None,
        rule_key: String::new(),
        fingerprint: fingerprint.clone(),
        fingerprint_version: fingerprint::VERSION,
        kind: domain::FindingKind::default(),
        title: String::new(),
        description: String::new(),
        consequence: None,
        recommendation: None,
        severity: domain::Severity::default(),
        reported_severity: domain::Severity::default(),
        source_severity: None,
        cvss_vector: None,
        cvss_score: None,
        cves: StringList::default(),
        cwes: StringList::default(),
        citations: StringList::default(),
        location: StoredLocation::default(),
        tags: StringList::default(),
        reported_tags: StringList::default(),
        person_set: 0,
        status: Status::New,
        justification: None,
        status_comment: None,
        duplicate_of: None,
        decided_at: None,
        claimed_by: None,
        reopened_count: 0,
        seen_after_dismissal: false,
        assignee: None,
        first_seen,
        created_at: now,
        updated_at: now,
        seq: 0,
        tlp: Tlp::default(),
        reported_tlp: Tlp::default(),
        kev: false,
        epss_band: None,
        priority: Priority::default(),
        priority_reasons: StringList::default(),
        severity_reason: None,
        severity_by: None,
        severity_at: None,
        due_at: None,
        overdue: false,
        sla_from: None,
        sla_paused_at: None,
        acceptance_id: None,
        gone_at: None,
        due_soon: false,
        due_order: domain::sla::NEVER,
        claimed_by_external: None,
    }
}

/// The source's fields; what a person has set stays.
fn take_fields(row: &mut finding::Model, record: Observation) {
    row.kind = record.kind;
    row.title = record.title;
    row.description = record.description;
    row.consequence = record.consequence;
    row.recommendation = record.recommendation;
    row.reported_severity = record.severity;
    if row.person_set & person_set::SEVERITY == 0 {
        row.severity = record.severity;
    }
    row.source_severity = record.source_severity;
    row.source_ref = record.source_ref;
    row.rule_key = record.rule_key;
    row.cvss_vector = record.cvss_vector;
    row.cvss_score = record.cvss_score;
    row.cves = StringList(record.cves);
    row.cwes = StringList(record.cwes);
    row.citations = StringList(record.references);
    row.location = StoredLocation(record.location);
    row.reported_tags = StringList(record.tags);
    if row.person_set & person_set::TAGS == 0 {
        row.tags = row.reported_tags.clone();
    }
}

async fn save(command: &mut Command, entries: Vec<Entry>) -> Result<Outcome> {
    let mut evidence = evidence::Changes::load(command, entries.iter().filter_map(Entry::asks_for_evidence)).await?;
    let (mut edits, mut sightings, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for mut entry in entries {
        let said = std::mem::replace(&mut entry.evidence, Evidence::Kept);
        let evidence = evidence.take(entry.after.id, said);
        let extra = match entry.before {
            None => Change::default(),
            Some(_) => Change::default().field("evidence", &evidence.before, &evidence.after),
        };
        let kind = entry.reopened.then_some(EventKind::FindingReopened);
        notes.push(Note { is_new: entry.before.is_none(), reopened: entry.reopened, repeated: entry.records - 1 });
        sightings.push(entry.sighting.into_active_model().reset_all());
        edits.push(Edit { before: entry.before, after: entry.after, kind, extra });
    }
    let saved = write::save(command, edits).await?;
    let columns = [seen::Column::LastSeen, seen::Column::ObservedAt, seen::Column::ContentHash, seen::Column::Absences];
    let again =
        OnConflict::columns([seen::Column::TenantId, seen::Column::FindingId]).update_columns(columns).to_owned();
    command.upsert::<seen::Entity>(sightings, again).await?;
    evidence.save(command).await?;
    Ok(outcome(&notes, &saved))
}

/// What an entry was before it was stored.
struct Note {
    is_new: bool,
    reopened: bool,
    repeated: i64,
}

fn outcome(notes: &[Note], saved: &[Saved]) -> Outcome {
    let mut outcome = Outcome::default();
    for (note, saved) in notes.iter().zip(saved) {
        outcome.unchanged += note.repeated;
        match saved.is_numbered {
            true if note.is_new => outcome.created += 1,
            true => outcome.updated += 1,
            false => outcome.unchanged += 1,
        }
        outcome.reopened += i64::from(note.reopened);
        outcome.findings.push(saved.row.id);
    }
    outcome
}
