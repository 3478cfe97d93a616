use super::*;
use proptest::prelude::*;
use std::path::PathBuf;

/// Vectors with their base scores as NVD publishes them for the CVE named, or as FIRST's own calculators and
/// examples give them (https://www.first.org/cvss/).
const PUBLIC: &[(&str, f64, &str)] = &[
    ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0, "CVE-2017-5638, NVD"),
    ("AV:N/AC:L/Au:N/C:P/I:N/A:N", 5.0, "CVE-2014-0160, NVD"),
    ("AV:L/AC:L/Au:N/C:C/I:C/A:C", 7.2, "CVE-2016-5195, NVD"),
    ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8, "CVE-2002-0392, FIRST's guide to v2, section 3.3.1"),
    ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, "CVE-2017-5638, NVD"),
    ("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H", 8.1, "CVE-2017-0144, NVD"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, "CVE-2021-44228, NVD"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5, "CVE-2014-0160, NVD"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, "FIRST's examples for v3.1, reflected XSS"),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3, "FIRST's calculator for v4.0"),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0, "FIRST's examples, CVE-2021-44228"),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N", 8.7, "FIRST's examples, CVE-2014-0160"),
];

/// The vectors of the specifications, which stand outside the repository for their licence: `FYND_SPECS`, else
/// `shared/specs` beside the repository; none where neither is there.
fn specs() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/specs");
    let folder = std::env::var_os("FYND_SPECS").map_or_else(beside, PathBuf::from).join("cvss");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("no specifications at {}: nothing to check", folder.display());
    None
}

/// The rows of a table, split at tabs, without its head.
fn rows(folder: &std::path::Path, name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn published_vectors_have_their_published_scores() {
    for (text, score, source) in PUBLIC {
        assert_eq!(vector(text), Some(((*text).to_owned(), *score)), "{source}");
    }
}

#[test]
fn every_vector_of_the_specifications_has_its_score() {
    let Some(folder) = specs() else { return };
    let mut checked = 0;
    for name in ["cvss2.tsv", "cvss3.tsv"] {
        for row in rows(&folder, name) {
            let (kept, score) = vector(&row[0]).unwrap_or_else(|| panic!("{} is refused", row[0]));
            assert_eq!(score.to_string(), row[1].trim_end_matches(".0"), "{}", row[0]);
            assert_eq!(vector(&kept).map(|(_, score)| score), Some(score), "{kept} is another vector than {}", row[0]);
            checked += 1;
        }
    }
    for row in rows(&folder, "cvss4.tsv") {
        let (kept, base) = vector(&row[0]).unwrap_or_else(|| panic!("{} is refused", row[0]));
        // The table's score counts threat and environment in.
        let whole = tenths(Cvss::from_str(&kept).unwrap().score());
        assert_eq!(whole.to_string(), row[1].trim_end_matches(".0"), "{}", row[0]);
        if row[0].split('/').count() == BASE_V4.len() + 1 {
            assert_eq!(base, whole, "{}", row[0]);
        }
        checked += 1;
    }
    assert!(checked > 15_000, "{checked}");
    for row in rows(&folder, "cvss_invalid.tsv") {
        assert_eq!(vector(&row[1]), None, "{}: {}", row[1], row[2]);
    }
}

#[test]
fn vectors_of_all_versions_are_scored_by_their_base_metrics() {
    let v2 = Some(("AV:N/AC:L/Au:N/C:N/I:P/A:N".into(), 5.0));
    assert_eq!(vector("CVSS2#AV:N/AC:L/Au:N/C:N/I:P/A:N"), v2);
    assert_eq!(vector("(AV:N/AC:L/Au:N/C:N/I:P/A:N)"), v2);
    assert_eq!(vector("AV:N/AC:L/Au:N/C:N/I:P/A:N/E:U/RL:OF/RC:UC").map(|(_, score)| score), Some(5.0));
    let v31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    assert_eq!(vector(&format!("{v31}/E:U/RL:O")).map(|(_, score)| score), Some(9.8));
    let v4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
    assert_eq!(vector(&format!("{v4}/E:U/U:Red")).map(|(_, score)| score), Some(9.3));
}

#[test]
fn invalid_vectors_are_dropped() {
    for text in [
        "",
        "CVSS:3.1",
        "CVSS:3.1/AV:N",
        "CVSS:9.0/AV:N/AC:L",
        "AV:N/AC:L",
        "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:Å/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/E:U",
        "cvss:3.1/av:n/ac:l/pr:n/ui:n/s:u/c:h/i:h/a:h",
        "(CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H)",
        "CVSS:4.0/AC:L/AV:N/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
    ] {
        assert_eq!(vector(text), None, "{text}");
    }
}

#[test]
fn a_tools_own_number_counts_only_without_a_valid_vector() {
    let valid = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
    assert_eq!(of(["nonsense", valid], [Some(1.0)]), (Some(valid.into()), Some(7.5)));
    assert_eq!(of(["nonsense"], [None, Some(6.45)]), (None, Some(6.5)));
    assert_eq!(of([], [Some(11.0), Some(f64::NAN), Some(-1.0)]), (None, None));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".*", tail in "[A-Z:/]{0,60}") {
        let _ = (vector(&text), vector(&format!("CVSS:4.0/{tail}")), vector(&format!("CVSS:3.1/{tail}")), vector(&tail));
    }

    #[test]
    fn any_v4_vector_scores(
        values in proptest::collection::vec(0usize..3, 11), threat in "(/E:[AUPX])?(/CR:[XHML])?(/MAV:[XNALP])?(/MSI:[XSHLN])?",
    ) {
        let names = ["AV:N|A|P", "AC:L|H|H", "AT:N|P|P", "PR:N|L|H", "UI:N|P|A", "VC:H|L|N", "VI:H|L|N", "VA:H|L|N", "SC:H|L|N", "SI:H|L|N", "SA:H|L|N"];
        let metrics: Vec<String> = names.iter().zip(values).map(|(metric, value)| {
            let (name, choices) = metric.split_once(':').unwrap();
            format!("{name}:{}", choices.split('|').nth(value).unwrap())
        }).collect();
        let (_, score) = vector(&format!("CVSS:4.0/{}{threat}", metrics.join("/"))).unwrap();
        prop_assert!((0.0..=10.0).contains(&score));
    }
}
