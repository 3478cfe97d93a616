//! The XML of `nmap -oX`: each host that was up is a discovered asset, with its addresses and names. Ports are
//! no assets, and what scripts say about them are findings, which are not read here.

use super::{Row, row::Draft};
use crate::import::{
    Limits, Refusal, Source,
    common::time,
    metered::Allowance,
    xml::{Element, Token, Xml},
};
use domain::{AssetKind, IdentifierKind, Provenance, Timestamp};

pub(super) fn read(source: &mut dyn Source, limits: &Limits, each: &mut dyn FnMut(Row)) -> Result<(), Refusal> {
    let allowance = Allowance::new(limits.record_bytes);
    let mut xml = Xml::new(source, "nmaprun", limits, &allowance);
    let mut state = State { each, host: None, hosts: 0, started: None };
    let mut buffer = Vec::new();
    loop {
        let token = xml.next(&mut buffer)?;
        let depth = xml.depth();
        match token {
            Token::Open(element) => state.open(&element, depth),
            Token::Close => state.close(depth),
            Token::Text(_) | Token::Nothing => {}
            Token::End => return Ok(()),
        }
    }
}

/// A host that is being read.
struct Host {
    draft: Draft,
    is_up: bool,
    name: Option<String>,
}

struct State<'e> {
    each: &'e mut dyn FnMut(Row),
    host: Option<Host>,
    hosts: usize,
    started: Option<Timestamp>,
}

/// Hosts stand directly in the root; what is said of them stands directly in them, names in `hostnames`.
const HOST: usize = 2;

impl State<'_> {
    fn open(&mut self, element: &Element<'_>, depth: usize) {
        let attribute = |name| element.attribute(name).unwrap_or_default();
        match (element.name(), &mut self.host) {
            ("nmaprun", None) => self.started = time::epoch(&attribute("start")),
            ("host", None) if depth == HOST => {
                self.hosts += 1;
                let mut draft = Draft::new(format!("host {}", self.hosts), Provenance::Discovered);
                draft.set(super::row::Column::Kind, &domain::text::word(&AssetKind::Host));
                draft.seen_at(time::epoch(&attribute("endtime")).or(self.started));
                self.host = Some(Host { draft, is_up: false, name: None });
            }
            ("status", Some(host)) if depth == HOST + 1 => host.is_up = attribute("state") == "up",
            ("address", Some(host)) if depth == HOST + 1 => {
                let kind = if attribute("addrtype") == "mac" { IdentifierKind::Mac } else { IdentifierKind::Ip };
                host.draft.identify(kind, &attribute("addr"));
            }
            ("hostname", Some(host)) if depth == HOST + 2 => {
                // DNS may call an address anything: `localhost`, another address. The host is there all the same.
                let Some(name) = host.draft.called(&attribute("name")) else { return };
                // What the user asked for says more than what DNS calls its address.
                if attribute("type") == "user" || host.name.is_none() {
                    host.name = Some(name.value.clone());
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, depth: usize) {
        if depth >= HOST {
            return;
        }
        let Some(Host { mut draft, is_up, name }) = self.host.take() else { return };
        if let Some(name) = name {
            draft.set(super::row::Column::Name, &name);
        }
        if is_up {
            (self.each)(draft.finish());
        }
    }
}
