//! Inventories that come in: what a row says, and what became of all of them.

use crate::{AssetKind, Criticality, Exposure, Identifier, Provenance, RejectedRecord, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The formats of inventories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum AssetImportFormat {
    /// A table with a line of headers (RFC 4180), also with semicolons.
    Csv,
    /// An array of objects, or an object with the array in `items`.
    Json,
    /// `nmap -oX`: the hosts that were up, as discovered assets.
    Nmap,
}

/// One row of an inventory. What it does not say stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct AssetRow {
    /// Where it stands: `line 17`, `items[3]`, `host 4`.
    pub place: String,
    /// How an asset that it makes became known. An inventoried row also reviews the asset that it finds.
    pub provenance: Provenance,
    /// The name people use.
    pub name: Option<String>,
    /// What it is.
    pub kind: Option<AssetKind>,
    /// How much depends on it.
    pub criticality: Option<Criticality>,
    /// From where it can be reached.
    pub exposure: Option<Exposure>,
    /// The unit that answers for it.
    pub owner_unit: Option<String>,
    /// At least one, each once.
    pub identifiers: Vec<Identifier>,
    /// What it gives as identifiers and many machines have: told of, and not stored.
    pub shared: Vec<Identifier>,
    /// When it was seen, if it says so.
    pub seen_at: Option<Timestamp>,
}

/// What became of an inventory, or would become of it. `read = created + updated + unchanged + rejected`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct AssetImport {
    /// Whether nothing was stored.
    pub dry_run: bool,
    /// Rows in the inventory.
    pub read: i64,
    /// Assets made.
    pub created: i64,
    /// Rows that changed an asset.
    pub updated: i64,
    /// Rows that say what is known already.
    pub unchanged: i64,
    /// Part of `updated`: assets that had been discovered and are inventoried by this.
    pub reviewed: i64,
    /// Rows that could not be stored; the first 1,000 are named in `rejected_records`.
    pub rejected: i64,
    /// Identifiers that were left out, since they belong to another asset or many machines have them; the first 1,000 are named in `warnings`.
    pub identifiers_left_out: i64,
    /// The rejected rows, with their place and the reason.
    pub rejected_records: Vec<RejectedRecord>,
    /// What was left out of rows that were stored.
    pub warnings: Vec<RejectedRecord>,
}
