//! From records to findings: new, changed, seen again.

use super::{
    batch::{Context, Outcome, Placed},
    evidence::{self, Evidence},
    fingerprint,
    known::{self, Keyed, Known, Way},
    rules::Rules,
    watch::Watch,
};
use crate::{
    Result,
    finding::{
        alias,
        fingerprint::VERSION,
        merge, person_set, presence,
        write::{self, Edit, Saved},
    },
    tenancy::{Change, Command},
};
use domain::{
    EventKind, Priority, Status, Timestamp, Tlp,
    sighting::{self, Presence},
};
use entity::{
    finding,
    json::{StoredLocation, StringList},
    sighting as seen,
};
use sea_orm::{ActiveModelTrait, IntoActiveModel, sea_query::OnConflict};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A finding in the making: as stored (if it is) and as the batch leaves it.
pub(super) struct Entry {
    before: Option<finding::Model>,
    pub(super) after: finding::Model,
    sighting: seen::Model,
    evidence: Evidence,
    reopened: bool,
    records: i64,
}

/// Stores the records' findings, their sightings and events.
pub(super) async fn store(
    command: &mut Command,
    context: &Context,
    rules: &Rules,
    watch: &Watch,
    records: Vec<Placed>,
) -> Result<Outcome> {
    let keyed = known::keyed(&command.scope(), rules, records).await?;
    let mut known = Known::load(command, &keyed).await?;
    let (mut order, mut beside) = (Vec::new(), BTreeSet::new());
    for keyed in keyed {
        let observed_at = keyed.placed.observed_at(context);
        let found = known.find(&keyed);
        if let Some((entry, way)) = found.and_then(|(id, way)| Some((known.entries.get_mut(&id)?, way))) {
            if entry.records == 0 {
                order.push(entry.after.id);
            }
            match way {
                Way::Own => {
                    entry.see(keyed, observed_at);
                    entry.mark(context.tlp);
                }
                Way::Merged(merged) => {
                    entry.glimpse(observed_at);
                    if let Some(merged) = known.entries.get_mut(&merged) {
                        merged.be_present(observed_at);
                        beside.insert(merged.after.id);
                    }
                }
            }
        } else {
            let name = keyed.name();
            let mut entry = Entry::new(command, keyed, observed_at, watch);
            entry.after.reported_tlp = context.tlp.unwrap_or_default();
            entry.after.tlp = entry.after.reported_tlp;
            order.push(known.add(name, entry));
        }
    }
    // In the order of the report, so that numbers follow it.
    let order = order.into_iter().chain(beside);
    let entries = order.filter_map(|id| known.entries.remove(&id)).collect();
    let outcome = save(command, entries).await?;
    alias::add(command, known.renamed).await?;
    merge::absorb(command, known.same).await?;
    Ok(outcome)
}

impl Entry {
    /// A finding as it is stored.
    pub(super) fn of(sighting: seen::Model, row: finding::Model) -> Self {
        let before = Some(row.clone());
        Self { before, after: row, sighting, evidence: Evidence::Kept, reopened: false, records: 0 }
    }

    fn new(command: &Command, keyed: Keyed, observed_at: Timestamp, watch: &Watch) -> Self {
        let now = command.recorded_at();
        let content_hash = fingerprint::content(&keyed.placed.record);
        // An older report tells of it for the first time: complete ones have missed it since.
        let missed = keyed.placed.pair().map(|pair| watch.scans(pair, &keyed.placed.record.rule_key, None));
        let presence = Presence::new(observed_at, missed.into_iter().flatten());
        let id = Uuid::now_v7();
        let mut after = blank(command.tenant(), id, &keyed, observed_at, now);
        after.gone_at = presence.gone_at();
        let evidence = Evidence::Is(keyed.placed.record.evidence.clone());
        take_fields(&mut after, keyed);
        let sighting = seen::Model {
            tenant_id: command.tenant(),
            finding_id: id,
            last_seen: observed_at,
            observed_at,
            content_hash,
            absences: presence::kept(presence.absences()),
        };
        Self { before: None, after, sighting, evidence, reopened: false, records: 1 }
    }

    /// Takes the names that the record has in this version.
    pub(super) fn name(&mut self, keyed: &Keyed) {
        self.after.fingerprint.clone_from(&keyed.fingerprint);
        self.after.fingerprint_version = VERSION;
        self.after.weakness_key = Some(keyed.weakness_key.clone());
        self.after.identity = Some(StringList(keyed.placed.record.identity.clone()));
        self.after.identity_version = keyed.version;
    }

    /// Another word of the same source about this finding.
    fn see(&mut self, keyed: Keyed, observed_at: Timestamp) {
        self.glimpse(observed_at);
        if self.after.identity.is_none() {
            self.after.identity = Some(StringList(keyed.placed.record.identity.clone()));
        }
        let content = fingerprint::content(&keyed.placed.record);
        let stored = (self.sighting.observed_at, self.sighting.content_hash.as_str());
        if sighting::supersedes((observed_at, &content), stored) {
            if content != self.sighting.content_hash {
                self.evidence = Evidence::Is(keyed.placed.record.evidence.clone());
                take_fields(&mut self.after, keyed);
            }
            self.sighting.observed_at = observed_at;
            self.sighting.content_hash = content;
        }
    }

    /// It is there, whoever says so. What a source says of a finding that was merged into this one moves no field:
    /// those are of the finding's own source, whatever the order of reports.
    fn glimpse(&mut self, observed_at: Timestamp) {
        self.records += 1;
        let gone_at = self.after.gone_at;
        self.be_present(observed_at);
        match sighting::seen(self.after.status, self.after.decided_at, observed_at) {
            sighting::Sighting::Nothing => {}
            sighting::Sighting::Reopens => self.reopen(observed_at, gone_at),
            sighting::Sighting::FlagsDismissal => self.after.seen_after_dismissal = true,
        }
    }

    fn be_present(&mut self, observed_at: Timestamp) {
        self.after.first_seen = self.after.first_seen.min(observed_at);
        self.after.gone_at = presence::saw(&mut self.sighting, observed_at);
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
        (row.claimed_by, row.claimed_by_external) = (None, None);
        row.decided_at = Some(observed_at);
        self.reopened = true;
    }
}

fn blank(tenant_id: Uuid, id: Uuid, keyed: &Keyed, first_seen: Timestamp, now: Timestamp) -> finding::Model {
    finding::Model {
        tenant_id,
        id,
        asset_id: keyed.placed.asset,
        source_id: keyed.placed.source,
        source_ref: None,
        rule_key: String::new(),
        fingerprint: keyed.fingerprint.clone(),
        fingerprint_version: VERSION,
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
        weakness_key: Some(keyed.weakness_key.clone()),
        identity: None,
        identity_version: keyed.version,
    }
}

/// The source's fields; what a person has set stays.
fn take_fields(row: &mut finding::Model, keyed: Keyed) {
    let record = keyed.placed.record;
    row.identity = Some(StringList(record.identity));
    // A rule that is being applied looks again at what says something else now.
    row.identity_version = keyed.version;
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
        notes.push(Note { is_new: entry.before.is_none(), reopened: entry.reopened, records: entry.records });
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
    /// How many records were about it; none for one that was only merged into another.
    records: i64,
}

fn outcome(notes: &[Note], saved: &[Saved]) -> Outcome {
    let mut outcome = Outcome::default();
    for (note, saved) in notes.iter().zip(saved) {
        match saved.is_numbered {
            _ if note.records == 0 => {}
            true if note.is_new => outcome.created += 1,
            true => outcome.updated += 1,
            false => outcome.unchanged += 1,
        }
        outcome.unchanged += (note.records - 1).max(0);
        outcome.reopened += i64::from(note.reopened);
        outcome.findings.push(saved.row.id);
    }
    outcome
}
