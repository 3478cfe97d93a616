//! Findings: one weakness on one asset, or on none yet.

use crate::{
    AcceptanceId, AssetId, DateTime, EpssBand, Error, FindingId, Justification, PrincipalId, Priority, RestrictedField,
    Severity, SourceId, Status, TenantId, Tlp, Violation, adjusted_severity, error::Result, text,
};
use chrono::{Datelike, Timelike};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What sort of statement a finding is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum FindingKind {
    /// A flaw in software.
    #[default]
    Vulnerability,
    /// A setting that opens a door.
    Misconfiguration,
    /// An attack or its traces.
    Detection,
    /// A requirement that is not met.
    Compliance,
    /// Worth knowing; no weakness by itself.
    Observation,
}

/// Where on the asset. All parts are optional; which ones stand depends on the tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(default)]
pub struct Location {
    /// TCP or UDP port, 1–65535.
    pub port: Option<u16>,
    /// `tcp`, `udp`, …
    pub protocol: Option<String>,
    /// The service on the port, as the tool names it.
    pub service: Option<String>,
    /// The URL, as the tool saw it. May be hostile: never fetch it, escape it when shown.
    pub url: Option<String>,
    /// File path, relative to the repository where the tool says so.
    pub path: Option<String>,
    /// First line, from 1.
    pub line: Option<u32>,
    /// Last line, from 1.
    pub end_line: Option<u32>,
    /// First column, from 1.
    pub column: Option<u32>,
    /// Function, class or other logical place.
    pub logical: Option<String>,
}

/// One weakness on one asset, or on none yet.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "FindingFields")]
pub struct Finding {
    /// Identifier, UUIDv7.
    pub id: FindingId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// What it was found on; null if the tool named nothing.
    pub asset_id: Option<AssetId>,
    /// Who reported it: the source's name.
    pub source: String,
    /// The source's id.
    pub source_id: SourceId,
    /// The source's own id of the record.
    pub source_ref: Option<String>,
    /// What groups the same weakness over many assets: plugin, rule or template id.
    pub rule_key: String,
    /// What makes repeated reports the same finding: 64 hexadecimal digits. Null if withheld.
    pub fingerprint: Option<String>,
    /// What sort of statement it is.
    pub kind: FindingKind,
    /// One line, written by the tool (and so perhaps by an attacker).
    pub title: String,
    /// What the weakness is. Null if withheld.
    pub description: Option<String>,
    /// What it leads to.
    pub consequence: Option<String>,
    /// What to do about it.
    pub recommendation: Option<String>,
    /// Severity: the source's, or what a person set instead.
    pub severity: Severity,
    /// The source's severity, on the same scale.
    pub reported_severity: Severity,
    /// Why a person set another severity than the source's.
    pub severity_reason: Option<String>,
    /// Who set the severity: a principal. Null if it is the source's.
    pub severity_by: Option<PrincipalId>,
    /// When it was set, RFC 3339 UTC.
    pub severity_at: Option<DateTime>,
    /// The source's severity in its own words.
    pub source_severity: Option<String>,
    /// CVSS vector (v2, v3.0, v3.1 or v4.0).
    pub cvss_vector: Option<String>,
    /// Base score computed from the vector, 0.0–10.0; without a vector the source's own number.
    pub cvss_score: Option<f64>,
    /// Whether a CVE of it is in CISA's catalogue of known exploited vulnerabilities (KEV).
    pub kev: bool,
    /// How likely a CVE of it is exploited within 30 days (FIRST EPSS), 0.0–1.0: the highest of them. Volatile: moves
    /// without a change of `seq`. Null with `as_of`, since past scores are not kept.
    pub epss: Option<f64>,
    /// The band that `epss` is in; null if none of its CVEs has a score.
    pub epss_band: Option<EpssBand>,
    /// What to do about it, by the CISA SSVC guide.
    pub priority: Priority,
    /// Why: one sentence each for exploitation, automatability, technical impact, and mission and well-being.
    pub priority_reasons: Vec<String>,
    /// CVE ids.
    pub cves: Vec<String>,
    /// CWE ids, `CWE-79`.
    pub cwes: Vec<String>,
    /// URLs and other citations. May be hostile.
    pub references: Vec<String>,
    /// Where on the asset. Null if withheld.
    pub location: Option<Location>,
    /// Labels: the source's, or what a person set instead.
    pub tags: Vec<String>,
    /// How widely it may be passed on (FIRST TLP 2.0): what it came in with, or what a person set instead.
    pub tlp: Tlp,
    /// What the caller does not get, since the finding is marked TLP:RED and the caller lacks `evidence:read`
    /// in this municipality: those fields are null or empty. Empty if nothing is withheld.
    pub withheld: Vec<RestrictedField>,
    /// What people decided.
    pub status: Status,
    /// Why it was dismissed.
    pub justification: Option<Justification>,
    /// What was said with the last decision.
    pub status_comment: Option<String>,
    /// The finding that says the same, if this one is a duplicate.
    pub duplicate_of: Option<FindingId>,
    /// The acceptance that its risk is accepted through.
    pub acceptance_id: Option<AcceptanceId>,
    /// When it is due, RFC 3339 UTC: the end of a working day. By the municipality's rule, or what a person set
    /// instead; null if it need not be fixed. Stands still while its risk is accepted and after it is closed.
    pub due_at: Option<DateTime>,
    /// Whether it is open and due within the working days that the municipality calls soon.
    pub due_soon: bool,
    /// Whether it is open and its due date has passed.
    pub overdue: bool,
    /// How often it came back after it was closed.
    pub reopened_count: i32,
    /// Whether a source has seen it again after a person dismissed it.
    pub seen_after_dismissal: bool,
    /// Who works on it: a name or address.
    pub assignee: Option<String>,
    /// When a source first saw it, RFC 3339 UTC.
    pub first_seen: DateTime,
    /// When a source last saw it, RFC 3339 UTC. Volatile: moves without a change of `seq`.
    pub last_seen: DateTime,
    /// Since when complete reports of its source no longer hold it, RFC 3339 UTC; null while it is there. Gone is not
    /// fixed: that is for `status` to say.
    pub gone_at: Option<DateTime>,
    /// When Fynd first heard of it, RFC 3339 UTC.
    pub created_at: DateTime,
    /// When it last changed, RFC 3339 UTC.
    pub updated_at: DateTime,
    /// The number of its last change on the tenant's clock.
    pub seq: i64,
}

impl Finding {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "asset_id",
        "source",
        "source_id",
        "source_ref",
        "rule_key",
        "fingerprint",
        "kind",
        "title",
        "description",
        "consequence",
        "recommendation",
        "severity",
        "reported_severity",
        "severity_reason",
        "severity_by",
        "severity_at",
        "source_severity",
        "cvss_vector",
        "cvss_score",
        "kev",
        "epss",
        "epss_band",
        "priority",
        "priority_reasons",
        "cves",
        "cwes",
        "references",
        "location",
        "tags",
        "tlp",
        "withheld",
        "status",
        "justification",
        "status_comment",
        "duplicate_of",
        "acceptance_id",
        "due_at",
        "due_soon",
        "overdue",
        "reopened_count",
        "seen_after_dismissal",
        "assignee",
        "first_seen",
        "last_seen",
        "gone_at",
        "created_at",
        "updated_at",
        "seq",
    ];

    /// Takes away what needs `evidence:read`, and says so.
    #[must_use]
    pub fn restricted(self) -> Self {
        Self {
            description: None,
            consequence: None,
            location: None,
            references: Vec::new(),
            fingerprint: None,
            withheld: RestrictedField::ALL.to_vec(),
            ..self
        }
    }
}

/// What the tool saw. Written by the tool, and so perhaps by an attacker.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Evidence {
    /// The finding.
    pub finding_id: FindingId,
    /// The tool's words, at most 20,000 characters.
    pub text: String,
}

/// A change of what people say about a finding. A field left out stays as it
/// is; null empties it (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindingPatch {
    /// The severity a person sets; null goes back to the source's.
    pub severity: Option<Option<Severity>>,
    /// Why it is not the source's; see [`crate::adjusted_severity`].
    pub severity_reason: Option<Option<String>>,
    /// Who works on it.
    pub assignee: Option<Option<String>>,
    /// Labels; null goes back to the source's.
    pub tags: Option<Option<Vec<String>>>,
    /// The marking; null goes back to the one it came in with.
    pub tlp: Option<Option<Tlp>>,
    /// When it is due; null goes back to the municipality's rule.
    pub due_at: Option<Option<DateTime>>,
}

/// The most tags on a finding.
pub const MAX_TAGS: usize = 50;
/// The longest tag or assignee, in characters.
pub const MAX_LABEL: usize = 200;

impl FindingPatch {
    /// Brings reason, assignee and tags to their normal form: trimmed, one line; tags
    /// lower case, sorted, each once.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each field that is empty, too long or too many.
    pub fn normalise(mut self) -> Result<Self> {
        let mut violations = Vec::new();
        if let Some(Some(reason)) = &mut self.severity_reason {
            *reason = adjusted_severity::reason(reason, &mut violations);
        }
        if let Some(Some(assignee)) = &mut self.assignee {
            *assignee = label(assignee, "/assignee", &mut violations);
        }
        if let Some(Some(tags)) = &mut self.tags {
            if tags.len() > MAX_TAGS {
                violations.push(Violation::new("/tags", format!("holds more than {MAX_TAGS} tags")));
            }
            for (at, tag) in tags.iter_mut().enumerate() {
                *tag = label(tag, &format!("/tags/{at}"), &mut violations).to_lowercase();
            }
            tags.sort();
            tags.dedup();
        }
        if let Some(Some(due)) = &mut self.due_at {
            // Whole seconds, as the rule's own.
            due.0 = due.0.with_nanosecond(0).unwrap_or(due.0);
            if !(1970..=9999).contains(&due.0.year()) {
                violations.push(Violation::new("/due_at", "takes a year from 1970 to 9999"));
            }
        }
        if violations.is_empty() { Ok(self) } else { Err(Error::invalid(violations)) }
    }

    /// Refuses to set a due date where the clock does not run: what is closed has none to come, and of what
    /// rests it moves until the acceptance ends.
    ///
    /// # Errors
    /// `invalid_body`.
    pub fn check(&self, status: Status) -> Result<()> {
        if self.due_at.is_some() && !status.is_open() {
            let detail = "is set on open findings only";
            return Err(Error::invalid(vec![Violation::new("/due_at", detail)]));
        }
        Ok(())
    }
}

fn label(given: &str, pointer: &str, violations: &mut Vec<Violation>) -> String {
    let label = given.trim();
    if label.is_empty() {
        violations.push(Violation::new(pointer, "is empty"));
    } else if !text::is_line(label) {
        violations.push(Violation::new(pointer, "holds a control character"));
    } else if label.chars().count() > MAX_LABEL {
        violations.push(Violation::new(pointer, format!("is longer than {MAX_LABEL} characters")));
    }
    label.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_to_one_form() {
        let patch =
            FindingPatch { tags: Some(Some(vec![" Löner ".into(), "ad".into(), "AD".into()])), ..Default::default() };
        assert_eq!(patch.normalise().unwrap().tags, Some(Some(vec!["ad".into(), "löner".into()])));
    }

    #[test]
    fn a_due_date_is_of_an_open_finding() {
        let due = DateTime("2026-12-24T12:00:00.5Z".parse().unwrap());
        let patch = FindingPatch { due_at: Some(Some(due)), ..Default::default() }.normalise().unwrap();
        assert_eq!(patch.due_at, Some(Some(DateTime("2026-12-24T12:00:00Z".parse().unwrap()))));
        assert!(patch.check(Status::FixClaimed).is_ok());
        for status in [Status::RiskAccepted, Status::VerifiedFixed, Status::Duplicate] {
            assert_eq!(patch.check(status).unwrap_err().violations[0].pointer, "/due_at");
            assert!(FindingPatch::default().check(status).is_ok());
        }
        let far = DateTime("+12026-12-24T12:00:00Z".parse().unwrap());
        assert!(FindingPatch { due_at: Some(Some(far)), ..Default::default() }.normalise().is_err());
    }

    #[test]
    fn wrong_labels_are_named_by_their_place() {
        let patch = FindingPatch {
            assignee: Some(Some(" \n".into())),
            tags: Some(Some(vec!["ok".into(), "x".repeat(201)])),
            ..Default::default()
        };
        let pointers: Vec<_> = patch.normalise().unwrap_err().violations.into_iter().map(|v| v.pointer).collect();
        assert_eq!(pointers, ["/assignee", "/tags/1"]);
    }
}
