//! The words of tickets, and the titles of tasks that the rule makes, in the languages of municipalities.

use super::{
    markup::{cut, line},
    text::MAX_TITLE,
};
use crate::{Priority, Severity, tenant_settings::Language};

/// The words of one language.
pub(super) struct Words {
    pub(super) plan: &'static str,
    pub(super) recommendation: &'static str,
    pub(super) severity: &'static str,
    pub(super) priority: &'static str,
    pub(super) due: &'static str,
    pub(super) findings: &'static str,
    pub(super) of: &'static str,
    pub(super) assets: &'static str,
    pub(super) more: &'static str,
    pub(super) rest: &'static str,
    pub(super) of_severity: fn(Severity) -> &'static str,
    pub(super) of_priority: fn(Priority) -> &'static str,
}

/// The words of a language.
pub(super) const fn words(language: Language) -> &'static Words {
    match language {
        Language::Sv => &SWEDISH,
        Language::En => &ENGLISH,
    }
}

const SWEDISH: Words = Words {
    plan: "Plan",
    recommendation: "Rekommenderad åtgärd",
    severity: "Allvarlighetsgrad",
    priority: "Prioritet",
    due: "Klart senast",
    findings: "Öppna fynd",
    of: "av",
    assets: "Tillgångar",
    more: "till",
    rest: "Resten står på länken nedan.",
    of_severity: |severity| match severity {
        Severity::Informational => "information",
        Severity::Low => "låg",
        Severity::Medium => "medel",
        Severity::High => "hög",
        Severity::Critical => "kritisk",
    },
    of_priority: |priority| match priority {
        Priority::Track => "bevaka",
        Priority::TrackClosely => "bevaka noga",
        Priority::Attend => "åtgärda snart",
        Priority::Act => "åtgärda nu",
    },
};

const ENGLISH: Words = Words {
    plan: "Plan",
    recommendation: "Recommended remedy",
    severity: "Severity",
    priority: "Priority",
    due: "Due by",
    findings: "Open findings",
    of: "of",
    assets: "Assets",
    more: "more",
    rest: "The rest stands at the link below.",
    of_severity: |severity| match severity {
        Severity::Informational => "informational",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    },
    of_priority: |priority| match priority {
        Priority::Track => "track",
        Priority::TrackClosely => "track closely",
        Priority::Attend => "attend",
        Priority::Act => "act",
    },
};

/// The title of a task that the rule makes of all findings on one asset: nameless where only findings marked TLP:RED say
/// which one it is.
pub fn title_of_asset(language: Language, asset: Option<&str>) -> String {
    let title = match (language, asset) {
        (Language::Sv, Some(asset)) => format!("Åtgärda fynd på {asset}"),
        (Language::En, Some(asset)) => format!("Remedy the findings on {asset}"),
        (Language::Sv, None) => NAMELESS[0].to_owned(),
        (Language::En, None) => NAMELESS[1].to_owned(),
    };
    cut(&line(&title), MAX_TITLE)
}

const NAMELESS: [&str; 2] = ["Åtgärda fynd på en tillgång", "Remedy the findings on an asset"];

/// Whether a title does not say which asset the task is about.
pub fn is_nameless(title: &str) -> bool {
    NAMELESS.contains(&title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_without_a_name_is_known_as_one() {
        for language in [Language::Sv, Language::En] {
            assert!(is_nameless(&title_of_asset(language, None)));
            assert!(!is_nameless(&title_of_asset(language, Some("a.norrvik.example"))));
        }
    }
}
