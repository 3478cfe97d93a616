//! One result of Nuclei as an observation. Keys of version 2 (`templateID`,
//! `matched`) are read like those of version 3; its first releases wrote
//! `template` for the id and the members of `info` beside it.

use crate::{
    cvss,
    import::{
        common::{self, host, time},
        json::Look,
    },
};
use domain::{AssetKind, FindingKind, Identifier, IdentifierKind, Location, Observation, ReportedAsset, Severity};
use serde_json::Value;
use url::Url;

/// Members that are large and not read.
pub(super) const SKIPPED: &[&str] = &["template-encoded", "interaction", "analyzer_details"];

/// How much of a request or response is kept as evidence, in characters.
const TRAFFIC: usize = 4_000;

/// The observation, or why it is none.
pub(super) fn observation(result: &Value) -> Result<Observation, &'static str> {
    if !result.is_object() {
        return Err("it is not an object");
    }
    if result.get("matcher-status") == Some(&Value::Bool(false)) {
        return Err("its template did not match");
    }
    let template = first(result, &["template-id", "templateID", "template"]);
    let info = match (result.get("info"), result.get("template")) {
        (Some(info), _) => info,
        (None, Some(_)) => result,
        (None, None) => &Value::Null,
    };
    let name = info.text(&["name"]);
    let title = common::title([name, template].into_iter().flatten()).ok_or("it has neither template id nor name")?;
    let class = |name| info.texts(&["classification", name], &[',']);
    let stated = info.word(&["classification", "cvss-score"]).and_then(|score| score.parse().ok());
    let (cvss_vector, cvss_score) = cvss::of(class("cvss-metrics"), [stated]);
    let severity = severity(info, cvss_score);
    let tags = info.texts(&["tags"], &[',']);
    let named: Vec<String> = template.into_iter().flat_map(common::cves_in).collect();
    Ok(Observation {
        unanswered: false,
        tool: None,
        kind: kind(result, &tags, severity),
        description: info.text(&["description"]).map(common::long).unwrap_or_default(),
        consequence: info.text(&["impact"]).and_then(common::some_long),
        recommendation: info.text(&["remediation"]).and_then(common::some_long),
        severity,
        source_severity: info.text(&["severity"]).and_then(common::line),
        cvss_vector,
        cvss_score,
        cves: common::cves(class("cve-id").into_iter().chain(named.iter().map(String::as_str))),
        cwes: common::cwes(class("cwe-id")),
        references: common::references(
            info.texts(&["reference"], &['\n']).into_iter().map(|line| line.trim_start_matches("- ")),
        ),
        source_ref: None,
        rule_key: common::key(template.unwrap_or(&title)),
        title,
        location: location(result),
        asset: asset(result),
        tags: common::tags(tags),
        evidence: evidence(result),
        observed_at: result.text(&["timestamp"]).and_then(time::rfc3339),
        identity: identity(result),
    })
}

/// The first of several names of a member that has a text.
fn first<'v>(result: &'v Value, names: &[&str]) -> Option<&'v str> {
    names.iter().find_map(|name| result.text(&[name]))
}

fn matched_at(result: &Value) -> Option<&str> {
    first(result, &["matched-at", "matched"])
}

/// The template's word; for `unknown` or none the score.
fn severity(info: &Value, score: Option<f64>) -> Severity {
    let word = info.text(&["severity"]).and_then(Severity::from_word);
    word.or_else(|| score.map(Severity::from_cvss)).unwrap_or(Severity::Informational)
}

/// Templates say by their tags what they look for.
fn kind(result: &Value, tags: &[&str], severity: Severity) -> FindingKind {
    let is = |name: &str| tags.iter().any(|tag| tag.eq_ignore_ascii_case(name)) || result.text(&["type"]) == Some(name);
    if ["misconfig", "misconfiguration", "exposure", "default-login"].into_iter().any(is) {
        FindingKind::Misconfiguration
    } else if is("tech") || severity == Severity::Informational {
        FindingKind::Observation
    } else {
        FindingKind::Vulnerability
    }
}

/// The host and its address. If `host` is missing or no name of a host, the
/// place of the match names it; a bare word there does not. Templates for files
/// write the file into `host`.
fn asset(result: &Value) -> Option<ReportedAsset> {
    if result.text(&["type"]) == Some("file") {
        return None;
    }
    let stated = result.text(&["host"]).and_then(host::identifier);
    let places = [matched_at(result), result.text(&["url"])];
    let place = places.into_iter().flatten().filter(|place| place.contains("://")).find_map(host::identifier);
    let address = result.text(&["ip"]).and_then(|ip| Identifier::parse(IdentifierKind::Ip, ip));
    let web = matches!(result.text(&["type"]), Some("http" | "headless"));
    let kind = if web { AssetKind::WebApplication } else { AssetKind::Host };
    host::asset(kind, None, stated.or(place).into_iter().chain(address))
}

fn location(result: &Value) -> Location {
    let matched = matched_at(result);
    let url = [matched, result.text(&["url"])].into_iter().flatten().find(|place| place.contains("://"));
    let is_file = result.text(&["type"]) == Some("file");
    let service = result.text(&["scheme"]).or_else(|| result.text(&["type"]));
    Location {
        port: port(result, url),
        protocol: result.text(&["type"]).and_then(transport).map(str::to_owned),
        service: service.filter(|_| !is_file).and_then(common::line),
        url: url.and_then(common::url),
        path: matched.filter(|_| is_file).and_then(common::url),
        ..Location::default()
    }
}

/// `port` says it; else the URL, with the default port of its scheme; else `host:port`.
fn port(result: &Value, url: Option<&str>) -> Option<u16> {
    let of_url = || Url::parse(url?).ok()?.port_or_known_default();
    let of_place = || matched_at(result).and_then(host::port);
    let stated = result.word(&["port"]).and_then(|port| port.parse().ok());
    stated.or_else(of_url).or_else(of_place).filter(|port: &u16| *port > 0)
}

/// The transport of a template's protocol, where it has only one.
fn transport(kind: &str) -> Option<&'static str> {
    matches!(kind, "http" | "headless" | "ssl" | "network" | "tcp" | "websocket").then_some("tcp")
}

fn evidence(result: &Value) -> Option<String> {
    let extracted = ["extracted-results", "extracted_results"].map(|name| result.texts(&[name], &[]));
    let extracted = extracted.concat().join("\n");
    let traffic = |name| result.text(&[name]).map(|text| domain::text::clean(text, TRAFFIC));
    let parts = [Some(extracted), traffic("request"), traffic("response")];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    common::seen(&parts.join("\n\n"))
}

/// A template may match at several places and by several matchers of one place.
/// Where the place is not told, the URL or host stands for it.
fn identity(result: &Value) -> Vec<String> {
    let names: [&[&str]; 3] = [
        &["matched-at", "matched", "url", "host"],
        &["matcher-name", "matcher_name"],
        &["extractor-name", "extractor_name"],
    ];
    names.into_iter().map(|names| first(result, names).map(common::key).unwrap_or_default()).collect()
}
