use super::*;
use domain::IdentifierKind;
use proptest::prelude::*;

#[test]
fn cve_ids_come_to_one_form_and_others_are_dropped() {
    let ids =
        cves([" cve-2024-12345 ", "CVE-2024-123", "CVE-2024-1234x", "GHSA-xxxx", "CVE-2021-44228", "CVE-2021-44228"]);
    assert_eq!(ids, ["CVE-2021-44228", "CVE-2024-12345"]);
    let within = |id| cves_in(id).collect::<Vec<_>>();
    assert_eq!(within("CVE-2021-44228-log4j-core"), ["CVE-2021-44228"]);
    assert_eq!(within("BDSA-2020-1001 (CVE-2020-11022)"), ["CVE-2020-11022"]);
    assert!(within("py/sql-injection").is_empty());
}

#[test]
fn cwe_ids_come_to_one_form_and_others_are_dropped() {
    let ids =
        cwes(["cwe-079", "CWE:20", "CWE-79: Cross-site Scripting", "nvd-cve-other", "CWE-0", "CWE-12x", "åä", "CWE"]);
    assert_eq!(ids, ["CWE-20", "CWE-79"]);
}

#[test]
fn times_are_read_in_the_forms_of_the_tools() {
    let at = |time: Option<domain::Timestamp>| time.map(|t| t.to_rfc3339());
    assert_eq!(at(time::ctime("Mon Mar  2 10:00:00 2026")), Some("2026-03-02T10:00:00+00:00".into()));
    assert_eq!(at(time::epoch("1648044472")), Some("2022-03-23T14:07:52+00:00".into()));
    assert_eq!(at(time::rfc3339("2021-05-20T11:12:02.301031+03:00")), Some("2021-05-20T08:12:02.301+00:00".into()));
    for text in ["", "99999999999999", "-1", "+262142-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "Mon Mar 2"] {
        assert_eq!((time::ctime(text), time::epoch(text), time::rfc3339(text)), (None, None, None), "{text}");
    }
}

#[test]
fn hosts_are_found_in_urls_and_names() {
    let of = |text| host::identifier(text).map(|i| (i.kind, i.value));
    for text in [
        "https://Älvsund.example:8443/a?b",
        "älvsund.example",
        "xn--lvsund-9ta.example:443",
        "http://u:p@ÄLVSUND.example/",
    ] {
        assert_eq!(of(text), Some((IdentifierKind::Fqdn, "älvsund.example".into())), "{text}");
    }
    assert_eq!(of("[2001:db8::7]:443"), Some((IdentifierKind::Ip, "2001:db8::7".into())));
    assert_eq!(of("2001:db8::7"), Some((IdentifierKind::Ip, "2001:db8::7".into())));
    assert_eq!((host::port("a.example:25"), host::port("[2001:db8::7]:25")), (Some(25), Some(25)));
    assert_eq!((host::port("2001:db8::25"), host::port("a.example")), (None, None));
    assert_eq!(of("http://lön_web_1/"), Some((IdentifierKind::Hostname, "lön_web_1".into())));
    for text in ["", "a|b=c\\d]\"", "javascript:alert(1)", "localhost", "http://127.0.0.1:8080/", "https://", "a b"] {
        assert_eq!(of(text), None, "{text}");
    }
}

#[test]
fn repositories_lose_credentials_and_suffix() {
    let of =
        |uri| host::repository(uri).map(|a| (a.name, a.identifiers.into_iter().map(|i| i.value).collect::<Vec<_>>()));
    let expected = Some(("alvsund/etjanst".to_owned(), vec!["https://git.alvsund.example/alvsund/etjanst".to_owned()]));
    assert_eq!(of("https://bot:hemlig@git.alvsund.example/alvsund/etjanst.git?x#y"), expected);
    assert_eq!(of("https://git.alvsund.example/alvsund/etjanst/"), expected);
    let ssh = of("git@git.alvsund.example:alvsund/etjanst.git").map(|(_, ids)| ids);
    assert_eq!(ssh, Some(vec!["ssh://git.alvsund.example/alvsund/etjanst".to_owned()]));
    assert_eq!(of("inte en url"), None);
}

#[test]
fn lists_are_bounded_and_without_what_a_browser_runs() {
    let many: Vec<String> = (0..200).map(|n| format!("https://a.example/{n}")).collect();
    assert_eq!(references(many.iter().map(String::as_str)).len(), REFERENCES);
    assert_eq!(
        references(["JavaScript:alert(1)", " ", "https://a.example", "https://a.example"]),
        ["https://a.example"]
    );
    assert_eq!(tags(["Web", "åÄ", "web", ""]), ["web", "åä"]);
}

#[test]
fn long_keys_that_differ_late_stay_apart() {
    let (a, b) = ("å".repeat(600) + "a", "å".repeat(600) + "b");
    assert_ne!(key(&a), key(&b));
    assert!(key(&a).chars().count() <= SHORT);
    assert_eq!(key(" kort "), "kort");
}

proptest! {
    #[test]
    fn no_text_makes_a_helper_panic(text in ".*", seconds in any::<i64>()) {
        let _ = (cve(&text), cves_in(&text).count(), cwe(&text), key(&text));
        let _ = (host::identifier(&text), host::repository(&text), time::rfc3339(&text), time::ctime(&text));
        let _ = time::epoch(&seconds.to_string());
    }
}
