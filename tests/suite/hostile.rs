//! Reports written by attackers.

use crate::support::{Kind, World, on_both_stores};
use serde_json::json;
use std::time::{Duration, Instant};

on_both_stores!(
    what_an_attacker_writes_is_stored_as_text,
    a_hostile_report_is_refused_or_rejected_and_nothing_else_suffers,
    the_hostile_corpus_does_no_harm,
);

async fn what_an_attacker_writes_is_stored_as_text(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let title = "=cmd|'/C calc'!A1 <script>alert('åäö')</script> \u{202e}gpj.exe";
    let record = json!({"template-id": "x'; DROP TABLE finding; --", "host": "h\r\nX-Evil: 1.norrvik.example",
        "info": {"name": title, "severity": "high", "description": "a\u{0}b\u{1b}[31mc", "tags": ["=1+1", "</script>"]},
        "matched-at": "https://h.norrvik.example/\r\nSet-Cookie: a=b"});
    let import = lead.import("tenant=norrvik&format=nuclei", record.to_string().into_bytes()).await.expect(201).json();
    assert_eq!(import["created"], 1, "{import}");
    let listed = lead.get("/v1/findings").await.expect(200);
    let finding = &listed.items()[0];
    let shown = finding["title"].as_str().unwrap();
    assert!(shown.starts_with("=cmd|'/C calc'!A1 <script>alert('åäö')</script>"), "{shown}");
    for text in [&listed.text, &lead.get("/v1/assets").await.text, &lead.get("/v1/changes").await.text] {
        for hidden in ["\\u0000", "\\u001b", "\\r", "\u{202e}"] {
            assert!(!text.contains(hidden), "{hidden:?} in {text}");
        }
    }
    for name in ["x'; DROP TABLE finding; --", "' OR 1=1 --", "%", "\\", "\u{0}"] {
        let query: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        for filter in ["rule_key", "cve", "tag", "assignee", "source"] {
            let found = lead.get(&format!("/v1/findings?{filter}={query}")).await;
            assert!([200, 400].contains(&found.status.as_u16()), "{filter}={name}: {}", found.text);
        }
    }
    world.end().await;
}

async fn a_hostile_report_is_refused_or_rejected_and_nothing_else_suffers(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let xml = |inner: &str| format!("<?xml version=\"1.0\"?>{inner}").into_bytes();
    let entity = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><NessusClientData_v2><Report name=\"&x;\"/></NessusClientData_v2>";
    let reports = [
        ("nessus", xml(entity)),
        ("nessus", xml(&"<a>".repeat(1 << 20))),
        ("nessus", xml("<NessusClientData_v2><Report>")),
        ("sarif", vec![b'['; 10 << 20]),
        ("sarif", b"{\"runs\":".repeat(200_000)),
        ("sarif", [b"{\"version\":\"2.1.0\",\"runs\":[", &b"9".repeat(5 << 20)[..], b"]}"].concat()),
        ("nuclei", vec![b'['; 10 << 20]),
        ("nuclei", vec![0xff; 1 << 20]),
        ("nuclei", b"{\"a\":".repeat(100_000)),
    ];
    for (format, report) in reports {
        let began = Instant::now();
        let answer = lead.import(&format!("tenant=norrvik&format={format}"), report).await;
        assert!(matches!(answer.status.as_u16(), 201 | 422), "{format}: {}", answer.text);
        assert!(answer.text.len() < 20_000, "an error repeats what was sent");
        assert!(began.elapsed() < Duration::from_secs(20), "{format}: {:?}", began.elapsed());
        assert!(!answer.text.contains("root:"));
    }
    assert!(lead.get("/v1/findings").await.items().is_empty());
    world.end().await;
}

/// Every file under every format, where the corpus is present beside the project.
async fn the_hostile_corpus_does_no_harm(kind: Kind) {
    let folder = crate::support::root().parent().expect("a parent").join("shared/corpus/hostile");
    let Ok(files) = std::fs::read_dir(folder) else { return };
    let world = World::new(kind).await;
    let lead = world.lead().await;
    for file in files {
        let path = file.expect("a file").path();
        let report = std::fs::read(&path).expect("bytes");
        for format in ["", "&format=nessus", "&format=sarif", "&format=nuclei"] {
            let answer = lead.import(&format!("tenant=norrvik{format}"), report.clone()).await;
            assert!(matches!(answer.status.as_u16(), 201 | 422), "{}: {}", path.display(), answer.text);
            assert!(!answer.text.contains("root:x:"), "{}", path.display());
        }
    }
    lead.get("/v1/findings?limit=500").await.expect(200);
    world.end().await;
}
