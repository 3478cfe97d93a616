//! Rules, their outcome and names of findings as they are shown.

use super::FingerprintRule;
use crate::{DateTime, FindingId, SourceId, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

/// The fingerprint rule of a source as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct SourceRule {
    /// The source.
    pub source_id: SourceId,
    /// The municipality.
    pub tenant_id: TenantId,
    /// Its name.
    pub source: String,
    /// The rule that is wanted.
    pub rule: FingerprintRule,
    /// The rule that reports are read by. The one wanted comes into force at the end of its rerun.
    pub in_force: FingerprintRule,
    /// The version of the rule in force; 0 is the importer's own choice.
    pub in_force_version: i64,
    /// How far the rerun is: `none` if nothing is to be done, `wanted` before it is begun, `running`.
    pub rerun: RerunState,
    /// Stored findings that the rule wanted has not been applied to; 0 if it is in force.
    pub left: i64,
    /// Grows with every change of the rule; the first part of the `ETag`. 0 is the importer's own choice.
    pub version: i64,
}

/// How far a changed rule is from being in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum RerunState {
    /// The rule wanted is in force.
    None,
    /// It waits for `POST …/rerun`.
    Wanted,
    /// It is being applied to the stored findings.
    Running,
}

/// What a rule would make of the stored findings of a source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct RulePreview {
    /// Findings as they are told apart now, without those merged already.
    pub findings: i64,
    /// How many there would be.
    pub would_be: i64,
    /// Groups of findings that would become one.
    pub merged_groups: i64,
    /// Findings that would be merged into another one.
    pub merged: i64,
    /// The first groups, at most 20.
    pub examples: Vec<MergedGroup>,
    /// Merged findings that the rule would tell apart. They stay merged: records that came in as one cannot be told
    /// apart afterwards, and merged ones are taken out again by `POST /v1/findings/{id}/split`.
    pub stay_merged: i64,
    /// Findings whose parts are not all stored yet, since they have not been reported since Fynd stores them; the rule
    /// takes them at their next report.
    pub not_computable: i64,
    /// Findings left out, since they are marked TLP:RED and the caller lacks `evidence:read`.
    pub withheld: i64,
    /// The same in words.
    pub note: String,
}

impl RulePreview {
    /// The counts in words.
    pub fn in_words(&self) -> String {
        let mut words = vec![match self.merged {
            0 => format!("None of the {} findings would become one with another.", self.findings),
            _ => format!(
                "Of {} findings there would be {}: {} would be merged into {} others.",
                self.findings, self.would_be, self.merged, self.merged_groups
            ),
        }];
        words.push(
            "A rule never splits what is stored as one: records that came in as one finding cannot be told apart afterwards."
                .to_owned(),
        );
        if self.stay_merged > 0 {
            words.push(format!(
                "{} findings stay merged though the rule would tell them apart; `split` takes them out.",
                self.stay_merged
            ));
        }
        if self.not_computable > 0 {
            words.push(format!("{} findings take the rule at their next report only.", self.not_computable));
        }
        if self.withheld > 0 {
            words.push(format!("{} findings marked TLP:RED are left out of this.", self.withheld));
        }
        words.join(" ")
    }
}

/// Findings that would become one.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct MergedGroup {
    /// How many.
    pub count: i64,
    /// The oldest, into which the others would be merged.
    pub survivor: FindingId,
    /// The first of the others, at most 10.
    pub others: Vec<FindingId>,
    /// The title of the oldest.
    pub title: String,
}

/// Another fingerprint under which reports reach a finding.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct FindingAlias {
    /// The source whose reports use it.
    pub source_id: SourceId,
    /// The source's name.
    pub source: String,
    /// The fingerprint: 64 hexadecimal digits. Null if withheld.
    pub fingerprint: Option<String>,
    /// The finding whose fingerprint it was, if that was merged into this one; it keeps its history, comments and
    /// evidence. Null for a former fingerprint of the finding itself.
    pub merged: Option<FindingId>,
    /// Since when, RFC 3339 UTC.
    pub since: DateTime,
    /// Whether the fingerprint is withheld, since a finding is marked TLP:RED and the caller lacks `evidence:read`.
    pub withheld: bool,
}

impl FindingAlias {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &["source_id", "source", "fingerprint", "merged", "since", "withheld"];
}
