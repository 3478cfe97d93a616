//! Why two findings are one, or are not: their parts side by side, and the reasons in words.

use super::{FingerprintRule, IdentityPart, Told};
use crate::{AssetId, FindingId, Identifier, SourceId, text::word};
use serde::Serialize;
use utoipa::ToSchema;

/// One of the two findings.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The finding.
    pub id: FindingId,
    /// Its source.
    pub source_id: SourceId,
    /// The source's name.
    pub source: &'a str,
    /// What it is on.
    pub asset: Option<AssetId>,
    /// The asset's identifiers; none if the caller may not read assets.
    pub identifiers: Option<&'a [Identifier]>,
    /// What it says.
    pub told: Told<'a>,
    /// The finding that it was merged into.
    pub merged_into: Option<FindingId>,
    /// Whether the caller does not get what of it is restricted.
    pub is_withheld: bool,
}

/// How two findings stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum Sameness {
    /// One was merged into the other, or both into a third.
    Merged,
    /// The rule in force makes them one; they become one at the next rerun.
    Same,
    /// Different sources say the same of one asset.
    Related,
    /// The rule tells them apart.
    Different,
    /// It cannot be told: parts that count are withheld from the caller or not stored.
    Unknown,
}

/// One part of both findings.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Compared {
    /// `source`, `asset`, or a part that a rule can count.
    pub part: String,
    /// Whether it counts under the rule in force for either.
    pub counts: bool,
    /// Whether both say the same; null if that is withheld or not stored.
    pub equal: Option<bool>,
    /// What the one says.
    pub one: Vec<String>,
    /// What the other says.
    pub other: Vec<String>,
    /// Whether it is withheld, since one of them is marked TLP:RED and the caller lacks `evidence:read`.
    pub withheld: bool,
}

/// Why two findings are one, or are not.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Explanation {
    /// The one.
    pub one: FindingId,
    /// The other.
    pub other: FindingId,
    /// How they stand to each other.
    pub sameness: Sameness,
    /// The version of the rule in force of the one's source; 0 is the importer's own choice.
    pub rule_version: i64,
    /// The reasons, in words.
    pub reasons: Vec<String>,
    /// Their parts side by side: those that count first.
    pub parts: Vec<Compared>,
}

/// Explains two findings by the rule in force of the one's source and its version.
pub fn explain(one: &Side<'_>, other: &Side<'_>, rule: &FingerprintRule, rule_version: i64) -> Explanation {
    let mut parts = vec![source(one, other), asset(one, other)];
    parts.extend(IdentityPart::ALL.iter().map(|part| compare(*part, one, other, rule)));
    parts.sort_by_key(|part| !part.counts);
    let sameness = sameness(one, other, &parts, rule);
    let reasons = reasons(one, other, &parts, sameness, rule_version);
    Explanation { one: one.id, other: other.id, sameness, rule_version, reasons, parts }
}

fn source(one: &Side<'_>, other: &Side<'_>) -> Compared {
    Compared {
        part: "source".to_owned(),
        counts: true,
        equal: Some(one.source_id == other.source_id),
        one: vec![one.source.to_owned()],
        other: vec![other.source.to_owned()],
        withheld: false,
    }
}

fn asset(one: &Side<'_>, other: &Side<'_>) -> Compared {
    let named = |side: &Side<'_>| side.asset.map(|id| id.to_string()).into_iter().collect();
    Compared {
        part: "asset".to_owned(),
        counts: true,
        equal: Some(one.asset == other.asset),
        one: named(one),
        other: named(other),
        withheld: false,
    }
}

fn compare(part: IdentityPart, one: &Side<'_>, other: &Side<'_>, rule: &FingerprintRule) -> Compared {
    let counts = [one, other].iter().any(|side| rule.counting(side.told.rule_key).contains(&part));
    let withheld = part.is_restricted() && (one.is_withheld || other.is_withheld);
    let said = |side: &Side<'_>| rule.values(part, &side.told).filter(|_| !withheld);
    let (left, right) = (said(one), said(other));
    let equal = left.as_ref().zip(right.as_ref()).map(|(left, right)| left == right);
    // Shown as told, compared in the form in which the rule compares.
    let shown =
        |side: &Side<'_>| if withheld { Vec::new() } else { super::values(part, &side.told).unwrap_or_default() };
    Compared { part: word(&part), counts, equal, one: shown(one), other: shown(other), withheld }
}

fn sameness(one: &Side<'_>, other: &Side<'_>, parts: &[Compared], rule: &FingerprintRule) -> Sameness {
    if are_merged(one, other) {
        return Sameness::Merged;
    }
    if one.source_id != other.source_id {
        return if are_related(one, other) { Sameness::Related } else { Sameness::Different };
    }
    if parts.iter().any(|part| part.counts && part.equal == Some(false)) {
        return Sameness::Different;
    }
    // Where no part that counts says anything, the place does, which is withheld.
    let falls_back = || rule.is_silent(&one.told) || rule.is_silent(&other.told);
    let is_withheld = one.is_withheld || other.is_withheld;
    if parts.iter().any(|part| part.counts && part.withheld) || is_withheld && falls_back() {
        return Sameness::Unknown;
    }
    match (rule.parts_of(&one.told), rule.parts_of(&other.told)) {
        (Some(left), Some(right)) if left == right => Sameness::Same,
        (Some(_), Some(_)) => Sameness::Different,
        _ => Sameness::Unknown,
    }
}

fn are_merged(one: &Side<'_>, other: &Side<'_>) -> bool {
    let origin = |side: &Side<'_>| side.merged_into.unwrap_or(side.id);
    origin(one) == origin(other)
}

fn are_related(one: &Side<'_>, other: &Side<'_>) -> bool {
    let shares = one.told.cves.iter().any(|cve| other.told.cves.contains(cve));
    shares && one.asset.is_some() && one.asset == other.asset
}

fn reasons(one: &Side<'_>, other: &Side<'_>, parts: &[Compared], sameness: Sameness, version: i64) -> Vec<String> {
    let mut reasons = Vec::new();
    if sameness == Sameness::Merged {
        reasons.push(merged(one, other));
    }
    if one.source_id == other.source_id {
        reasons.push(rule_in_words(one.source, parts, version));
    } else {
        reasons.push(format!(
            "They come from different sources, `{}` and `{}`, and a finding belongs to one source; merging them is by hand.",
            one.source, other.source
        ));
        if sameness == Sameness::Related {
            reasons.push("They are related: both name the same CVE on the same asset.".to_owned());
        }
    }
    reasons.extend(assets_in_words(one, other));
    for part in parts.iter().filter(|part| part.counts && !["source", "asset"].contains(&part.part.as_str())) {
        match part.equal {
            Some(true) => {}
            Some(false) => reasons.push(differs(part)),
            None if part.withheld => reasons.push(format!("`{}` is withheld from you.", part.part)),
            None => reasons.push(format!("`{}` is not stored of both: it comes with the next report.", part.part)),
        }
    }
    if sameness == Sameness::Same {
        reasons.push("All parts that count are equal: the next rerun of the rule makes them one.".to_owned());
    }
    reasons
}

fn merged(one: &Side<'_>, other: &Side<'_>) -> String {
    match (one.merged_into, other.merged_into) {
        (Some(third), Some(_)) => format!("Both were merged into {third}; reports of either reach that."),
        (Some(_), None) => format!("{} was merged into {}; reports of it reach that.", one.id, other.id),
        _ => format!("{} was merged into {}; reports of it reach that.", other.id, one.id),
    }
}

fn rule_in_words(source: &str, parts: &[Compared], version: i64) -> String {
    let counting: Vec<&str> =
        parts.iter().filter(|part| part.counts && part.part != "source").map(|part| part.part.as_str()).collect();
    let rule = if version == 0 { "the importer's own rule".to_owned() } else { format!("rule version {version}") };
    format!("Both come from `{source}`, where {rule} counts {}.", counting.join(", "))
}

fn assets_in_words(one: &Side<'_>, other: &Side<'_>) -> Option<String> {
    if one.asset == other.asset {
        return Some(match one.asset {
            Some(_) => "They are on the same asset.".to_owned(),
            None => "Neither is on an asset.".to_owned(),
        });
    }
    let (Some(left), Some(right)) = (one.identifiers, other.identifiers) else {
        return Some("They are on different assets.".to_owned());
    };
    let shared: Vec<String> = left.iter().filter(|own| right.contains(own)).map(|own| own.value.clone()).collect();
    Some(if shared.is_empty() {
        "They are on different assets, which share no identifier.".to_owned()
    } else {
        format!("They are on different assets, which share {}.", shared.join(", "))
    })
}

fn differs(part: &Compared) -> String {
    let told = |values: &[String]| match values {
        [] => "nothing".to_owned(),
        many => format!("`{}`", many.join("`, `")),
    };
    format!("`{}` differs: the one says {}, the other {}.", part.part, told(&part.one), told(&part.other))
}
