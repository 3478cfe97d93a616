//! SARIF 2.1.0 (OASIS), read leniently: real tools break the schema.
//!
//! One record is one `runs[].results[]`. Rules may stand after the results that
//! name them, so the report is read twice: first for what the results need
//! (rules, files, times, the repository), then for the results. Held is that
//! table, within limits, and one result.
//!
//! Left out: results and rules in external property files, code flows, fixes,
//! levels that an invocation overrides, and all taxonomies but CWE.

mod message;
mod place;
mod result;
mod rule;
mod run;

use super::common;
use super::json::members::{Elements, Members, Walk};
use super::json::{Bounds, Each, Look, outline};
use super::{Covered, Limits, Record, Refusal, Source};
use domain::RejectedRecord;
use place::Places;
use run::{Run, Runs};
use serde::de::{Error, MapAccess};
use serde_json::Value;

const VERSION: &str = "2.1.0";

/// Whether a version is 2.1.0 or one of its drafts (`2.1.0-rtm.5`), which differ in details that are read leniently.
fn is_known(version: &str) -> bool {
    version.strip_prefix(VERSION).is_some_and(|draft| draft.is_empty() || draft.starts_with('-'))
}

/// Members of results that are large and not read.
const SKIPPED: &[&str] = &[
    "attachments",
    "codeFlows",
    "fixes",
    "graphTraversals",
    "graphs",
    "relatedLocations",
    "stacks",
    "webRequest",
    "webResponse",
];

/// Recognises the schema's name, or runs with their version, tool or results:
/// some tools write the version last, beyond the head of a large report.
pub(super) fn sniff(head: &[u8]) -> bool {
    let members = outline::outline(head);
    let at = |depth: usize, name: &str| members.iter().find(|m| m.depth == depth && m.name == name);
    let schema = at(1, "$schema").is_some_and(|member| member.text.to_ascii_lowercase().contains("sarif"));
    let version = at(1, "version").is_some_and(|member| is_known(&member.text));
    let tool = at(3, "tool").is_some() && at(4, "driver").is_some();
    let results = at(3, "results").is_some() && at(5, "message").is_some();
    schema || (at(1, "runs").is_some() && (version || tool || results))
}

/// Reads a report to its end; see [`super::read`].
pub(super) fn read(source: &mut dyn Source, limits: &Limits, each: &mut dyn FnMut(Record)) -> Result<(), Refusal> {
    let bounds = Bounds::new(limits);
    let mut first = First { bounds: &bounds, runs: Runs::new(limits), version: None, schema: None, has_runs: false };
    bounds.document(source, Log(&mut first))?;
    first.check()?;
    let runs = first.runs.finish();
    source.rewind()?;
    let mut second = Second { bounds: &bounds, runs: &runs, index: 0, results: 0, places: Places::default(), each };
    bounds.document(source, Log(&mut second))
}

/// The outermost value, which must be an object.
struct Log<'w, W>(&'w mut W);

impl<'de, W: Walk> serde::de::DeserializeSeed<'de> for Log<'_, W> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(Members(self.0))
    }
}

/// The first reading: everything but the results.
struct First<'b> {
    bounds: &'b Bounds,
    runs: Runs,
    version: Option<Value>,
    schema: Option<Value>,
    has_runs: bool,
}

impl First<'_> {
    /// Whether this is SARIF 2.1.0. A missing version is forgiven if the schema says it.
    fn check(&self) -> Result<(), Refusal> {
        let schema = self.schema.as_ref().and_then(Value::as_str).unwrap_or_default();
        let known = match self.version.as_ref() {
            Some(version) => version.as_str().is_some_and(is_known),
            None => schema.contains(VERSION),
        };
        let found = self.version.as_ref().and_then(Value::as_str).and_then(common::line);
        match (known, found) {
            (true, _) if self.has_runs => Ok(()),
            (true, _) => Err(Refusal::Invalid("the report has no `runs`".into())),
            (false, Some(found)) => {
                Err(Refusal::Invalid(format!("the report is not SARIF of version 2.1.0, but of version {found}")))
            }
            (false, None) => Err(Refusal::Invalid("the report is not SARIF of version 2.1.0".into())),
        }
    }
}

impl Walk for First<'_> {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        self.bounds.renew();
        match name {
            "version" => self.version = Some(map.next_value_seed(self.bounds.tree(&[]))?),
            "$schema" => self.schema = Some(map.next_value_seed(self.bounds.tree(&[]))?),
            "runs" => {
                let mut walk = run::Collect::new(self.bounds, &mut self.runs);
                self.has_runs |= map.next_value_seed(Elements(&mut walk))?;
            }
            _ => drop(map.next_value_seed(self.bounds.nothing())?),
        }
        Ok(())
    }
}

/// The second reading: the results.
struct Second<'a> {
    bounds: &'a Bounds,
    runs: &'a [Run],
    index: usize,
    results: usize,
    places: Places,
    each: &'a mut dyn FnMut(Record),
}

impl Walk for Second<'_> {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "runs" => map.next_value_seed(Elements(&mut InRun(self))).map(drop),
            _ => map.next_value_seed(self.bounds.nothing()).map(drop),
        }
    }
}

/// A run of the second reading.
struct InRun<'s, 'a>(&'s mut Second<'a>);

impl Walk for InRun<'_, '_> {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let bounds = self.0.bounds;
        if name != "results" {
            return map.next_value_seed(bounds.nothing()).map(drop);
        }
        let runs = self.0.runs;
        let run = runs.get(self.0.index).ok_or_else(|| A::Error::custom("the report changed while it was read"))?;
        let take = |_, result: Value| {
            self.0.take(run, &result);
            Ok(())
        };
        let is_list = map.next_value_seed(Each { bounds, skipped: SKIPPED, take })?;
        if is_list && self.0.results == 0 {
            self.0.clean(run);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        self.0.index += 1;
        self.0.results = 0;
        Ok(())
    }
}

impl Second<'_> {
    /// An empty list is a run that found nothing; no list at all is one that came to no results (3.14.23).
    fn clean(&mut self, run: &Run) {
        let (tool, asset) = (run.driver.name.clone(), run.repository.clone());
        (self.each)(Record::Covered(Box::new(Covered { tool, asset, observed_at: run.observed_at })));
    }

    fn take(&mut self, run: &Run, result: &Value) {
        let read = match result {
            _ if self.bounds.exceeded() => Err("it is too large".to_owned()),
            _ => result::observation(result, run),
        };
        let record = match read {
            Ok(mut observation) => {
                self.places.keep_apart(&mut observation, result.text(&["message", "text"]).unwrap_or_default());
                Record::Observation(Box::new(observation))
            }
            Err(reason) => {
                let place = format!("runs[{}].results[{}]", self.index, self.results);
                Record::Rejected(RejectedRecord { place, reason: common::line(&reason).unwrap_or_default() })
            }
        };
        self.results += 1;
        (self.each)(record);
    }
}

#[cfg(test)]
#[path = "sarif_tests.rs"]
mod tests;
