//! Where a result was found, and what makes it the same at the next scan.

use crate::import::common;
use crate::import::json::Look;
use domain::{Location, Observation};
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The most results whose places are remembered; later ones are kept apart by their place in any case.
const REMEMBERED: usize = 500_000;

/// The first location of a result; `artifacts` are the URIs of the run's files.
pub(super) fn location(result: &Value, artifacts: &[String]) -> Location {
    let Some(first) = result.list(&["locations"]).first() else { return Location::default() };
    let number = |name| first.at(&["physicalLocation", "region", name]).and_then(Value::as_u64);
    let line = |name| number(name).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let artifact = |name| first.at(&["physicalLocation", "artifactLocation", name]);
    let listed = || artifacts.get(usize::try_from(artifact("index")?.as_u64()?).ok()?).map(String::as_str);
    let uri = first.text(&["physicalLocation", "artifactLocation", "uri"]).or_else(listed);
    let uri = uri.filter(|uri| !uri.is_empty());
    let logical = first.list(&["logicalLocations"]).first().unwrap_or(&Value::Null);
    let web = uri.filter(|uri| uri.starts_with("http://") || uri.starts_with("https://"));
    Location {
        url: web.and_then(common::url),
        path: uri.filter(|_| web.is_none()).and_then(path),
        line: line("startLine"),
        end_line: line("endLine"),
        column: line("startColumn"),
        logical: logical.text(&["fullyQualifiedName"]).or_else(|| logical.text(&["name"])).and_then(common::line),
        ..Location::default()
    }
}

/// A URI reference as a path: relative ones as they are, `file:///C:/a` as `C:/a`.
fn path(uri: &str) -> Option<String> {
    let local = uri.strip_prefix("file://").map(|rest| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(rest));
    let local = local.unwrap_or_else(|| uri.trim_start_matches("./"));
    let drive = local.strip_prefix('/').filter(|rest| rest.as_bytes().get(1) == Some(&b':'));
    common::url(&decoded(drive.unwrap_or(local)))
}

/// Percent-decoded; a text that is not UTF-8 then stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = code.filter(|hex| !hex.starts_with('+')).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = byte.and_then(|_| after.get(2..)).unwrap_or(after);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// What makes a result the same besides its rule: the tool's fingerprints and
/// the file, which stay when lines move; without fingerprints the exact place.
pub(super) fn identity(result: &Value, location: &Location, message: &str) -> Vec<String> {
    let mut identity = vec![file(result, location)];
    let fingerprints = fingerprints(result);
    if fingerprints.is_empty() {
        identity.extend(spot(location, message));
    } else {
        identity.extend(fingerprints);
    }
    identity
}

/// The artifact; one that only its index names is told apart by that.
fn file(result: &Value, location: &Location) -> String {
    let first = result.list(&["locations"]).first().unwrap_or(&Value::Null);
    let index =
        || first.word(&["physicalLocation", "artifactLocation", "index"]).map(|index| format!("artifact {index}"));
    let named = location.path.as_deref().or(location.url.as_deref()).map(common::key);
    named.or_else(index).unwrap_or_default()
}

fn spot(location: &Location, message: &str) -> [String; 4] {
    let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
    let logical = location.logical.clone().unwrap_or_default();
    [number(location.line), number(location.column), logical, common::key(message)]
}

/// `key=value`, sorted. Some tools fill them with what is no fingerprint: Semgrep
/// writes `requires login`, Gitleaks the commit's author and date.
fn fingerprints(result: &Value) -> Vec<String> {
    let told = |name: &str| matches!(name, "author" | "date" | "email") || name.starts_with("commit");
    let mut found: Vec<String> = ["fingerprints", "partialFingerprints"]
        .iter()
        .filter_map(|name| result.get(*name)?.as_object())
        .flatten()
        .filter_map(|(name, value)| Some((name, value.as_str()?.trim())))
        .filter(|(name, value)| !told(name) && !value.is_empty() && !value.contains([' ', '@']))
        .map(|(name, value)| common::key(&format!("{name}={value}")))
        .collect();
    found.sort();
    found.dedup();
    found.truncate(20);
    found
}

/// The places of the results read so far, by what identifies them.
///
/// Fingerprints that are too coarse would make two places one finding. The
/// later place then gets its spot into its identity, the same at each reading.
#[derive(Default)]
pub(super) struct Places(HashMap<u64, u64>);

impl Places {
    /// Keeps a result apart from those at other places.
    pub(super) fn keep_apart(&mut self, observation: &mut Observation, message: &str) {
        let spot = spot(&observation.location, message);
        let place = hash(&spot);
        let key = hash(&(&observation.rule_key, &observation.identity));
        let known = match self.0.get(&key) {
            Some(known) => Some(*known),
            None if self.0.len() < REMEMBERED => self.0.insert(key, place),
            None => Some(!place),
        };
        if known.is_some_and(|known| known != place) {
            observation.identity.extend(spot);
        }
    }
}

/// With fixed keys, so that each reading gives the same.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
