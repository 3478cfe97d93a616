//! Reports written by attackers.

use crate::support::{
    Kind, Person, TestStore, World, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use flate2::{Compression, write::GzEncoder};
use reqwest::Method;
use serde_json::json;
use std::{
    io::Write,
    time::{Duration, Instant},
};

on_both_stores!(
    what_an_attacker_writes_is_stored_as_text,
    an_asset_that_heaps_up_names_stays_small,
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

/// Reports made to bring a reader down, with the format they claim to be.
fn hostile_reports() -> Vec<(&'static str, Vec<u8>)> {
    let xml = |inner: &str| format!("<?xml version=\"1.0\"?>{inner}").into_bytes();
    let entity = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><NessusClientData_v2><Report name=\"&x;\"/></NessusClientData_v2>";
    vec![
        ("nessus", xml(entity)),
        ("nessus", xml(&"<a>".repeat((10 << 20) / 3))),
        ("nessus", xml("<NessusClientData_v2><Report>")),
        ("sarif", vec![b'['; 10 << 20]),
        ("sarif", b"{\"runs\":".repeat(200_000)),
        ("sarif", [b"{\"version\":\"2.1.0\",\"runs\":[", &b"9".repeat(5 << 20)[..], b"]}"].concat()),
        ("nuclei", vec![b'['; 10 << 20]),
        ("nuclei", vec![0xff; 1 << 20]),
        ("nuclei", b"{\"a\":".repeat(100_000)),
        ("nuclei", b"{\"a\":".repeat(200_000)),
    ]
}

async fn a_hostile_report_is_refused_or_rejected_and_nothing_else_suffers(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    for (format, report) in hostile_reports() {
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

/// Each host shares an address with all the others and adds names of its own.
async fn an_asset_that_heaps_up_names_stays_small(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let host = |at: usize| {
        let names: String = (0..40).map(|n| format!("<tag name=\"hostname\">h{at}-{n}</tag>")).collect();
        let ports =
            format!("<tag name=\"host-ip\">192.0.2.7</tag><tag name=\"host-fqdn\">h{at}.norrvik.example</tag>{names}");
        format!(
            "<ReportHost name=\"h{at}\"><HostProperties>{ports}</HostProperties><ReportItem port=\"0\" severity=\"1\" \
             pluginID=\"{at}\" pluginName=\"p\" pluginFamily=\"f\"/></ReportHost>"
        )
    };
    let hosts: String = (0..600).map(host).collect();
    let report = format!("<NessusClientData_v2><Report name=\"r\">{hosts}</Report></NessusClientData_v2>");
    let import = lead.import("tenant=norrvik", report.into_bytes()).await.expect(201).json();
    assert_eq!(import["created"], 600, "{import}");
    for asset in lead.get("/v1/assets?limit=500").await.expect(200).items() {
        assert!(asset["identifiers"].as_array().unwrap().len() <= 200);
    }
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
        let began = Instant::now();
        for format in ["", "&format=nessus", "&format=sarif", "&format=nuclei"] {
            let answer = lead.import(&format!("tenant=norrvik{format}"), report.clone()).await;
            assert!(matches!(answer.status.as_u16(), 201 | 422), "{}: {}", path.display(), answer.text);
            assert!(!answer.text.contains("root:x:"), "{}", path.display());
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{}: {:?}", path.display(), began.elapsed());
    }
    lead.get("/v1/findings?limit=500").await.expect(200);
    world.end().await;
}

/// What no test in the server's own process can say: how much memory the reports take.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn hostile_reports_take_little_memory() {
    const MOST: u64 = 300 << 20;
    let store = TestStore::new(Kind::Sqlite).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", "imports:write findings:read"]));
    let limit = (20 << 20).to_string();
    let server = Process::start_with(&store, free_port(), &[("FYND_IMPORTS_MAX_BYTES", &limit)]).await;
    let sender = Person::at(&server.base, &token);
    for (format, report) in hostile_reports() {
        let answer = sender.import(&format!("format={format}"), report).await;
        assert!(matches!(answer.status.as_u16(), 201 | 422), "{format}: {}", answer.text);
    }
    for (encoding, bomb) in [("gzip", gzip_bomb()), ("zstd", zstd_bomb())] {
        // A new connection: packing the bomb took longer than the server keeps an idle one.
        let sender = Person::at(&server.base, &token);
        let request = sender.request(Method::POST, "/v1/imports").header("content-encoding", encoding);
        assert_eq!(sender.send(request.body(bomb)).await.expect(413).code(), "payload_too_large", "{encoding}");
    }
    let peak = server.peak_memory();
    assert!(peak < MOST, "{} MiB", peak >> 20);
    server.kill();
}

/// A quarter of a gigabyte of blanks in a quarter of a megabyte.
fn gzip_bomb() -> Vec<u8> {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let blanks = vec![b' '; 1 << 20];
    (0..256).for_each(|_| bomb.write_all(&blanks).unwrap());
    bomb.finish().unwrap()
}

/// A gigabyte of blanks in a hundred kilobytes.
fn zstd_bomb() -> Vec<u8> {
    let mut bomb = zstd::Encoder::new(Vec::new(), 3).unwrap();
    let blanks = vec![b' '; 1 << 20];
    (0..1024).for_each(|_| bomb.write_all(&blanks).unwrap());
    bomb.finish().unwrap()
}
