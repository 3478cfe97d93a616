//! What an importer hands over: one [`Observation`] per record of a report,
//! with the fields of every tool brought to the same names.

use crate::{AssetKind, FindingKind, Identifier, Location, Severity, Timestamp};
use serde::Serialize;

/// One record of a report: a tool says that it saw a weakness.
///
/// Serialised it is what the tool says of the weakness, without when, on what
/// and how it is told apart: two records that serialise alike say the same.
///
/// All texts are as the tool wrote them, cleaned by [`crate::text::clean`];
/// an attacker may have written them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observation {
    /// The tool's name as the report gives it (`CodeQL`); none where the format has one tool only.
    pub tool: Option<String>,
    /// What sort of statement this is.
    pub kind: FindingKind,
    /// One line; never empty.
    pub title: String,
    /// What the weakness is.
    pub description: String,
    /// What it leads to, where the tool says so apart from the description.
    pub consequence: Option<String>,
    /// What to do about it.
    pub recommendation: Option<String>,
    /// Severity on Fynd's scale.
    pub severity: Severity,
    /// The severity in the tool's own words (`Medium`, `error`, `7.5`).
    pub source_severity: Option<String>,
    /// The CVSS vector, complete with its prefix for v3 and v4 (`CVSS:3.1/AV:N/…`), bare for v2. Always valid.
    pub cvss_vector: Option<String>,
    /// The base score computed from the vector, 0.0–10.0; without a vector the tool's own number.
    pub cvss_score: Option<f64>,
    /// `CVE-2024-1234`, upper case, sorted, unique.
    pub cves: Vec<String>,
    /// `CWE-79`, upper case, sorted, unique.
    pub cwes: Vec<String>,
    /// URLs (http or https) and other citations.
    pub references: Vec<String>,
    /// The tool's own id of this very record, if it has one.
    pub source_ref: Option<String>,
    /// What groups the same weakness over many assets: plugin, rule or template id.
    pub rule_key: String,
    /// Where on the asset.
    pub location: Location,
    /// What it was seen on.
    #[serde(skip)]
    pub asset: Option<ReportedAsset>,
    /// The tool's own labels, sorted, unique.
    pub tags: Vec<String>,
    /// What the tool saw: output, request, snippet. Bounded by the importer.
    pub evidence: Option<String>,
    /// When the tool saw it; none where the report carries no time.
    #[serde(skip)]
    pub observed_at: Option<Timestamp>,
    /// Whether the tool says that the asset did not answer: then it was not looked at, whatever else is said of it.
    #[serde(skip)]
    pub unanswered: bool,
    /// What makes two records of this tool the same finding, besides the asset
    /// and `rule_key`. Order counts.
    #[serde(skip)]
    pub identity: Vec<String>,
}

/// An asset as a report describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportedAsset {
    /// What it is, as far as the report tells.
    pub kind: AssetKind,
    /// The name people would use; never empty.
    pub name: String,
    /// At least one. Normalised: see [`Identifier::parse`].
    pub identifiers: Vec<Identifier>,
}
