//! Sources: who reports findings, and whether they still do.

use crate::{
    DateTime, Error, ScanScopeId, SourceId, TenantId, Timestamp, Violation, condition::few, error::Result, text,
};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a source is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
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
pub enum SourceKind {
    /// A tool that looks for weaknesses.
    Scanner,
    /// Sensors that watch machines round the clock.
    Edr,
    /// People who attack on request.
    RedTeam,
    /// Somebody who reports by hand.
    Person,
    /// Anything else.
    Other,
}

/// Who reports findings.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Source {
    /// Identifier, UUIDv7.
    pub id: SourceId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// Its name, by which its reports are known.
    pub name: String,
    /// The tool or format that it reports with.
    pub tool: String,
    /// What it is.
    pub kind: SourceKind,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Hours within which a report is expected; null if none is.
    pub expected_interval_hours: Option<i32>,
    /// When its last report came in, RFC 3339 UTC. Volatile: moves without a change of `seq`.
    pub last_report_at: DateTime,
    /// Since when it is silent: the time at which a report was expected; null while it reports.
    pub silent_since: Option<DateTime>,
    /// Its named scans, by name.
    pub scopes: Vec<ScanScope>,
    /// When it first reported, RFC 3339 UTC.
    pub created_at: DateTime,
    /// When it last changed, RFC 3339 UTC.
    pub updated_at: DateTime,
    /// The number of its last change on the tenant's clock; 0 for a source that has not changed since it had none.
    pub seq: i64,
}

impl Source {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "name",
        "tool",
        "kind",
        "owner",
        "expected_interval_hours",
        "last_report_at",
        "silent_since",
        "scopes",
        "created_at",
        "updated_at",
        "seq",
    ];
}

/// A named scan of a source, as its last complete report described it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct ScanScope {
    /// Identifier, UUIDv7.
    pub id: ScanScopeId,
    /// Its name.
    pub name: String,
    /// Assets that it names by id or identifier; empty: those in the report.
    pub assets: Vec<String>,
    /// Networks that it is bound to; empty: any.
    pub networks: Vec<String>,
    /// Rules that it runs; empty: all of the source's.
    pub rules: Vec<String>,
    /// When its last complete report was observed, RFC 3339 UTC. Volatile: moves without a change of `seq`.
    pub last_complete_at: DateTime,
}

/// Most hours between two reports: ten years.
const MAX_INTERVAL: i32 = 87_600;

/// Since when a source is silent: a report was due then and has not come.
pub fn silent_since(last_report_at: Timestamp, interval_hours: Option<i32>, now: Timestamp) -> Option<Timestamp> {
    let due = last_report_at + chrono::TimeDelta::hours(interval_hours?.into());
    (due < now).then_some(due)
}

/// What can be changed about a source. A field left out stays; null empties it (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourcePatch {
    /// What it is.
    pub kind: Option<SourceKind>,
    /// The tool: 1–100 characters.
    pub tool: Option<String>,
    /// Who answers for it: 1–200 characters.
    pub owner: Option<Option<String>>,
    /// Hours within which a report is expected: 1–87,600.
    pub expected_interval_hours: Option<Option<i32>>,
}

impl SourcePatch {
    /// Brings the texts to their normal form.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn normalise(mut self) -> Result<Self> {
        let mut violations = Vec::new();
        let mut line = |text: &mut String, pointer: &str, most: usize| {
            *text = text.trim().to_owned();
            if !(1..=most).contains(&text.chars().count()) || !text::is_line(text) {
                violations.push(Violation::new(pointer, format!("takes one line of 1–{most} characters")));
            }
        };
        if let Some(tool) = &mut self.tool {
            line(tool, "/tool", 100);
        }
        if let Some(Some(owner)) = &mut self.owner {
            line(owner, "/owner", 200);
        }
        if self.expected_interval_hours.flatten().is_some_and(|hours| !(1..=MAX_INTERVAL).contains(&hours)) {
            violations.push(Violation::new("/expected_interval_hours", "takes 1 to 87600 hours"));
        }
        if violations.is_empty() { Ok(self) } else { Err(Error::invalid(violations)) }
    }
}

/// Which sources. All conditions hold together; an empty filter is all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SourceFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// Kinds.
    #[param(style = Form, explode = false, example = json!(["scanner"]))]
    #[graphql(default)]
    pub kind: Vec<SourceKind>,
    /// Only those that are silent, or only those that are not.
    pub silent: Option<bool>,
}

impl SourceFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &["tenant", "kind", "silent"];

    /// Refuses what no store can be asked.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("kind", &self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_780_000_000 + hour * 3600, 0).unwrap()
    }

    #[test]
    fn a_source_is_silent_from_the_hour_that_a_report_was_due() {
        for (interval, now, silent) in [
            (None, 1000, None),
            (Some(24), 23, None),
            (Some(24), 24, None),
            (Some(24), 25, Some(24)),
            (Some(1), 500, Some(1)),
        ] {
            assert_eq!(silent_since(at(0), interval, at(now)), silent.map(at), "{interval:?} at {now}");
        }
    }

    #[test]
    fn wrong_fields_are_named_by_their_place() {
        let patch = SourcePatch {
            tool: Some(" ".into()),
            owner: Some(Some("a\nb".into())),
            expected_interval_hours: Some(Some(0)),
            ..Default::default()
        };
        let pointers: Vec<_> = patch.normalise().unwrap_err().violations.into_iter().map(|v| v.pointer).collect();
        assert_eq!(pointers, ["/tool", "/owner", "/expected_interval_hours"]);
        let fine = SourcePatch { owner: Some(None), expected_interval_hours: Some(Some(24)), ..Default::default() };
        assert!(fine.normalise().is_ok());
    }
}
