//! A rule (`reportingDescriptor`), as far as results need it.

use super::{message, result};
use crate::import::common;
use crate::import::json::Look;
use domain::text;
use serde_json::Value;
use std::collections::BTreeMap;

/// A rule. Its texts are cut to what a finding may hold.
#[derive(Debug, Default)]
pub(super) struct Rule {
    /// Its id; may be empty in a broken report.
    pub(super) id: String,
    /// Its name.
    pub(super) name: Option<String>,
    /// What it finds, in a sentence.
    pub(super) short: Option<String>,
    /// What it finds, at length.
    pub(super) full: Option<String>,
    /// What to do.
    pub(super) help: Option<String>,
    /// Where to read more.
    pub(super) help_uri: Option<String>,
    /// The level of its results that have none.
    pub(super) level: Option<String>,
    /// GitHub's `security-severity`, a CVSS score.
    pub(super) security_severity: Option<f64>,
    /// Its tags, CWE and CVE ids among them.
    pub(super) tags: Vec<String>,
    /// CWE ids it is related to by taxonomy or names in its properties.
    pub(super) cwes: Vec<String>,
    /// Messages by id.
    pub(super) messages: BTreeMap<String, String>,
}

impl Rule {
    /// Takes what is readable; a rule that is no object is an empty one, since its index counts.
    pub(super) fn new(rule: &Value) -> Self {
        let long = |path: &[&str]| rule.text(path).and_then(common::some_long);
        let line = |path: &[&str]| rule.text(path).and_then(common::line);
        let tags = rule.list(&["properties", "tags"]).iter().filter_map(Value::as_str).filter_map(common::line);
        let related = rule.list(&["relationships"]).iter().filter_map(|relationship| relationship.get("target"));
        Self {
            id: rule.text(&["id"]).map(common::key).unwrap_or_default(),
            name: line(&["name"]),
            short: line(&["shortDescription", "text"]),
            full: long(&["fullDescription", "text"]),
            help: long(&["help", "text"]).or_else(|| long(&["help", "markdown"])),
            help_uri: rule.text(&["helpUri"]).map(|uri| text::clean_line(uri, 2_000)),
            level: line(&["defaultConfiguration", "level"]),
            security_severity: result::security_severity(rule),
            tags: tags.take(200).collect(),
            cwes: related.filter_map(result::taxon).chain(result::cwes(rule)).take(200).collect(),
            messages: message::strings(rule.get("messageStrings")),
        }
    }

    /// Bytes it takes, roughly: short texts cost more than their letters.
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.name, &self.short, &self.full, &self.help, &self.help_uri, &self.level];
        let texts = texts.into_iter().flatten().chain(&self.tags).chain(&self.cwes);
        let texts: usize = texts.map(|text| text.len() + message::OVERHEAD).sum();
        size_of::<Self>() + 2 * self.id.len() + texts + message::bytes(&self.messages)
    }
}
