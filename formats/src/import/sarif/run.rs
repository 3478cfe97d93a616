//! What the results of a run need to know about it: the tool and its rules, the
//! files, the time, the repository.

use super::message;
use super::rule::Rule;
use crate::import::Limits;
use crate::import::common::{self, host, time};
use crate::import::json::members::{Elements, Members, Walk};
use crate::import::json::{Bounds, Each, Look};
use domain::{ReportedAsset, Timestamp};
use serde::de::{Error, MapAccess};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// One run.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The tool itself.
    pub(super) driver: Component,
    /// Its plugins and rule packs, in the report's order.
    pub(super) extensions: Vec<Component>,
    /// The URIs of the files it looked at, in the report's order; the last ones are missing if there are too many.
    pub(super) artifacts: Vec<String>,
    /// When it ended, else began.
    pub(super) observed_at: Option<Timestamp>,
    /// The repository it looked at.
    pub(super) repository: Option<ReportedAsset>,
}

/// A tool component: the driver or an extension.
#[derive(Debug, Default)]
pub(super) struct Component {
    /// Its name.
    pub(super) name: Option<String>,
    /// Its rules, in the report's order.
    pub(super) rules: Vec<Rule>,
    /// Messages that any rule may use, by id.
    pub(super) messages: BTreeMap<String, String>,
    by_id: HashMap<String, usize>,
}

impl Component {
    /// The rule of this id; the first of several.
    pub(super) fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.get(*self.by_id.get(id)?)
    }

    fn add(&mut self, rule: Rule) {
        self.by_id.entry(rule.id.clone()).or_insert(self.rules.len());
        self.rules.push(rule);
    }
}

/// All runs, as far as the limits go.
pub(super) struct Runs {
    runs: Vec<Run>,
    /// Rules, components and runs that may still come.
    entries: usize,
    /// Bytes that rules and messages may still take.
    bytes: usize,
    /// Bytes that URIs of files may still take.
    uris: usize,
}

impl Runs {
    /// None yet. Rules may take four times the bytes of the largest record, and files once.
    pub(super) fn new(limits: &Limits) -> Self {
        let uris = limits.record_bytes;
        Self { runs: Vec::new(), entries: limits.rules, bytes: uris.saturating_mul(4), uris }
    }

    /// The runs, in the report's order.
    pub(super) fn finish(self) -> Vec<Run> {
        self.runs
    }

    /// Takes one entry of so many bytes from what is left.
    fn spend(&mut self, bytes: usize) -> Result<(), &'static str> {
        let left = self.entries.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        (self.entries, self.bytes) = left.ok_or("the report has too many runs and rules, or too large ones")?;
        Ok(())
    }

    /// Takes the URI of a run's next file. Most results name their file
    /// themselves, so that no report is refused for having too many.
    fn list(&mut self, run: &mut Run, uri: &str) {
        let bytes = uri.len() + message::OVERHEAD;
        self.uris = self.uris.saturating_sub(bytes);
        if self.uris > 0 {
            run.artifacts.push(uri.to_owned());
        }
    }
}

/// Reads runs into the table.
pub(super) struct Collect<'a> {
    bounds: &'a Bounds,
    table: &'a mut Runs,
    run: Run,
}

impl<'a> Collect<'a> {
    /// Reads into `table`.
    pub(super) fn new(bounds: &'a Bounds, table: &'a mut Runs) -> Self {
        Self { bounds, table, run: Run::default() }
    }

    /// A small value, without what it may hold that is large.
    fn value<'de, A: MapAccess<'de>>(&self, map: &mut A) -> Result<Value, A::Error> {
        const LARGE: &[&str] = &[
            "arguments",
            "environmentVariables",
            "responseFiles",
            "toolConfigurationNotifications",
            "toolExecutionNotifications",
        ];
        self.bounds.renew();
        map.next_value_seed(self.bounds.tree(LARGE))
    }
}

impl Walk for Collect<'_> {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "tool" => {
                let mut tool = Tool { bounds: self.bounds, table: self.table, run: &mut self.run };
                map.next_value_seed(Members(&mut tool))?;
            }
            "artifacts" => {
                let (bounds, table, run) = (self.bounds, &mut *self.table, &mut self.run);
                let take = |_, artifact: Value| {
                    table.list(run, artifact.text(&["location", "uri"]).unwrap_or_default());
                    Ok(())
                };
                map.next_value_seed(Each { bounds, skipped: &["contents"], take })?;
            }
            "invocations" => {
                let invocations = self.value(map)?;
                let time = |name| time::rfc3339(invocations.get(0)?.text(&[name])?);
                self.run.observed_at = time("endTimeUtc").or_else(|| time("startTimeUtc"));
            }
            "versionControlProvenance" => {
                let provenance = self.value(map)?;
                let uri = provenance.get(0).and_then(|first| first.text(&["repositoryUri"]));
                self.run.repository = uri.and_then(host::repository);
            }
            _ => drop(map.next_value_seed(self.bounds.nothing())?),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        self.table.spend(0)?;
        self.table.runs.push(std::mem::take(&mut self.run));
        Ok(())
    }
}

struct Tool<'a> {
    bounds: &'a Bounds,
    table: &'a mut Runs,
    run: &'a mut Run,
}

impl Walk for Tool<'_> {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let mut component = InComponent { bounds: self.bounds, table: self.table, read: Vec::new(), open: None };
        match name {
            "driver" => {
                map.next_value_seed(Members(&mut component))?;
                self.run.driver = component.read.pop().unwrap_or_default();
            }
            "extensions" => {
                map.next_value_seed(Elements(&mut component))?;
                self.run.extensions = component.read;
            }
            _ => drop(map.next_value_seed(self.bounds.nothing())?),
        }
        Ok(())
    }
}

struct InComponent<'a> {
    bounds: &'a Bounds,
    table: &'a mut Runs,
    read: Vec<Component>,
    open: Option<Component>,
}

impl Walk for InComponent<'_> {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let (bounds, table) = (self.bounds, &mut *self.table);
        let component = self.open.get_or_insert_default();
        bounds.renew();
        match name {
            "name" => component.name = map.next_value_seed(bounds.tree(&[]))?.as_str().and_then(common::line),
            "globalMessageStrings" => {
                component.messages = message::strings(Some(&map.next_value_seed(bounds.tree(&[]))?));
                let bytes = message::bytes(&component.messages);
                table.spend(bytes).map_err(A::Error::custom)?;
            }
            "rules" => {
                let take = |_, rule: Value| {
                    let rule = Rule::new(&rule);
                    table.spend(rule.bytes())?;
                    component.add(rule);
                    Ok(())
                };
                map.next_value_seed(Each { bounds, skipped: &[], take })?;
            }
            _ => drop(map.next_value_seed(bounds.nothing())?),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        self.table.spend(0)?;
        self.read.push(self.open.take().unwrap_or_default());
        Ok(())
    }
}
