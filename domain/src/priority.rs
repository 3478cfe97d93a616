//! What to do first: the decision of CISA's SSVC guide (Stakeholder-Specific
//! Vulnerability Categorization, November 2022), with its reasons in words.
//!
//! The table is CISA's own ("CISA Levels", coordinator table 2.0.3): every combination of
//! exploitation, automatable, technical impact, and mission and well-being. How a finding
//! and its asset come to these four is decided here:
//!
//! - **Exploitation** is *active* if a CVE of the finding is in CISA's catalogue of known
//!   exploited vulnerabilities, or the finding is the trace of an attack. It is a *public proof
//!   of concept* from an EPSS of 10 % on, and for a misconfiguration, whose "well-known method of
//!   exploitation" needs none. EPSS never makes it active: it predicts, and is no evidence.
//! - **Automatable** if the attack goes over the network without rights or a user's help (CVSS)
//!   and reaches the asset from outside: `internal` and `isolated` ones it does not reach
//!   ("delivery uses channels that are blocked"). An asset whose exposure nobody has stated
//!   counts as reachable. Without a vector, a severe weakness on an exposed asset does.
//! - **Technical impact** is *total* at severity critical, and at high unless the vector says
//!   that confidentiality or integrity is not lost in full. So a severity that a person lowers
//!   lowers this as well.
//! - **Mission and well-being** is the criticality of the asset: low, medium, and high for `high`
//!   (a service stops) and `critical`. What nobody has rated counts as medium.
//!
//! A worse input never gives a lower priority.

use crate::{Criticality, EpssBand, Exposure, FindingKind, Severity, cvss::Attack};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to do about a finding, by the CISA SSVC guide. Stored as 0–3, so that it orders the same in SQL as here.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Priority {
    /// No action now; mend it within the usual time.
    #[default]
    #[sea_orm(num_value = 0)]
    Track,
    /// SSVC's "Track*": mend it within the usual time, and watch closely for changes.
    #[sea_orm(num_value = 1)]
    TrackClosely,
    /// Needs the attention of whoever is responsible; mend it sooner than usual.
    #[sea_orm(num_value = 2)]
    Attend,
    /// Needs the attention of the leadership; mend it as soon as possible.
    #[sea_orm(num_value = 3)]
    Act,
}

/// What the decision looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inputs<'a> {
    /// What sort of statement the finding is.
    pub kind: FindingKind,
    /// Its severity, as a person may have set it.
    pub severity: Severity,
    /// Its CVSS vector, valid if there is one.
    pub vector: Option<&'a str>,
    /// Whether a CVE of it is known to be exploited.
    pub kev: bool,
    /// The highest band of its CVEs.
    pub epss: Option<EpssBand>,
    /// From where its asset can be reached.
    pub exposure: Option<Exposure>,
    /// How much depends on its asset.
    pub criticality: Option<Criticality>,
}

/// The decision and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to do.
    pub priority: Priority,
    /// One sentence for each of the four points of the decision, in their order.
    pub reasons: Vec<String>,
}

/// Evidence of exploitation (SSVC 1.1.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exploitation {
    None,
    PublicPoc,
    Active,
}

/// Mission and well-being (SSVC 1.0.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mission {
    Low,
    Medium,
    High,
}

/// Decides by CISA's table.
pub fn decide(inputs: &Inputs<'_>) -> Decision {
    let (exploitation, first) = exploitation(inputs);
    let (automatable, second) = automatable(inputs);
    let (total, third) = technical_impact(inputs);
    let (mission, fourth) = mission(inputs.criticality);
    let reasons = vec![first, second.to_owned(), third.to_owned(), fourth.to_owned()];
    Decision { priority: of_table(exploitation, automatable, total, mission), reasons }
}

/// CISA's table: automatable and total impact are the second and third of its columns.
const fn of_table(exploitation: Exploitation, automatable: bool, total: bool, mission: Mission) -> Priority {
    use Exploitation::{Active, PublicPoc};
    use Mission::{High, Low, Medium};
    match (exploitation, automatable, total, mission) {
        (Active, _, true, High) | (Active, true, false, High) | (Active, true, true, Medium) => Priority::Act,
        (Active, true, _, _) | (Active, _, false, High) | (Active, false, true, Medium) => Priority::Attend,
        (Active, false, _, Low) | (Active, false, false, Medium) => Priority::Track,
        (_, true, _, High) | (PublicPoc, false, true, High) => Priority::Attend,
        (PublicPoc, _, true, Medium) | (PublicPoc, false, false, High) => Priority::TrackClosely,
        (Exploitation::None, false, true, High) => Priority::TrackClosely,
        _ => Priority::Track,
    }
}

fn exploitation(inputs: &Inputs<'_>) -> (Exploitation, String) {
    if inputs.kev {
        let known = "It is exploited: a CVE of it is in CISA's catalogue of known exploited vulnerabilities.";
        return (Exploitation::Active, known.to_owned());
    }
    if inputs.kind == FindingKind::Detection {
        return (Exploitation::Active, "It is exploited: it is the trace of an attack.".to_owned());
    }
    match inputs.epss {
        Some(band) if band >= EpssBand::From10 => {
            let likely = format!("Exploitation is likely: EPSS says {} % or more within 30 days.", band.percent());
            (Exploitation::PublicPoc, likely)
        }
        _ if inputs.kind == FindingKind::Misconfiguration => {
            (Exploitation::PublicPoc, "It takes no exploit: it is a setting that opens a door.".to_owned())
        }
        Some(_) => (Exploitation::None, "No exploitation is known, and EPSS says less than 10 %.".to_owned()),
        None => (Exploitation::None, "No exploitation is known.".to_owned()),
    }
}

fn automatable(inputs: &Inputs<'_>) -> (bool, &'static str) {
    let exposed = matches!(inputs.exposure, Some(Exposure::Internet | Exposure::Partner));
    let remote = inputs.vector.map(|vector| Attack::of(vector).is_remote);
    match (inputs.exposure, remote) {
        (Some(Exposure::Isolated), _) => (false, "An attack cannot be automated: its asset is isolated."),
        (Some(Exposure::Internal), _) => {
            (false, "An attack cannot be automated: its asset is reached from the own network only.")
        }
        (_, Some(false)) => {
            (false, "An attack cannot be automated: it takes rights, a person's help or a place (CVSS).")
        }
        (None, Some(true)) => {
            (true, "An attack can be automated (CVSS), and nobody has said from where its asset can be reached.")
        }
        (_, Some(true)) => (true, "An attack can be automated (CVSS), and its asset is reached from outside."),
        (_, None) if exposed && inputs.severity >= Severity::High => {
            (true, "An attack may be automated: it is severe, and its asset is reached from outside.")
        }
        _ => (false, "Nothing says that an attack can be automated."),
    }
}

fn technical_impact(inputs: &Inputs<'_>) -> (bool, &'static str) {
    let is_lost = inputs.vector.is_none_or(|vector| Attack::of(vector).is_total);
    match inputs.severity {
        Severity::Critical => (true, "The technical impact is total: its severity is critical."),
        Severity::High if is_lost => (true, "The technical impact is total: its severity is high."),
        Severity::High => (false, "The technical impact is partial: not everything is lost (CVSS)."),
        _ => (false, "The technical impact is partial: its severity is below high."),
    }
}

const fn mission(criticality: Option<Criticality>) -> (Mission, &'static str) {
    match criticality {
        Some(Criticality::Low) => (Mission::Low, "Nothing stops without its asset."),
        Some(Criticality::Medium) => (Mission::Medium, "Some work is slower without its asset."),
        Some(Criticality::High) => (Mission::High, "A service stops without its asset."),
        Some(Criticality::Critical) => {
            (Mission::High, "Life, health or the municipality's core stops without its asset.")
        }
        None => (Mission::Medium, "Nobody has said how much depends on its asset: it counts as medium."),
    }
}

#[cfg(test)]
#[path = "priority_tests.rs"]
mod tests;
