//! A `ReportHost`: who it is and when it was scanned.

use crate::import::common::{self, host, time};
use domain::{AssetKind, Identifier, IdentifierKind, ReportedAsset, Timestamp};
use serde::Deserialize;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// The properties that are read; Nessus writes a hundred others.
const PROPERTIES: &[&str] = &[
    "HOST_END",
    "HOST_END_TIMESTAMP",
    "HOST_START",
    "HOST_START_TIMESTAMP",
    "host-fqdn",
    "host-fqdns",
    "host-ip",
    "host-rdns",
    "hostname",
    "mac-address",
    "netbios-name",
    "system-type",
];

/// Properties that hold a cloud provider's id of the machine, by provider and age of the scanner.
const CLOUD: &[&str] = &[
    "aws-instance-id",
    "aws-instance-instance-id",
    "aws-instance-instanceid",
    "azure-resource-id",
    "azure-vm-id",
    "gcp-instance-id",
];

/// The name under which a property is kept; none for one that is not read.
pub(super) fn property(name: &str) -> Option<&'static str> {
    let exact = PROPERTIES.iter().find(|known| **known == name);
    exact.or_else(|| CLOUD.iter().find(|known| known.eq_ignore_ascii_case(name))).copied()
}

/// The longest property kept, in bytes; the address lists of real hosts stay far below.
const PROPERTY: usize = 10_000;

/// A host that is being read.
#[derive(Debug)]
pub(super) struct Host {
    name: String,
    properties: BTreeMap<&'static str, String>,
    /// What items need of it, worked out once: a host may have 100,000 of them.
    summary: OnceCell<Summary>,
}

/// What every item of a host needs to know about it.
#[derive(Debug)]
pub(super) struct Summary {
    /// The host as an asset; none if nothing about it identifies one.
    pub(super) asset: Option<ReportedAsset>,
    /// When the scan of this host ended, else began.
    pub(super) observed_at: Option<Timestamp>,
    /// The URL under which WAS scanned it.
    pub(super) url: Option<String>,
}

impl Host {
    /// A host of which only the name is known yet.
    pub(super) fn new(mut name: String) -> Self {
        name.truncate(name.floor_char_boundary(PROPERTY));
        Self { name, properties: BTreeMap::new(), summary: OnceCell::new() }
    }

    /// The name as the scanner was given it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Takes a property; the first of a name counts.
    pub(super) fn set(&mut self, name: &'static str, mut value: String) {
        if !self.properties.contains_key(name) {
            value.truncate(value.floor_char_boundary(PROPERTY));
            self.properties.insert(name, value);
            self.summary = OnceCell::new();
        }
    }

    /// What is known of it so far.
    pub(super) fn summary(&self) -> &Summary {
        self.summary.get_or_init(|| Summary {
            asset: self.asset(),
            observed_at: self.observed_at(),
            url: self.url().and_then(common::url),
        })
    }

    /// Whether the scan of it came to its end.
    pub(super) fn has_ended(&self) -> bool {
        ["HOST_END", "HOST_END_TIMESTAMP"].iter().any(|name| self.get(name).is_some_and(|time| !time.is_empty()))
    }

    /// Whether the scan of it began and did not come to its end: it was cut off, and says nothing of what it lacks.
    pub(super) fn is_unfinished(&self) -> bool {
        let begun = ["HOST_START", "HOST_START_TIMESTAMP"].iter().any(|name| self.get(name).is_some());
        begun && !self.has_ended()
    }

    /// WAS writes RFC 3339 into the same properties that otherwise hold a
    /// local time without offset.
    fn observed_at(&self) -> Option<Timestamp> {
        let either = |name: &str| self.get(name).and_then(|value| time::rfc3339(value).or_else(|| time::ctime(value)));
        let seconds = |name: &str| self.get(name).and_then(time::epoch);
        seconds("HOST_END_TIMESTAMP")
            .or_else(|| either("HOST_END"))
            .or_else(|| seconds("HOST_START_TIMESTAMP"))
            .or_else(|| either("HOST_START"))
    }

    fn url(&self) -> Option<&str> {
        let known = [self.name.as_str(), self.get("host-fqdn").unwrap_or_default()];
        known.into_iter().find(|name| name.starts_with("http://") || name.starts_with("https://"))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(|value| value.trim())
    }

    fn asset(&self) -> Option<ReportedAsset> {
        let web = self.get("system-type") == Some("web_application") || self.url().is_some();
        let kind = if web { AssetKind::WebApplication } else { AssetKind::Host };
        host::asset(kind, self.display_name(), self.identifiers())
    }

    /// A name if there is one, else the address.
    fn display_name(&self) -> Option<String> {
        let mut known = self.names().filter_map(host::identifier);
        known.find(|id| id.kind != IdentifierKind::Ip).and_then(|id| common::line(&id.value))
    }

    /// The single names it goes by, the one the scanner was given first.
    fn names(&self) -> impl Iterator<Item = &str> {
        let netbios = self.get("netbios-name").map(without_domain);
        let given = [Some(self.name.as_str()), self.get("host-fqdn"), self.get("hostname"), netbios];
        given.into_iter().chain([self.get("host-rdns")]).flatten()
    }

    fn identifiers(&self) -> Vec<Identifier> {
        let lines =
            |name: &str| self.get(name).into_iter().flat_map(|v| v.split([',', '\n', ' ', '\t'])).map(str::trim);
        let parsed = |kind, value: &str| Identifier::parse(kind, value);
        let mut found: Vec<Identifier> = Vec::new();
        found.extend(lines("host-ip").filter_map(|ip| parsed(IdentifierKind::Ip, ip)));
        found.extend(self.names().filter_map(host::identifier));
        found.extend(self.further_names().iter().filter_map(|name| host::identifier(name)));
        found.extend(lines("mac-address").filter_map(|mac| parsed(IdentifierKind::Mac, mac)));
        found.extend(CLOUD.iter().filter_map(|name| parsed(IdentifierKind::CloudId, self.get(name)?)));
        found
    }

    /// `host-fqdns` is JSON: `[{"FQDN": "a.example", "sources": […]}]`.
    fn further_names(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Name {
            #[serde(rename = "FQDN")]
            fqdn: String,
        }
        let names: Option<Vec<Name>> = self.get("host-fqdns").and_then(|json| serde_json::from_str(json).ok());
        names.unwrap_or_default().into_iter().map(|name| name.fqdn).take(50).collect()
    }
}

/// `DOMAIN\NAME` names the machine last.
fn without_domain(name: &str) -> &str {
    name.rsplit_once('\\').map_or(name, |(_, name)| name)
}
