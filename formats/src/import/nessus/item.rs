//! A `ReportItem` as an observation.

use super::host::{Host, Summary};
use crate::{
    cvss,
    import::{
        common::{self, TEXT_BYTES},
        xml::Element,
    },
};
use domain::{FindingKind, Location, Observation, Severity};
use std::collections::BTreeMap;

/// The child elements that are read; `compliance-…` stands with the prefix `cm:` in the report.
const FIELDS: &[&str] = &[
    "compliance-actual-value",
    "compliance-check-id",
    "compliance-check-name",
    "compliance-info",
    "compliance-policy-value",
    "compliance-result",
    "compliance-see-also",
    "compliance-solution",
    "cve",
    "cvss3_base_score",
    "cvss3_vector",
    "cvss4_base_score",
    "cvss4_vector",
    "cvss_base_score",
    "cvss_vector",
    "cwe",
    "description",
    "payload",
    "plugin_name",
    "plugin_output",
    "proof",
    "request_headers",
    "response_headers",
    "risk_factor",
    "see_also",
    "solution",
    "synopsis",
    "uri",
    "xref",
];

/// Attributes that are read, under names that no child element has.
const ATTRIBUTES: &[&str] = &["pluginFamily", "pluginID", "pluginName", "port", "protocol", "severity", "svc_name"];

/// The plugin that asks whether a host is there.
const PING: &str = "10180";
/// What it says of one that is not: the scanner then looks no further.
const DEAD: &str = "considered as dead";

/// The family of the plugins that check against a policy.
const COMPLIANCE: &str = "Policy Compliance";

/// The name under which a child element is kept; none for one that is not read.
pub(super) fn field(name: &str) -> Option<&'static str> {
    FIELDS.iter().find(|known| **known == name).copied()
}

/// An item that is being read: its texts by name, those of repeated elements as lines.
#[derive(Debug, Default)]
pub(super) struct Item(BTreeMap<&'static str, String>);

impl Item {
    /// The item of an opened `ReportItem`.
    pub(super) fn new(element: &Element<'_>) -> Self {
        Self(ATTRIBUTES.iter().filter_map(|name| Some((*name, element.attribute(name)?))).collect())
    }

    /// Takes the text of a child element.
    pub(super) fn set(&mut self, name: &'static str, value: &str) {
        let text = self.0.entry(name).or_default();
        if text.len() + value.len() < 2 * TEXT_BYTES {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(value);
        }
    }

    /// The observation, or why it is none.
    pub(super) fn into_observation(self, host: &Host) -> Result<Observation, &'static str> {
        let plugin = common::line(self.get("pluginID")).ok_or("it has no pluginID")?;
        let vectors = ["cvss4_vector", "cvss3_vector", "cvss_vector"].map(|name| self.get(name));
        let stated =
            ["cvss4_base_score", "cvss3_base_score", "cvss_base_score"].map(|name| self.get(name).parse().ok());
        let (cvss_vector, cvss_score) = cvss::of(vectors, stated);
        let severity = self.severity(cvss_score);
        let known = host.summary();
        let location = self.location(known);
        Ok(Observation {
            tool: None,
            kind: self.kind(severity),
            title: self.title(&plugin),
            description: self.first_long(&["compliance-info", "description", "synopsis"]).unwrap_or_default(),
            consequence: None,
            recommendation: self.first_long(&["compliance-solution", "solution"]),
            severity,
            source_severity: common::line(self.result()).or_else(|| self.first_line(&["risk_factor", "severity"])),
            cvss_vector,
            cvss_score,
            cves: common::cves(self.get("cve").lines()),
            cwes: self.cwes(),
            references: common::references(self.get("see_also").lines().chain(self.get("compliance-see-also").lines())),
            source_ref: None,
            rule_key: self.rule_key(&plugin),
            // A check that passed is not the weakness that it looks for, or it would be seen where it is mended.
            identity: self.identity(&location).into_iter().chain(self.has_passed().then(|| "passed".into())).collect(),
            location,
            asset: known.asset.clone(),
            tags: common::tags([self.get("pluginFamily")]),
            evidence: self.evidence(),
            observed_at: known.observed_at,
            unanswered: host.is_unfinished() || plugin == PING && self.get("plugin_output").contains(DEAD),
        })
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    fn first_long(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| common::some_long(self.get(name)))
    }

    fn first_line(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| common::line(self.get(name)))
    }

    /// The port scanner's own items have plugin 0 and no name; an item of any
    /// other plugin without a name is still worth more than none.
    fn title(&self, plugin: &str) -> String {
        let check = self.check().unwrap_or_default();
        let named = [check, self.get("pluginName"), self.get("plugin_name"), self.get("synopsis")];
        common::title(named).unwrap_or_else(|| match plugin {
            "0" => "Open port".to_owned(),
            _ => format!("Plugin {plugin}"),
        })
    }

    /// The name of a compliance check. Nessus before version 5 wrote no elements
    /// for checks, but `"name": [FAILED]` as the first line of the description.
    fn check(&self) -> Option<&str> {
        let stated = Some(self.get("compliance-check-name")).filter(|name| !name.is_empty());
        stated.or_else(|| self.verdict().map(|(name, _)| name))
    }

    /// What a compliance check came to (`PASSED`, `FAILED`, `WARNING`).
    fn result(&self) -> &str {
        match self.get("compliance-result") {
            "" => self.verdict().map_or("", |(_, result)| result),
            stated => stated,
        }
    }

    /// Name and result out of the first line of a compliance check's description.
    fn verdict(&self) -> Option<(&str, &str)> {
        if self.get("pluginFamily") != COMPLIANCE {
            return None;
        }
        let (name, result) = self.get("description").lines().next()?.trim_end().strip_suffix(']')?.rsplit_once('[')?;
        let name = name.trim_end_matches([' ', ':']).trim_matches('"');
        let is_result = !result.is_empty() && result.bytes().all(|byte| byte.is_ascii_uppercase());
        (!name.is_empty() && is_result).then_some((name, result))
    }

    fn has_passed(&self) -> bool {
        self.result().eq_ignore_ascii_case("passed")
    }

    fn is_compliance(&self) -> bool {
        self.get("pluginFamily") == COMPLIANCE || self.0.keys().any(|name| name.starts_with("compliance-"))
    }

    fn kind(&self, severity: Severity) -> FindingKind {
        match severity {
            _ if self.is_compliance() => FindingKind::Compliance,
            Severity::Informational => FindingKind::Observation,
            _ => FindingKind::Vulnerability,
        }
    }

    /// The attribute decides; without a valid one the risk factor's word, then
    /// the score. A requirement that is met carries severity 1 in Nessus, though
    /// there is nothing to mend.
    fn severity(&self, score: Option<f64>) -> Severity {
        if self.has_passed() {
            return Severity::Informational;
        }
        match self.get("severity") {
            "0" => Severity::Informational,
            "1" => Severity::Low,
            "2" => Severity::Medium,
            "3" => Severity::High,
            "4" => Severity::Critical,
            word => Severity::from_word(word)
                .or_else(|| Severity::from_word(self.get("risk_factor")))
                .or_else(|| score.map(Severity::from_cvss))
                .unwrap_or(Severity::Informational),
        }
    }

    /// Numbers in `cwe`, and `CWE:79` among the cross references.
    fn cwes(&self) -> Vec<String> {
        let numbers: Vec<String> = self.get("cwe").lines().map(|number| format!("CWE-{}", number.trim())).collect();
        let written = self.get("cwe").lines();
        common::cwes(numbers.iter().map(String::as_str).chain(written).chain(self.get("xref").lines()))
    }

    /// All compliance checks of one kind of system share a plugin, so the check is part of their rule.
    fn rule_key(&self, plugin: &str) -> String {
        let id = Some(self.get("compliance-check-id")).filter(|id| !id.is_empty());
        match id.or_else(|| self.check()) {
            Some(check) => common::key(&format!("{plugin}:{check}")),
            None => common::key(plugin),
        }
    }

    fn location(&self, host: &Summary) -> Location {
        Location {
            port: self.get("port").parse().ok().filter(|port| *port > 0),
            protocol: common::line(self.get("protocol")).map(|protocol| protocol.to_lowercase()),
            service: common::line(self.get("svc_name")),
            url: self.own_url().and_then(common::url).or_else(|| host.url.clone()),
            ..Location::default()
        }
    }

    /// The URL of this item, where WAS says it: in `uri`, as the whole output, or in its first sentence.
    fn own_url(&self) -> Option<&str> {
        let output = self.get("plugin_output");
        let quoted = output.split_once("on URL '").and_then(|(_, rest)| rest.split('\'').next());
        let is_url = |text: &&str| {
            (text.starts_with("http://") || text.starts_with("https://")) && !text.contains(char::is_whitespace)
        };
        [Some(self.get("uri")), Some(output), quoted].into_iter().flatten().find(is_url)
    }

    /// The same plugin on the same port of a host is one finding, however often it is written; the
    /// service's name is left out, since scanners change their mind about it. Web applications
    /// have many places behind one port, so there the URL belongs to it.
    fn identity(&self, location: &Location) -> Vec<String> {
        let port = location.port.map_or("0".to_owned(), |port| port.to_string());
        let mut identity = vec![port, location.protocol.clone().unwrap_or_default()];
        identity.extend(self.own_url().map(common::key));
        identity
    }

    fn evidence(&self) -> Option<String> {
        let seen = [
            "plugin_output",
            "proof",
            "payload",
            "request_headers",
            "response_headers",
            "compliance-actual-value",
            "compliance-policy-value",
        ];
        let parts: Vec<&str> = seen.iter().map(|name| self.get(name)).filter(|text| !text.is_empty()).collect();
        common::seen(&parts.join("\n\n"))
    }
}
