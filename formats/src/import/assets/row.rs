//! One row in the making: the names that columns have, and the words that stand in them.
//!
//! Inventories are kept by people, in Swedish as often as in English, so that both are read.

use crate::import::{assets::Row, common, common::host};
use domain::{
    AssetKind, AssetRow, Criticality, Exposure, Identifier, IdentifierKind, Provenance, RejectedRecord, Timestamp, text,
};

/// What a column says of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Kind,
    Criticality,
    Exposure,
    OwnerUnit,
    Identifier(IdentifierKind),
}

/// The names of the columns, as they are documented; the first of each is the one to use.
const COLUMNS: &[(Column, &[&str])] = &[
    (Column::Name, &["name", "namn", "display_name", "benämning"]),
    (Column::Kind, &["kind", "type", "typ", "class"]),
    (Column::Criticality, &["criticality", "kritikalitet", "viktighet"]),
    (Column::Exposure, &["exposure", "exponering"]),
    (Column::OwnerUnit, &["owner_unit", "owner", "ägare", "förvaltning", "enhet"]),
    (Column::Identifier(IdentifierKind::Hostname), &["hostname", "host", "värdnamn"]),
    (Column::Identifier(IdentifierKind::Fqdn), &["fqdn", "dns_name", "dns_namn"]),
    (Column::Identifier(IdentifierKind::Ip), &["ip", "ip_address", "ip_adress"]),
    (Column::Identifier(IdentifierKind::Mac), &["mac", "mac_address", "mac_adress"]),
    (Column::Identifier(IdentifierKind::Serial), &["serial", "serial_number", "serienummer"]),
    (Column::Identifier(IdentifierKind::CloudId), &["cloud_id", "resource_id", "moln_id"]),
    (Column::Identifier(IdentifierKind::EdrId), &["edr_id", "agent_id"]),
    (Column::Identifier(IdentifierKind::Repository), &["repository", "kodförråd"]),
];

const KINDS: &[(AssetKind, &[&str])] = &[
    (
        AssetKind::Host,
        &["host", "server", "client", "workstation", "computer", "network", "klient", "dator", "nätverk"],
    ),
    (AssetKind::WebApplication, &["web_application", "web", "webbapplikation", "webbplats"]),
    (AssetKind::Repository, &["repository", "kodförråd"]),
    (AssetKind::Other, &["other", "annat", "övrigt"]),
];

const CRITICALITIES: &[(Criticality, &[&str])] = &[
    (Criticality::Low, &["low", "1", "låg"]),
    (Criticality::Medium, &["medium", "2", "medel", "mellan"]),
    (Criticality::High, &["high", "3", "hög"]),
    (Criticality::Critical, &["critical", "4", "kritisk", "mycket_hög"]),
];

const EXPOSURES: &[(Exposure, &[&str])] = &[
    (Exposure::Internet, &["internet", "external", "extern", "externt"]),
    (Exposure::Partner, &["partner", "samverkan"]),
    (Exposure::Internal, &["internal", "intern", "internt"]),
    (Exposure::Isolated, &["isolated", "isolerad", "isolerat"]),
];

/// The longest name or owner unit, in characters.
const NAME: usize = 500;

/// The column of this name, if it says anything here.
pub(super) fn column(name: &str) -> Option<Column> {
    let name = plain(name);
    COLUMNS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(column, _)| *column)
}

/// The names of the columns that name an asset, for who has none of them.
pub(super) fn identifying() -> String {
    let is_identifier = |column: &Column| matches!(column, Column::Identifier(_));
    let names = COLUMNS.iter().filter(|(column, _)| is_identifier(column)).filter_map(|(_, names)| names.first());
    names.copied().collect::<Vec<_>>().join(", ")
}

/// A word as it is compared: lower case, blanks and hyphens as underscores.
fn plain(word: &str) -> String {
    let word: String = word.chars().take(100).collect();
    word.trim().to_lowercase().replace([' ', '-'], "_")
}

/// A row that is being read.
pub(super) struct Draft {
    row: AssetRow,
    wrong: Option<String>,
}

impl Draft {
    pub(super) fn new(place: String, provenance: Provenance) -> Self {
        let row = AssetRow {
            place,
            provenance,
            name: None,
            kind: None,
            criticality: None,
            exposure: None,
            owner_unit: None,
            identifiers: Vec::new(),
            shared: Vec::new(),
            seen_at: None,
        };
        Self { row, wrong: None }
    }

    /// The row cannot be stored; the first reason stands.
    pub(super) fn reject(&mut self, reason: String) {
        self.wrong.get_or_insert(reason);
    }

    /// Takes what one cell says. An empty cell says nothing.
    pub(super) fn set(&mut self, column: Column, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() || cell == "-" || cell.eq_ignore_ascii_case("n/a") {
            return;
        }
        let known = match column {
            Column::Name => put(&mut self.row.name, line(cell)),
            Column::OwnerUnit => put(&mut self.row.owner_unit, line(cell)),
            Column::Kind => put(&mut self.row.kind, of(KINDS, cell)),
            Column::Criticality => put(&mut self.row.criticality, of(CRITICALITIES, cell)),
            Column::Exposure => put(&mut self.row.exposure, of(EXPOSURES, cell)),
            Column::Identifier(kind) => {
                parts(kind, cell).for_each(|part| self.identify(kind, part));
                true
            }
        };
        if !known {
            self.reject(format!("`{}` is no {}", common::line(cell).unwrap_or_default(), name(column)));
        }
    }

    /// When it was seen.
    pub(super) fn seen_at(&mut self, at: Option<Timestamp>) {
        self.row.seen_at = at;
    }

    /// Takes one identifier.
    pub(super) fn identify(&mut self, kind: IdentifierKind, value: &str) {
        let Some(identifier) = normal(kind, value) else {
            let shown = text::clean_line(value, 100);
            return self.reject(format!("`{shown}` is no {}", name(Column::Identifier(kind))));
        };
        if !self.take(identifier) {
            self.reject(format!("it has more than {} identifiers", Identifier::MAX_OF_ASSET));
        }
    }

    /// Takes a name that others gave the asset, if it is one and there is room, and gives it back.
    pub(super) fn called(&mut self, value: &str) -> Option<&Identifier> {
        let name = normal(IdentifierKind::Fqdn, value).filter(Identifier::tells_apart)?;
        self.take(name.clone());
        self.row.identifiers.iter().find(|identifier| **identifier == name)
    }

    /// Puts an identifier where it belongs, unless it is one too many.
    fn take(&mut self, identifier: Identifier) -> bool {
        let Self { row: AssetRow { identifiers, shared, .. }, .. } = self;
        let place = if identifier.tells_apart() { identifiers } else { shared };
        if place.contains(&identifier) {
            return true;
        }
        let has_room = place.len() < Identifier::MAX_OF_ASSET;
        if has_room {
            place.push(identifier);
        }
        has_room
    }

    /// The row, or why it cannot be stored.
    pub(super) fn finish(mut self) -> Row {
        if let ([], [only, ..]) = (self.row.identifiers.as_slice(), self.row.shared.as_slice()) {
            let shown = text::clean_line(&only.value, 100);
            self.reject(format!("`{shown}` tells no machine from another, and it names no other identifier"));
        }
        if self.row.identifiers.is_empty() {
            self.reject(format!("it names no identifier ({})", identifying()));
        }
        match self.wrong {
            Some(reason) => Row::Rejected(RejectedRecord { place: self.row.place, reason }),
            None => Row::Asset(Box::new(self.row)),
        }
    }
}

/// Inventories write full names where they mean host names, and the other way round.
fn normal(kind: IdentifierKind, value: &str) -> Option<Identifier> {
    if value.chars().count() > Identifier::MAX {
        return None;
    }
    match kind {
        IdentifierKind::Fqdn | IdentifierKind::Hostname => host::identifier(value)
            .filter(|found| matches!(found.kind, IdentifierKind::Fqdn | IdentifierKind::Hostname)),
        IdentifierKind::Repository => host::repository(value)?.identifiers.pop(),
        _ => Identifier::normal(kind, value),
    }
}

/// Several values in one cell. Serial numbers and ids may hold blanks and commas.
fn parts(kind: IdentifierKind, cell: &str) -> impl Iterator<Item = &str> {
    let separators: &[char] = match kind {
        IdentifierKind::Ip | IdentifierKind::Mac | IdentifierKind::Fqdn | IdentifierKind::Hostname => {
            &[' ', ',', ';', '|', '\n', '\t']
        }
        _ => &['|', '\n'],
    };
    cell.split(separators).map(str::trim).filter(|part| !part.is_empty())
}

fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let known = value.is_some();
    *place = value;
    known
}

fn line(cell: &str) -> Option<String> {
    Some(text::clean_line(cell, NAME)).filter(|line| !line.is_empty())
}

fn of<T: Copy>(words: &[(T, &[&str])], cell: &str) -> Option<T> {
    let cell = plain(cell);
    words.iter().find(|(_, words)| words.contains(&cell.as_str())).map(|(value, _)| *value)
}

fn name(column: Column) -> &'static str {
    COLUMNS.iter().find(|(known, _)| *known == column).and_then(|(_, names)| names.first()).copied().unwrap_or_default()
}
