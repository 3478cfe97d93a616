//! What makes two records of a source the same finding: a rule per source that says which parts count.
//!
//! The asset always counts, since a finding is one weakness on one asset. Here parts are chosen, brought to one
//! form and compared; the digest over them is `service`'s. Which asset a record means is [`crate::asset_matching`]'s.

mod explain;
mod merge;
mod shown;

pub use explain::{Compared, Explanation, Sameness, Side, explain};
pub use merge::{Carried, Member, Merge, Split, carried};
pub use shown::{FindingAlias, MergedGroup, RerunState, RulePreview, SourceRule};

use crate::{
    Error, Location, Observation, Violation,
    error::Result,
    text::{is_line, word},
};
use sea_orm::EnumIter;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that a record says and that a rule may count.
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
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
pub enum IdentityPart {
    /// The plugin, rule or template.
    RuleKey,
    /// What the importer of the format tells records of one rule apart by.
    Identity,
    /// The port.
    Port,
    /// `tcp`, `udp`, …
    Protocol,
    /// The service on the port.
    Service,
    /// The URL as it is.
    Url,
    /// The URL without query and fragment, its scheme and host in lower case, without a slash at its end.
    UrlWithoutQuery,
    /// The file.
    Path,
    /// The first line.
    Line,
    /// The first column.
    Column,
    /// The function, class or other logical place.
    Logical,
    /// The title.
    Title,
    /// The CVE ids, in whatever order.
    Cves,
    /// The tool's own id of the record.
    SourceRef,
}

impl IdentityPart {
    /// Every part, in the order in which they are put together.
    pub const ALL: &'static [Self] = &[
        Self::RuleKey,
        Self::Identity,
        Self::Port,
        Self::Protocol,
        Self::Service,
        Self::Url,
        Self::UrlWithoutQuery,
        Self::Path,
        Self::Line,
        Self::Column,
        Self::Logical,
        Self::Title,
        Self::Cves,
        Self::SourceRef,
    ];

    /// Whether it tells where on the asset, which of a finding marked TLP:RED needs `evidence:read`.
    /// The importer's parts are made of the place as well.
    pub const fn is_restricted(self) -> bool {
        !matches!(self, Self::RuleKey | Self::Title | Self::Cves | Self::SourceRef)
    }
}

/// Other parts for the records of one plugin, rule or template.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    ToSchema,
    async_graphql::SimpleObject,
    async_graphql::InputObject,
)]
#[serde(deny_unknown_fields)]
#[graphql(input_name = "RuleOverrideInput")]
pub struct RuleOverride {
    /// The plugin, rule or template: 1–500 characters on one line.
    #[schema(min_length = 1, max_length = 500, example = "10863")]
    pub rule_key: String,
    /// Which parts count there, beside the asset.
    #[schema(min_items = 1, max_items = 14)]
    pub parts: Vec<IdentityPart>,
}

/// Which parts tell the findings of a source apart.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    ToSchema,
    async_graphql::SimpleObject,
    async_graphql::InputObject,
)]
#[serde(deny_unknown_fields)]
#[graphql(input_name = "FingerprintRuleInput")]
pub struct FingerprintRule {
    /// Which parts count, beside the asset, which always does. Their order is of no account.
    #[schema(min_items = 1, max_items = 14, example = json!(["rule_key", "url_without_query"]))]
    pub parts: Vec<IdentityPart>,
    /// Whether upper and lower case are the same.
    #[serde(default)]
    #[graphql(default)]
    pub ignore_case: bool,
    /// Rules of the tool for which other parts count; at most 100.
    #[serde(default)]
    #[graphql(default)]
    #[schema(max_items = 100)]
    pub overrides: Vec<RuleOverride>,
}

/// The importer's own choice.
impl Default for FingerprintRule {
    fn default() -> Self {
        let parts = vec![IdentityPart::RuleKey, IdentityPart::Identity];
        Self { parts, ignore_case: false, overrides: Vec::new() }
    }
}

/// The most overrides in a rule.
const MAX_OVERRIDES: usize = 100;
/// The longest rule key, in characters; importers cut them there.
const MAX_RULE_KEY: usize = 500;

/// What a record or a stored finding says that rules may count.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The plugin, rule or template.
    pub rule_key: &'a str,
    /// The importer's parts; none of a finding that was stored without them.
    pub identity: Option<&'a [String]>,
    /// Where on the asset.
    pub location: &'a Location,
    /// CVE ids.
    pub cves: &'a [String],
    /// The title.
    pub title: &'a str,
    /// The tool's own id of the record.
    pub source_ref: Option<&'a str>,
}

impl<'a> From<&'a Observation> for Told<'a> {
    fn from(record: &'a Observation) -> Self {
        Self {
            rule_key: &record.rule_key,
            identity: Some(&record.identity),
            location: &record.location,
            cves: &record.cves,
            title: &record.title,
            source_ref: record.source_ref.as_deref(),
        }
    }
}

impl FingerprintRule {
    /// The rule in its one form: parts and overrides in order, each once.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to what is empty, too long, too many or stands twice.
    pub fn normalise(mut self) -> Result<Self> {
        let mut violations = Vec::new();
        tidy(&mut self.parts, "/parts", &mut violations);
        if self.overrides.len() > MAX_OVERRIDES {
            violations.push(Violation::new("/overrides", format!("holds more than {MAX_OVERRIDES} overrides")));
        }
        for (at, one) in self.overrides.iter_mut().enumerate().take(MAX_OVERRIDES) {
            let (pointer, length) = (format!("/overrides/{at}/rule_key"), one.rule_key.chars().count());
            if !is_line(&one.rule_key) {
                violations.push(Violation::new(pointer, "holds a control character"));
            } else if length == 0 || length > MAX_RULE_KEY {
                violations.push(Violation::new(pointer, format!("takes 1–{MAX_RULE_KEY} characters")));
            }
            tidy(&mut one.parts, &format!("/overrides/{at}/parts"), &mut violations);
        }
        let mut keys: Vec<&str> = self.overrides.iter().map(|one| one.rule_key.as_str()).collect();
        keys.sort_unstable();
        if let Some([twice, _]) = keys.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
            violations.push(Violation::new("/overrides", format!("names `{twice}` twice")));
        }
        if !violations.is_empty() {
            return Err(Error::invalid(violations));
        }
        self.overrides.sort_by(|one, other| one.rule_key.cmp(&other.rule_key));
        Ok(self)
    }

    /// The parts that count for the records of a rule of the tool.
    pub fn counting(&self, rule_key: &str) -> &[IdentityPart] {
        let own = self.overrides.iter().find(|one| one.rule_key == rule_key);
        own.map_or(&self.parts, |one| &one.parts)
    }

    /// What tells a finding apart from the others on its asset, as texts to make a digest of.
    ///
    /// Where none of the parts that count says anything, the importer's own choice holds: a rule never makes one
    /// finding of records that have nothing in common but their silence. None if a part is not known.
    pub fn parts_of(&self, told: &Told<'_>) -> Option<Vec<String>> {
        let counted = self.texts(self.counting(told.rule_key), told)?;
        if counted.iter().any(|(_, values)| !values.is_empty()) {
            return Some(flat(counted));
        }
        self.texts(&Self::default().parts, told).map(flat)
    }

    /// Whether no part that counts says anything.
    fn is_silent(&self, told: &Told<'_>) -> bool {
        let counted = self.texts(self.counting(told.rule_key), told);
        counted.is_some_and(|counted| counted.iter().all(|(_, values)| values.is_empty()))
    }

    fn texts(&self, parts: &[IdentityPart], told: &Told<'_>) -> Option<Vec<(IdentityPart, Vec<String>)>> {
        IdentityPart::ALL
            .iter()
            .filter(|part| parts.contains(part))
            .map(|part| Some((*part, self.values(*part, told)?)))
            .collect()
    }

    /// The values of one part in the form in which they are compared; none if they are not known.
    fn values(&self, part: IdentityPart, told: &Told<'_>) -> Option<Vec<String>> {
        let values = values(part, told)?;
        let folded = |value: String| if self.ignore_case { value.to_lowercase() } else { value };
        Some(values.into_iter().map(folded).collect())
    }
}

fn tidy(parts: &mut Vec<IdentityPart>, pointer: &str, violations: &mut Vec<Violation>) {
    let given = parts.len();
    parts.sort_unstable();
    parts.dedup();
    if parts.is_empty() {
        violations.push(Violation::new(pointer, "names no part: everything on an asset would be one finding"));
    } else if parts.len() < given {
        violations.push(Violation::new(pointer, "names a part twice"));
    }
}

/// Each part under its name and with the number of its values, so that none can pass for another.
fn flat(parts: Vec<(IdentityPart, Vec<String>)>) -> Vec<String> {
    let named = |(part, values): (IdentityPart, Vec<String>)| {
        [word(&part), values.len().to_string()].into_iter().chain(values).collect::<Vec<_>>()
    };
    parts.into_iter().flat_map(named).collect()
}

fn values(part: IdentityPart, told: &Told<'_>) -> Option<Vec<String>> {
    let place = told.location;
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let one = |value: Option<String>| value.filter(|value| !value.is_empty()).into_iter().collect();
    Some(match part {
        IdentityPart::RuleKey => vec![told.rule_key.to_owned()],
        IdentityPart::Identity => told.identity?.to_vec(),
        IdentityPart::Port => one(number(place.port.map(u32::from))),
        IdentityPart::Protocol => one(place.protocol.clone()),
        IdentityPart::Service => one(place.service.clone()),
        IdentityPart::Url => one(place.url.clone()),
        IdentityPart::UrlWithoutQuery => one(place.url.as_deref().map(without_query)),
        IdentityPart::Path => one(place.path.clone()),
        IdentityPart::Line => one(number(place.line)),
        IdentityPart::Column => one(number(place.column)),
        IdentityPart::Logical => one(place.logical.clone()),
        IdentityPart::Title => one(Some(told.title.to_owned())),
        IdentityPart::Cves => {
            let mut cves = told.cves.to_vec();
            cves.sort_unstable();
            cves.dedup();
            cves
        }
        IdentityPart::SourceRef => one(told.source_ref.map(str::to_owned)),
    })
}

/// A URL up to its query. What is no URL keeps its text: a hostile one is compared, never fetched.
fn without_query(url: &str) -> String {
    let place = url.split(['?', '#']).next().unwrap_or(url);
    let place = place.trim_end_matches('/');
    let Some((scheme, rest)) = place.split_once("://") else { return place.to_owned() };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    format!("{}://{}{path}", scheme.to_lowercase(), host.to_lowercase())
}

#[cfg(test)]
#[path = "identity/tests.rs"]
mod tests;
