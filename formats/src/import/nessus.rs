//! Nessus v2 XML (`.nessus`), also in the dialect of Tenable Web App Scanning.
//!
//! One record is one `ReportItem`. Its host's properties stand before the items
//! in every export known; where they do not, the items before them know their
//! host by name only. The policy in front of the report is skipped, and so are
//! attachments and whatever else an item holds that no finding has a place for.

mod host;
mod item;

use super::common::TEXT_BYTES;
use super::metered::Allowance;
use super::xml::{self, Element, Token, Xml};
use super::{Covered, Limits, Record, Refusal, Source};
use domain::{RejectedRecord, text};
use host::Host;
use item::Item;

const ROOT: &str = "NessusClientData_v2";

/// Recognises the root element.
pub(super) fn sniff(head: &[u8]) -> bool {
    xml::has_root(head, ROOT)
}

/// Reads a report to its end; see [`super::read`].
pub(super) fn read(source: &mut dyn Source, limits: &Limits, each: &mut dyn FnMut(Record)) -> Result<(), Refusal> {
    let allowance = Allowance::new(limits.record_bytes);
    let mut xml = Xml::new(source, ROOT, limits, &allowance);
    let mut state = State::new(limits.record_bytes, each);
    let mut buffer = Vec::new();
    loop {
        let token = xml.next(&mut buffer)?;
        let place = Place { depth: xml.depth(), byte: xml.position() };
        match token {
            Token::Open(element) => state.open(&element, place),
            Token::Text(text) => state.text(&text),
            Token::Close => state.close(place),
            Token::Nothing => {}
            Token::End => return Ok(()),
        }
    }
}

/// Where a token stands: its depth (that of the element it opens; of the parent it returns to) and byte.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    byte: u64,
}

/// An item that is being read.
struct Open {
    item: Item,
    at: Place,
}

/// What text goes into: a property of the host or a field of the item.
#[derive(Clone, Copy)]
enum Target {
    Property(&'static str),
    Field(&'static str),
}

/// The host and item that are open, and the text of the field that is.
struct State<'e> {
    each: &'e mut dyn FnMut(Record),
    record_bytes: usize,
    host: Option<(Host, Place)>,
    item: Option<Open>,
    items: usize,
    field: Option<(Target, usize)>,
    value: String,
}

impl<'e> State<'e> {
    fn new(record_bytes: usize, each: &'e mut dyn FnMut(Record)) -> Self {
        Self { each, record_bytes, host: None, item: None, items: 0, field: None, value: String::new() }
    }

    fn open(&mut self, element: &Element<'_>, at: Place) {
        if let Some(open) = &self.item {
            if at.depth == open.at.depth + 1 {
                self.begin(item::field(element.name()).map(Target::Field), at.depth);
            }
            return;
        }
        match element.name() {
            "ReportHost" => {
                self.host = Some((Host::new(element.attribute("name").unwrap_or_default()), at));
                self.items = 0;
            }
            "ReportItem" => {
                self.items += 1;
                self.item = Some(Open { item: Item::new(element), at });
            }
            "tag" if self.host.is_some() => {
                let name = element.attribute("name").unwrap_or_default();
                self.begin(host::property(&name).map(Target::Property), at.depth);
            }
            _ => {}
        }
    }

    fn begin(&mut self, field: Option<Target>, depth: usize) {
        self.value.clear();
        self.field = field.map(|field| (field, depth));
    }

    /// Collects the text of the open field. What is longer than any text kept is not collected.
    fn text(&mut self, piece: &str) {
        if self.field.is_some() {
            let room = TEXT_BYTES.saturating_sub(self.value.len());
            self.value.push_str(piece.get(..piece.floor_char_boundary(room)).unwrap_or(piece));
        }
    }

    fn close(&mut self, at: Place) {
        if let Some((field, _)) = self.field.take_if(|(_, depth)| at.depth < *depth) {
            let value = std::mem::take(&mut self.value);
            match (field, &mut self.host, &mut self.item) {
                (Target::Property(name), Some((host, _)), _) => host.set(name, value),
                (Target::Field(name), _, Some(open)) => open.item.set(name, &value),
                _ => {}
            }
        }
        if let Some(open) = self.item.take_if(|open| at.depth < open.at.depth) {
            let record = self.record(open, at);
            (self.each)(record);
        }
        if let Some((host, _)) = self.host.take_if(|(_, opened)| at.depth < opened.depth) {
            self.covered(&host);
        }
    }

    fn record(&self, open: Open, at: Place) -> Record {
        let Some((host, _)) = &self.host else {
            return self.rejected("it stands outside a ReportHost");
        };
        if at.byte.saturating_sub(open.at.byte) > self.record_bytes as u64 {
            return self.rejected(&format!("it is larger than {} bytes", self.record_bytes));
        }
        match open.item.into_observation(host) {
            Ok(observation) => Record::Observation(Box::new(observation)),
            Err(reason) => self.rejected(reason),
        }
    }

    /// A host without items that was scanned to its end has nothing to report. One that only began has said nothing.
    fn covered(&mut self, host: &Host) {
        let known = host.summary();
        if let (0, true, Some(asset)) = (self.items, host.has_ended(), &known.asset) {
            let covered = Covered { tool: None, asset: Some(asset.clone()), observed_at: known.observed_at };
            (self.each)(Record::Covered(Box::new(covered)));
        }
    }

    fn rejected(&self, reason: &str) -> Record {
        let host = self.host.as_ref().map_or(String::new(), |(host, _)| text::clean_line(host.name(), 200));
        let place = format!("ReportHost \"{host}\", ReportItem {}", self.items);
        Record::Rejected(RejectedRecord { place, reason: reason.to_owned() })
    }
}

#[cfg(test)]
#[path = "nessus_tests.rs"]
mod tests;
