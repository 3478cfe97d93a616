use super::*;
use crate::text;
use sea_orm::Iterable;

/// CISA's coordinator table 2.0.3, as published by CERT/CC (`cisa_coordinator_2_0_3.csv`), row by row: for each
/// exploitation, automatable and technical impact, the levels of low, medium and high.
const TABLE: &[(&str, &str, &str, [&str; 3])] = &[
    ("none", "no", "partial", ["track", "track", "track"]),
    ("none", "no", "total", ["track", "track", "track*"]),
    ("none", "yes", "partial", ["track", "track", "attend"]),
    ("none", "yes", "total", ["track", "track", "attend"]),
    ("public poc", "no", "partial", ["track", "track", "track*"]),
    ("public poc", "no", "total", ["track", "track*", "attend"]),
    ("public poc", "yes", "partial", ["track", "track", "attend"]),
    ("public poc", "yes", "total", ["track", "track*", "attend"]),
    ("active", "no", "partial", ["track", "track", "attend"]),
    ("active", "no", "total", ["track", "attend", "act"]),
    ("active", "yes", "partial", ["attend", "attend", "act"]),
    ("active", "yes", "total", ["attend", "act", "act"]),
];

const REMOTE_TOTAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const REMOTE_PARTIAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
const LOCAL_TOTAL: &str = "AV:L/AC:L/Au:N/C:C/I:C/A:C";

#[test]
fn the_decision_is_that_of_cisas_table() {
    let mut rows = 0;
    for (exploitation, automatable, impact, levels) in TABLE {
        let criticalities = [Criticality::Low, Criticality::Medium, Criticality::High];
        for (criticality, level) in criticalities.into_iter().zip(levels) {
            let inputs = Inputs {
                kind: FindingKind::Vulnerability,
                severity: if *impact == "total" { Severity::Critical } else { Severity::Medium },
                vector: Some(REMOTE_TOTAL),
                kev: *exploitation == "active",
                epss: (*exploitation == "public poc").then_some(EpssBand::From10),
                exposure: Some(if *automatable == "yes" { Exposure::Internet } else { Exposure::Internal }),
                criticality: Some(criticality),
            };
            let expected = level.replace("track*", "track_closely");
            let given = text::word(&decide(&inputs).priority);
            assert_eq!(given, expected, "{exploitation}, {automatable}, {impact}, {criticality:?}");
            rows += 1;
        }
    }
    assert_eq!(rows, 36);
}

#[test]
fn each_point_has_its_reason_in_words() {
    let mut inputs = Inputs {
        kind: FindingKind::Vulnerability,
        severity: Severity::High,
        vector: Some(REMOTE_PARTIAL),
        kev: true,
        epss: Some(EpssBand::From50),
        exposure: None,
        criticality: None,
    };
    let decision = decide(&inputs);
    assert_eq!(decision.priority, Priority::Attend);
    assert_eq!(
        decision.reasons,
        [
            "It is exploited: a CVE of it is in CISA's catalogue of known exploited vulnerabilities.",
            "An attack can be automated (CVSS), and nobody has said from where its asset can be reached.",
            "The technical impact is partial: not everything is lost (CVSS).",
            "Nobody has said how much depends on its asset: it counts as medium.",
        ]
    );
    inputs.kev = false;
    assert_eq!(decide(&inputs).reasons[0], "Exploitation is likely: EPSS says 50 % or more within 30 days.");
}

#[test]
fn what_is_seen_to_happen_is_active_and_a_setting_takes_no_exploit() {
    let of = |kind| {
        exploitation(&Inputs {
            kind,
            severity: Severity::High,
            vector: None,
            kev: false,
            epss: None,
            exposure: None,
            criticality: None,
        })
        .0
    };
    assert_eq!(of(FindingKind::Detection), Exploitation::Active);
    assert_eq!(of(FindingKind::Misconfiguration), Exploitation::PublicPoc);
    for kind in [FindingKind::Vulnerability, FindingKind::Compliance, FindingKind::Observation] {
        assert_eq!(of(kind), Exploitation::None);
    }
}

/// Each input from the best to the worst: all pairs of neighbours, in every combination of the others.
#[test]
fn a_worse_input_never_gives_a_lower_priority() {
    let kinds = [FindingKind::Observation, FindingKind::Misconfiguration, FindingKind::Detection];
    let epss: Vec<_> = [None].into_iter().chain(EpssBand::iter().map(Some)).collect();
    let exposures = [Exposure::Isolated, Exposure::Internal, Exposure::Partner, Exposure::Internet].map(Some);
    let unknown = [Some(Exposure::Internal), None, Some(Exposure::Internet)];
    let criticalities: Vec<_> = Criticality::iter().map(Some).collect();
    let unrated = [Some(Criticality::Low), None, Some(Criticality::High)];
    let vectors = [Some(LOCAL_TOTAL), Some(REMOTE_TOTAL)];
    let impacts = [Some(REMOTE_PARTIAL), Some(REMOTE_TOTAL)];
    let all_vectors = [None, Some(REMOTE_TOTAL), Some(REMOTE_PARTIAL), Some(LOCAL_TOTAL)];
    let mut pairs = 0;
    let mut holds = |worse: &dyn Fn(Inputs<'static>) -> Vec<Inputs<'static>>| {
        for inputs in combinations(&epss, &all_vectors) {
            let given: Vec<Priority> = worse(inputs).iter().map(|inputs| decide(inputs).priority).collect();
            assert!(given.is_sorted(), "{inputs:?} worsens to {given:?}");
            pairs += given.len() - 1;
        }
    };
    holds(&|inputs| kinds.map(|kind| Inputs { kind, ..inputs }).to_vec());
    holds(&|inputs| Severity::iter().map(|severity| Inputs { severity, ..inputs }).collect());
    holds(&|inputs| [false, true].map(|kev| Inputs { kev, ..inputs }).to_vec());
    holds(&|inputs| epss.iter().map(|epss| Inputs { epss: *epss, ..inputs }).collect());
    holds(&|inputs| exposures.map(|exposure| Inputs { exposure, ..inputs }).to_vec());
    holds(&|inputs| unknown.map(|exposure| Inputs { exposure, ..inputs }).to_vec());
    holds(&|inputs| criticalities.iter().map(|criticality| Inputs { criticality: *criticality, ..inputs }).collect());
    holds(&|inputs| unrated.map(|criticality| Inputs { criticality, ..inputs }).to_vec());
    holds(&|inputs| vectors.map(|vector| Inputs { vector, ..inputs }).to_vec());
    holds(&|inputs| impacts.map(|vector| Inputs { vector, ..inputs }).to_vec());
    assert!(pairs > 100_000, "{pairs}");
}

/// Every combination there is, with one vector of each sort.
fn combinations(epss: &[Option<EpssBand>], vectors: &[Option<&'static str>]) -> Vec<Inputs<'static>> {
    let mut all = Vec::new();
    for kind in FindingKind::iter() {
        for severity in Severity::iter() {
            for vector in vectors.iter().copied() {
                for kev in [false, true] {
                    for epss in epss.iter().copied() {
                        for exposure in [None].into_iter().chain(Exposure::iter().map(Some)) {
                            for criticality in [None].into_iter().chain(Criticality::iter().map(Some)) {
                                all.push(Inputs { kind, severity, vector, kev, epss, exposure, criticality });
                            }
                        }
                    }
                }
            }
        }
    }
    all
}
