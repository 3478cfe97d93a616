//! One result as an observation.

use super::rule::Rule;
use super::run::{Component, Run};
use super::{message, place};
use crate::{
    cvss,
    import::{common, json::Look},
};
use domain::{FindingKind, Observation, Severity};
use serde_json::Value;

/// The observation, or why it is none.
pub(super) fn observation(result: &Value, run: &Run) -> Result<Observation, String> {
    check(result)?;
    let (component, rule) = rule(result, run);
    let id = id(result);
    let message = message::of(result, rule, component);
    if message.is_empty() && id.is_none() && rule.is_none() {
        return Err("it has neither message nor rule".into());
    }
    let rule_key = id.or(rule.map(|rule| rule.id.as_str())).filter(|id| !id.is_empty()).unwrap_or("unspecified");
    let about = |pick: fn(&Rule) -> Option<&String>| rule.and_then(pick).map(String::as_str);
    let first_line = message.trim().lines().next();
    let titles = [about(|r| r.short.as_ref()), about(|r| r.name.as_ref()), first_line, Some(rule_key)];
    let (severity, source_severity) = severity(result, rule);
    let (cvss_vector, cvss_score) = cvss::of([], [score(result, rule)]);
    let labels = Labels::new(result, rule, rule_key);
    let location = place::location(result, &run.artifacts);
    Ok(Observation {
        unanswered: false,
        tool: run.driver.name.clone(),
        kind: if no_weakness(result).is_some() { FindingKind::Observation } else { FindingKind::Vulnerability },
        title: common::title(titles.into_iter().flatten()).ok_or("it has no title")?,
        description: description(&message, about(|r| r.full.as_ref())),
        consequence: None,
        recommendation: about(|r| r.help.as_ref()).and_then(common::some_long),
        severity,
        source_severity: common::line(&source_severity),
        cvss_vector,
        cvss_score,
        cves: labels.cves,
        cwes: labels.cwes,
        references: common::references(about(|r| r.help_uri.as_ref())),
        source_ref: result.text(&["guid"]).and_then(common::line),
        rule_key: common::key(rule_key),
        // What says that there is no weakness is not the weakness, or that would be seen where it is mended.
        identity: place::identity(result, &location, &message)
            .into_iter()
            .chain(no_weakness(result).map(str::to_owned))
            .collect(),
        location,
        asset: run.repository.clone(),
        tags: labels.tags,
        evidence: evidence(result),
        observed_at: run.observed_at,
    })
}

/// Whether the members that decide have the type the format gives them. Others
/// are taken as missing if theirs is wrong.
fn check(result: &Value) -> Result<(), String> {
    if !result.is_object() {
        return Err("it is not an object".into());
    }
    let objects = ["message", "rule"];
    let arrays = ["locations"];
    let texts = ["kind", "level", "ruleId"];
    let wrong = |names: &[&'static str], right: fn(&Value) -> bool| {
        names.iter().find(|name| result.get(**name).is_some_and(|value| !value.is_null() && !right(value))).copied()
    };
    let objects = wrong(&objects, Value::is_object).map(|name| format!("`{name}` is not an object"));
    let arrays = wrong(&arrays, Value::is_array).map(|name| format!("`{name}` is not an array"));
    let texts = wrong(&texts, Value::is_string).map(|name| format!("`{name}` is not a text"));
    objects.or(arrays).or(texts).map_or(Ok(()), Err)
}

fn id(result: &Value) -> Option<&str> {
    result.text(&["ruleId"]).or_else(|| result.text(&["rule", "id"]))
}

/// The rule of a result and the component that defines it: by index if that
/// agrees with the id, else by id, which may be hierarchical (`a/b` is a case of `a`).
fn rule<'r>(result: &Value, run: &'r Run) -> (&'r Component, Option<&'r Rule>) {
    let id = id(result);
    let number = |path: &[&str]| usize::try_from(result.at(path)?.as_u64()?).ok();
    let by_place = || run.extensions.get(number(&["rule", "toolComponent", "index"])?);
    let by_name = || {
        let name = result.text(&["rule", "toolComponent", "name"]).and_then(common::line)?;
        run.extensions.iter().find(|extension| extension.name.as_ref() == Some(&name))
    };
    let named = by_place().or_else(by_name).unwrap_or(&run.driver);
    let index = number(&["ruleIndex"]).or_else(|| number(&["rule", "index"]));
    let agrees = |rule: &&Rule| id.is_none_or(|id| rule.id.is_empty() || cases(id).any(|id| id == rule.id));
    if let Some(rule) = index.and_then(|index| named.rules.get(index)).filter(agrees) {
        return (named, Some(rule));
    }
    let all = || [named, &run.driver].into_iter().chain(&run.extensions);
    let found = |id: String| all().find_map(|component| Some((component, component.rule(&id)?)));
    match id.and_then(|id| cases(id).find_map(found)) {
        Some((component, rule)) => (component, Some(rule)),
        None => (named, None),
    }
}

/// An id as rules are kept by, and those it is a case of.
fn cases(id: &str) -> impl Iterator<Item = String> {
    let ids = std::iter::successors(Some(id), |id| id.rsplit_once('/').map(|(parent, _)| parent));
    ids.take(10).map(common::key)
}

/// Why a result reports no weakness, if it does not: it is not of a kind that
/// does (SARIF 2.1.0, 3.27.9), or is told for having gone since the baseline (3.27.24).
fn no_weakness(result: &Value) -> Option<&str> {
    let kind = result.text(&["kind"]).filter(|kind| matches!(*kind, "pass" | "notApplicable" | "informational"));
    kind.or_else(|| result.text(&["baselineState"]).filter(|state| *state == "absent"))
}

/// On Fynd's scale, and the word or number it comes from.
fn severity(result: &Value, rule: Option<&Rule>) -> (Severity, String) {
    if let Some(why) = no_weakness(result) {
        return (Severity::Informational, why.to_owned());
    }
    if let Some(score) = score(result, rule) {
        return (Severity::from_cvss(score), score.to_string());
    }
    // The level of a rule is for failures; what is still open has none of its own (3.27.10).
    let undecided = result.text(&["kind"]).filter(|kind| matches!(*kind, "open" | "review")).map(|_| "none");
    let levels = [result.text(&["level"]), undecided, rule.and_then(|rule| rule.level.as_deref())];
    let known = levels.into_iter().flatten().find_map(|level| Some((of_level(level)?, level.to_owned())));
    known.unwrap_or((Severity::Medium, "warning".to_owned()))
}

/// The number of a result that reports a weakness: its own, or its rule's.
fn score(result: &Value, rule: Option<&Rule>) -> Option<f64> {
    let of_rule = || rule.and_then(|rule| rule.security_severity);
    security_severity(result).or_else(of_rule).filter(|_| no_weakness(result).is_none())
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

/// CWE ids in the properties of a result or rule, where Snyk writes them.
pub(super) fn cwes(value: &Value) -> Vec<String> {
    value.texts(&["properties", "cwe"], &[',']).into_iter().filter_map(common::cwe).collect()
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
        let cwes: Vec<String> = tags.iter().filter_map(cwe).chain(taxa).chain(cwes(result)).collect();
        let cwes = cwes.iter().chain(rule.iter().flat_map(|rule| &rule.cwes)).map(String::as_str);
        let cves: Vec<String> = tags.iter().filter_map(cve).chain(common::cves_in(rule_key)).collect();
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
