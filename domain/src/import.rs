//! Imports: one report that came in, and what became of each of its records.

use crate::{Coverage, DateTime, ImportId, ImportScope, TenantId, Tlp};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A report format that can be read.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum ImportFormat {
    /// Nessus v2 XML (`.nessus`), also as Tenable WAS writes it.
    Nessus,
    /// SARIF 2.1.0 (OASIS).
    Sarif,
    /// Nuclei results: JSON Lines or one JSON array.
    Nuclei,
}

impl ImportFormat {
    /// The format's name, which is also that of its source where the report names no tool.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nessus => "nessus",
            Self::Sarif => "sarif",
            Self::Nuclei => "nuclei",
        }
    }
}

/// How far an import is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum ImportStatus {
    /// The report was read to its end and is being stored.
    Running,
    /// All of it is stored.
    Completed,
    /// The service stopped half-way. What was stored stays; sending the same bytes again completes it.
    Interrupted,
}

/// One report that came in. `read = created + updated + unchanged + rejected`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "ImportFields")]
pub struct Import {
    /// Identifier, UUIDv7.
    pub id: ImportId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// The report's format.
    pub format: ImportFormat,
    /// How far it is.
    pub status: ImportStatus,
    /// The source named with the report; null: the report's own tool.
    pub source: Option<String>,
    /// The marking named with the report: of the findings that it makes, and the least of those that it sees again.
    pub tlp: Option<Tlp>,
    /// Whether it claims to hold all that its source sees in its scope.
    pub coverage: Option<Coverage>,
    /// What it covers, as its sender named it; null for a report that is not complete.
    pub scope: Option<ImportScope>,
    /// SHA-256 of the report, 64 hexadecimal digits.
    pub sha256: String,
    /// Size of the report in bytes, after decompression.
    pub bytes: i64,
    /// Records in the report.
    pub read: i64,
    /// Findings made.
    pub created: i64,
    /// Findings changed.
    pub updated: i64,
    /// Records that changed nothing but `last_seen`.
    pub unchanged: i64,
    /// Records that could not be stored; the first 1,000 are named in `rejected_records`.
    pub rejected: i64,
    /// Part of `updated`: findings that were closed and came back.
    pub reopened: i64,
    /// Part of `unchanged`: records that say the same as another record of this report.
    pub merged: i64,
    /// Assets made because no known one matched.
    pub assets_created: i64,
    /// Findings of its scope that it no longer holds, and that were not gone before.
    pub gone: i64,
    /// Claimed fixes that it verifies.
    pub verified: i64,
    /// Findings that it would have marked gone, where that had become implausible by the time it was stored, since
    /// others wrote meanwhile, or where records were rejected, which may hold them. Then `gone` is 0; send it again
    /// with this number as `confirm_gone`.
    pub gone_withheld: i64,
    /// When it began, RFC 3339 UTC.
    pub started_at: DateTime,
    /// When it ended, RFC 3339 UTC.
    pub finished_at: Option<DateTime>,
    /// The number of its completion on the tenant's clock; 0 before.
    pub seq: i64,
    /// The rejected records; the first 1,000 are kept. Lists and the change feed leave them out (always
    /// empty there): ask for the import itself. They quote the report, so those of one marked TLP:RED are for
    /// its sender and for holders of `evidence:read` alone.
    pub rejected_records: Vec<RejectedRecord>,
}

/// The most rejected records that are kept by name; `rejected` counts all.
pub const MAX_REJECTED: usize = 1000;

impl Import {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "format",
        "status",
        "source",
        "tlp",
        "coverage",
        "scope",
        "sha256",
        "bytes",
        "read",
        "created",
        "updated",
        "unchanged",
        "rejected",
        "reopened",
        "merged",
        "assets_created",
        "gone",
        "verified",
        "gone_withheld",
        "started_at",
        "finished_at",
        "seq",
        "rejected_records",
    ];
}

/// A record that could not be stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
pub struct RejectedRecord {
    /// Where in the report: `line 17`, `runs[0].results[3]`, `ReportHost "x", ReportItem 4`.
    pub place: String,
    /// Why.
    pub reason: String,
}
