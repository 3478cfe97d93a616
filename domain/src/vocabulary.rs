//! The vocabulary in words: what stands for a value on a screen, in Swedish and English.

use crate::tenant_settings::Language;
use serde::Serialize;
use utoipa::ToSchema;

/// What a value is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Label {
    /// Of what it is a value: `severity`, `status`, `task_status`, …
    pub of: &'static str,
    /// The value as it stands in REST: snake_case.
    pub value: &'static str,
    /// What it is called.
    pub label: &'static str,
}

/// What every value is called, in the order of the vocabulary.
pub fn labels(language: Language) -> impl Iterator<Item = Label> {
    VOCABULARY.iter().flat_map(move |(of, values)| {
        values.iter().map(move |(value, english, swedish)| {
            let label = match language {
                Language::En => english,
                Language::Sv => swedish,
            };
            Label { of, value, label }
        })
    })
}

/// A value with its English and its Swedish name.
type Named = (&'static str, &'static str, &'static str);

const VOCABULARY: &[(&str, &[Named])] = &[
    (
        "severity",
        &[
            ("informational", "Informational", "Information"),
            ("low", "Low", "Låg"),
            ("medium", "Medium", "Medel"),
            ("high", "High", "Hög"),
            ("critical", "Critical", "Kritisk"),
        ],
    ),
    (
        "priority",
        &[
            ("track", "Track", "Bevaka"),
            ("track_closely", "Track closely", "Bevaka noga"),
            ("attend", "Attend", "Åtgärda skyndsamt"),
            ("act", "Act", "Åtgärda nu"),
        ],
    ),
    (
        "status",
        &[
            ("new", "New", "Nytt"),
            ("confirmed", "Confirmed", "Bekräftat"),
            ("in_progress", "In progress", "Pågår"),
            ("fix_claimed", "Fix claimed", "Uppges åtgärdat"),
            ("verified_fixed", "Verified fixed", "Verifierat åtgärdat"),
            ("false_positive", "False positive", "Falskt larm"),
            ("duplicate", "Duplicate", "Dubblett"),
            ("not_applicable", "Not applicable", "Ej tillämpligt"),
            ("risk_accepted", "Risk accepted", "Risken accepterad"),
        ],
    ),
    (
        "finding_kind",
        &[
            ("vulnerability", "Vulnerability", "Sårbarhet"),
            ("misconfiguration", "Misconfiguration", "Felkonfiguration"),
            ("detection", "Detection", "Upptäckt angrepp"),
            ("compliance", "Compliance", "Regelavvikelse"),
            ("observation", "Observation", "Iakttagelse"),
        ],
    ),
    (
        "justification",
        &[
            ("component_not_present", "Component not present", "Komponenten finns inte"),
            ("vulnerable_code_not_present", "Vulnerable code not present", "Den sårbara koden finns inte"),
            (
                "vulnerable_code_not_in_execute_path",
                "Vulnerable code not in execute path",
                "Den sårbara koden körs inte",
            ),
            (
                "vulnerable_code_cannot_be_controlled_by_adversary",
                "Vulnerable code cannot be controlled by an adversary",
                "Den sårbara koden kan inte styras av en angripare",
            ),
            ("inline_mitigations_already_exist", "Inline mitigations already exist", "Skydd finns redan på plats"),
            ("scanner_error", "Scanner error", "Fel i skannern"),
            ("patch_backported", "Patch backported", "Rättningen är bakåtporterad"),
            ("same_as_other", "Same as another finding", "Samma som ett annat fynd"),
        ],
    ),
    (
        "task_status",
        &[
            ("open", "Open", "Öppen"),
            ("in_progress", "In progress", "Pågår"),
            ("blocked", "Blocked", "Blockerad"),
            ("done", "Done", "Klar"),
            ("cancelled", "Cancelled", "Avbruten"),
        ],
    ),
    (
        "asset_kind",
        &[
            ("host", "Host", "Dator"),
            ("web_application", "Web application", "Webbapplikation"),
            ("repository", "Repository", "Kodförråd"),
            ("other", "Other", "Annat"),
        ],
    ),
    (
        "criticality",
        &[
            ("low", "Low", "Låg"),
            ("medium", "Medium", "Medel"),
            ("high", "High", "Hög"),
            ("critical", "Critical", "Kritisk"),
        ],
    ),
    (
        "exposure",
        &[
            ("internet", "Internet", "Internet"),
            ("partner", "Partner", "Partner"),
            ("internal", "Internal", "Intern"),
            ("isolated", "Isolated", "Isolerad"),
        ],
    ),
    ("provenance", &[("inventoried", "Inventoried", "Inventerad"), ("discovered", "Discovered", "Upptäckt")]),
    (
        "source_kind",
        &[
            ("scanner", "Scanner", "Skanner"),
            ("edr", "EDR", "EDR"),
            ("red_team", "Red team", "Red team"),
            ("person", "Person", "Person"),
            ("other", "Other", "Annat"),
        ],
    ),
    (
        "import_status",
        &[
            ("running", "Running", "Pågår"),
            ("completed", "Completed", "Klar"),
            ("interrupted", "Interrupted", "Avbruten"),
        ],
    ),
    (
        "acceptance_status",
        &[
            ("requested", "Requested", "Begärd"),
            ("approved", "Approved", "Godkänd"),
            ("refused", "Refused", "Avslagen"),
            ("expired", "Expired", "Utgången"),
            ("revoked", "Revoked", "Återkallad"),
        ],
    ),
    (
        "retest_result",
        &[
            ("fixed", "Fixed", "Åtgärdat"),
            ("partly", "Partly fixed", "Delvis åtgärdat"),
            ("not_fixed", "Not fixed", "Inte åtgärdat"),
            ("not_testable", "Not testable", "Gick inte att prova"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::resolver_utils::EnumType;

    /// The values of an enum as they stand in REST.
    fn values<E: EnumType>() -> Vec<String> {
        E::items().iter().map(|item| item.name.to_lowercase()).collect()
    }

    #[test]
    fn every_value_of_the_vocabulary_has_a_name() {
        let enums = [
            ("severity", values::<crate::Severity>()),
            ("priority", values::<crate::Priority>()),
            ("status", values::<crate::Status>()),
            ("finding_kind", values::<crate::FindingKind>()),
            ("justification", values::<crate::Justification>()),
            ("task_status", values::<crate::TaskStatus>()),
            ("asset_kind", values::<crate::AssetKind>()),
            ("criticality", values::<crate::Criticality>()),
            ("exposure", values::<crate::Exposure>()),
            ("provenance", values::<crate::Provenance>()),
            ("source_kind", values::<crate::SourceKind>()),
            ("import_status", values::<crate::ImportStatus>()),
            ("acceptance_status", values::<crate::AcceptanceStatus>()),
            ("retest_result", values::<crate::retest::RetestResult>()),
        ];
        assert_eq!(enums.len(), VOCABULARY.len());
        for (of, values) in enums {
            let named: Vec<&str> =
                labels(Language::En).filter(|label| label.of == of).map(|label| label.value).collect();
            assert_eq!(named, values, "{of}");
        }
        assert!(labels(Language::Sv).all(|label| !label.label.is_empty()));
    }
}
