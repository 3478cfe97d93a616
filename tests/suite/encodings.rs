//! Compressed answers and compressed reports.

use crate::support::{Answer, Kind, Person, World, fixture, on_both_stores};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use reqwest::Method;
use std::io::{Read, Write};

on_both_stores!(
    answers_are_compressed_where_asked,
    reports_are_taken_compressed,
    a_bomb_is_stopped_at_the_limit,
    a_slow_import_goes_on_after_202,
);

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn send(who: &Person, encoding: &str, body: Vec<u8>) -> Answer {
    let request = who.request(Method::POST, "/v1/imports?tenant=norrvik").header("content-encoding", encoding);
    who.send(request.body(body)).await
}

async fn answers_are_compressed_where_asked(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let plain = lead.get("/v1/findings").await.expect(200).text;
    for encoding in ["gzip", "zstd"] {
        let request = lead.request(Method::GET, "/v1/findings").header("accept-encoding", encoding);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], encoding);
        assert!(response.headers()["vary"].to_str().unwrap().contains("Accept-Encoding"));
        assert!(response.headers().contains_key("etag"));
        let body = response.bytes().await.unwrap();
        assert!(body.len() < plain.len() / 2);
        let mut unpacked = String::new();
        match encoding {
            "gzip" => GzDecoder::new(&body[..]).read_to_string(&mut unpacked).unwrap(),
            _ => zstd::Decoder::new(&body[..]).unwrap().read_to_string(&mut unpacked).unwrap(),
        };
        assert_eq!(unpacked, plain);
    }
    world.end().await;
}

async fn reports_are_taken_compressed(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let report = fixture("nessus/norrvik.nessus");
    let first = send(&lead, "gzip", gzip(&report)).await.expect(201).json();
    let again = send(&lead, "zstd", zstd::encode_all(&report[..], 3).unwrap()).await.expect(201).json();
    assert_eq!((&first["bytes"], &first["sha256"]), (&report.len().into(), &again["sha256"]));
    assert_eq!((&again["created"], &again["updated"]), (&0.into(), &0.into()));
    let unknown = send(&lead, "br", report.clone()).await.expect(415);
    assert_eq!(unknown.code(), "unsupported_media_type");
    let packed = gzip(&report);
    let cut = send(&lead, "gzip", packed[..packed.len() - 20].to_vec()).await.expect(400);
    assert_eq!(cut.code(), "bad_request");
    send(&lead, "gzip", report).await.expect(400);
    assert_eq!(lead.get("/v1/imports").await.items().len(), 2);
    world.end().await;
}

/// Half a gigabyte in half a megabyte.
async fn a_bomb_is_stopped_at_the_limit(kind: Kind) {
    let world = World::with(kind, |config| config.imports.max_bytes = 1 << 20).await;
    let lead = world.lead().await;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..512 {
        bomb.write_all(&zeros).unwrap();
    }
    let refused = send(&lead, "gzip", bomb.finish().unwrap()).await.expect(413);
    assert_eq!(refused.code(), "payload_too_large");
    let plain = lead.import("tenant=norrvik", vec![b'<'; (1 << 20) + 1]).await.expect(413);
    assert_eq!(plain.code(), "payload_too_large");
    assert!(lead.get("/v1/imports").await.items().is_empty());
    world.end().await;
}

async fn a_slow_import_goes_on_after_202(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let report = crate::support::generated_report(3_000);
    let request = lead.request(Method::POST, "/v1/imports?tenant=norrvik").header("prefer", "wait=0");
    let accepted = lead.send(request.body(report.clone())).await.expect(202);
    assert_eq!(accepted.json()["status"], "running");
    let location = accepted.header("location").unwrap().to_owned();
    let path = &location[location.find("/v1/").unwrap()..];
    assert_eq!(lead.import("tenant=norrvik", report).await.expect(409).code(), "import_running");
    let mut last = 0;
    loop {
        let import = lead.get(path).await.expect(200).json();
        let done = import["created"].as_i64().unwrap();
        assert!(done >= last, "progress goes forward");
        last = done;
        if import["status"] == "completed" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(last, 3_000);
    world.end().await;
}
