//! One result as an observation.

use super::rule::Rule;
use super::run::Run;
use super::{message, place};
use crate::import::common;
use crate::import::json::Look;
use domain::{FindingKind, Observation, Severity};
use serde_json::Value;

/// The observation, or why it is none.
pub(super) fn observation(result: &Value, run: &Run) -> Result<Observation, String> {
    check(result)?;
    let rule = rule(result, run);
    let id = result.text(&["ruleId"]).or_else(|| result.text(&["rule", "id"]));
    let message = message::of(result, rule, run);
    if message.is_empty() && id.is_none() && rule.is_none() {
        return Err("it has neither message nor rule".into());
    }
    let rule_key = id.or(rule.map(|rule| rule.id.as_str())).filter(|id| !id.is_empty()).unwrap_or("unspecified");
    let about = |pick: fn(&Rule) -> Option<&String>| rule.and_then(pick).map(String::as_str);
    let first_line = message.trim().lines().next();
    let titles = [about(|r| r.short.as_ref()), about(|r| r.name.as_ref()), first_line, Some(rule_key)];
    let (severity, source_severity) = severity(result, rule);
    let labels = Labels::new(result, rule, rule_key);
    let location = place::location(result);
    Ok(Observation {
        tool: run.driver.name.clone(),
        kind: if tells_only(result) { FindingKind::Observation } else { FindingKind::Vulnerability },
        title: common::title(titles.into_iter().flatten()).ok_or("it has no title")?,
        description: description(&message, about(|r| r.full.as_ref())),
        consequence: None,
        recommendation: about(|r| r.help.as_ref()).and_then(common::some_long),
        severity,
        source_severity: common::line(&source_severity),
        cvss_vector: None,
        cvss_score: None,
        cves: labels.cves,
        cwes: labels.cwes,
        references: common::references(about(|r| r.help_uri.as_ref())),
        source_ref: result.text(&["guid"]).and_then(common::line),
        rule_key: common::key(rule_key),
        identity: place::identity(result, &location, &message),
        location,
        asset: run.repository.clone(),
        tags: labels.tags,
        evidence: evidence(result),
        observed_at: run.observed_at,
    })
}

/// Whether the members that decide have the type the format gives them.
fn check(result: &Value) -> Result<(), String> {
    if !result.is_object() {
        return Err("it is not an object".into());
    }
    let objects = ["fingerprints", "message", "partialFingerprints", "properties", "rule"];
    let arrays = ["locations", "suppressions"];
    let texts = ["kind", "level", "ruleId"];
    let wrong = |names: &[&'static str], right: fn(&Value) -> bool| {
        names.iter().find(|name| result.get(**name).is_some_and(|value| !value.is_null() && !right(value))).copied()
    };
    let objects = wrong(&objects, Value::is_object).map(|name| format!("`{name}` is not an object"));
    let arrays = wrong(&arrays, Value::is_array).map(|name| format!("`{name}` is not an array"));
    let texts = wrong(&texts, Value::is_string).map(|name| format!("`{name}` is not a text"));
    objects.or(arrays).or(texts).map_or(Ok(()), Err)
}

/// The rule of a result: by index if that agrees with the id, else by id, which
/// may be hierarchical (`a/b` is a case of `a`).
fn rule<'r>(result: &Value, run: &'r Run) -> Option<&'r Rule> {
    let id = result.text(&["ruleId"]).or_else(|| result.text(&["rule", "id"]));
    let number = |path: &[&str]| usize::try_from(result.at(path)?.as_u64()?).ok();
    let component = match number(&["rule", "toolComponent", "index"]) {
        Some(index) => run.extensions.get(index).unwrap_or(&run.driver),
        None => &run.driver,
    };
    let index = number(&["ruleIndex"]).or_else(|| number(&["rule", "index"]));
    let agrees = |rule: &&Rule| id.is_none_or(|id| rule.id.is_empty() || common::key(id).starts_with(&rule.id));
    let by_index = index.and_then(|index| component.rules.get(index)).filter(agrees);
    by_index.or_else(|| {
        let all = || std::iter::once(component).chain([&run.driver]).chain(&run.extensions);
        let mut ids = std::iter::successors(id, |id| id.rsplit_once('/').map(|(parent, _)| parent)).take(10);
        ids.find_map(|id| all().find_map(|component| component.rule(&common::key(id))))
    })
}

/// Results that report no weakness (SARIF 2.1.0, 3.27.9).
fn tells_only(result: &Value) -> bool {
    matches!(result.text(&["kind"]), Some("pass" | "notApplicable" | "informational"))
}

/// On Fynd's scale, and the word or number it comes from.
fn severity(result: &Value, rule: Option<&Rule>) -> (Severity, String) {
    if let Some(kind) = result.text(&["kind"]).filter(|_| tells_only(result)) {
        return (Severity::Informational, kind.to_owned());
    }
    let score = security_severity(result).or_else(|| rule.and_then(|rule| rule.security_severity));
    if let Some(score) = score {
        return (Severity::from_cvss(score), score.to_string());
    }
    let levels = [result.text(&["level"]), rule.and_then(|rule| rule.level.as_deref())];
    let known = levels.into_iter().flatten().find_map(|level| Some((of_level(level)?, level.to_owned())));
    known.unwrap_or((Severity::Medium, "warning".to_owned()))
}

fn of_level(level: &str) -> Option<Severity> {
    Some(match level {
        "error" => Severity::High,
        "warning" => Severity::Medium,
        "note" => Severity::Low,
        "none" => Severity::Informational,
        _ => return None,
    })
}

/// GitHub's `security-severity` of a result or rule: a CVSS score, as text or number.
pub(super) fn security_severity(value: &Value) -> Option<f64> {
    let score: f64 = value.word(&["properties", "security-severity"])?.parse().ok()?;
    (0.0..=10.0).contains(&score).then_some(score)
}

/// A reference to a taxon, if it is one of CWE.
pub(super) fn taxon(taxon: &Value) -> Option<String> {
    let id = taxon.word(&["id"])?;
    let of_cwe = taxon.text(&["toolComponent", "name"]).is_some_and(|name| name.eq_ignore_ascii_case("cwe"));
    common::cwe(&id).or_else(|| common::cwe(&format!("CWE-{id}")).filter(|_| of_cwe))
}

fn description(message: &str, full: Option<&str>) -> String {
    match full.map(str::trim).filter(|full| *full != message.trim()) {
        Some(full) => common::long(&format!("{message}\n\n{full}")),
        None => common::long(message),
    }
}

fn evidence(result: &Value) -> Option<String> {
    let first = result.list(&["locations"]).first()?;
    let snippet = |region| first.text(&["physicalLocation", region, "snippet", "text"]);
    snippet("region").or_else(|| snippet("contextRegion")).and_then(common::seen)
}

/// What the tags of rule and result say.
struct Labels {
    cves: Vec<String>,
    cwes: Vec<String>,
    tags: Vec<String>,
}

impl Labels {
    /// CWE and CVE ids among the tags are ids, all others tags.
    fn new(result: &Value, rule: Option<&Rule>, rule_key: &str) -> Self {
        let own = result.list(&["properties", "tags"]).iter().filter_map(Value::as_str);
        let tags: Vec<&str> = rule.iter().flat_map(|r| r.tags.iter().map(String::as_str)).chain(own).collect();
        let cwe = |tag: &&str| common::cwe(tag.strip_prefix("external/cwe/").unwrap_or(tag));
        let cve = |tag: &&str| common::cve(tag);
        let taxa = result.list(&["taxa"]).iter().filter_map(taxon);
        let cwes: Vec<String> = tags.iter().filter_map(cwe).chain(taxa).collect();
        let cwes = cwes.iter().chain(rule.iter().flat_map(|rule| &rule.cwes)).map(String::as_str);
        let cves: Vec<String> = tags.iter().filter_map(cve).chain(common::leading_cve(rule_key)).collect();
        let words = tags.iter().filter(|tag| cwe(tag).is_none() && cve(tag).is_none()).copied();
        Self {
            cves: common::cves(cves.iter().map(String::as_str)),
            cwes: common::cwes(cwes),
            tags: common::tags(suppressed(result).then_some("suppressed").into_iter().chain(words)),
        }
    }
}

/// Whether somebody has set the result aside, and nobody still has to agree.
/// Drafts of the format wrote `state` where 2.1.0 has `status`.
fn suppressed(result: &Value) -> bool {
    let status = |s: &Value| s.text(&["status"]).or_else(|| s.text(&["state"])).map(str::to_owned);
    let open = |s: &Value| matches!(status(s).as_deref(), Some("rejected" | "underReview"));
    let suppressions = result.list(&["suppressions"]);
    !suppressions.is_empty() && !suppressions.iter().any(open)
}
