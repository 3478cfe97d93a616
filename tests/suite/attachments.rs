//! Files that belong to findings.

use crate::support::{
    ALL, Answer, Kind, Person, TestStore, World, fixture, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use chrono::TimeDelta;
use reqwest::{Method, header};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

on_both_stores!(
    a_file_comes_back_byte_for_byte_and_lies_sealed,
    what_must_not_come_in_is_refused_and_leaves_nothing,
    a_hostile_name_stays_in_its_header,
    a_municipality_has_so_much_room,
    a_deleted_file_is_gone_and_what_nobody_owns_is_swept,
    what_was_tampered_with_is_not_given_out,
    who_reads_a_file_is_recorded_first,
    an_upload_that_breaks_off_leaves_nothing,
    a_killed_upload_leaves_no_row,
);

async fn filled(world: &World) -> (Person, String) {
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let id = lead.get("/v1/findings").await.expect(200).items()[0]["id"].as_str().expect("an id").to_owned();
    (lead, format!("/v1/findings/{id}"))
}

async fn attach(who: &Person, finding: &str, query: &str, kind: &str, content: Vec<u8>) -> Answer {
    let request = who.request(Method::POST, &format!("{finding}/attachments{query}"));
    who.send(request.header(header::CONTENT_TYPE, kind).body(content)).await
}

fn path(attachment: &Answer) -> String {
    format!("/v1/attachments/{}", attachment.json()["id"].as_str().expect("an id"))
}

/// What is downloaded, with the head of its answer; none if it does not come whole.
async fn download(who: &Person, attachment: &str) -> Option<(header::HeaderMap, Vec<u8>)> {
    let answer = who.request(Method::GET, &format!("{attachment}/content")).send().await.ok()?;
    let headers = answer.headers().clone();
    if answer.status() != 200 {
        return None;
    }
    answer.bytes().await.ok().map(|bytes| (headers, bytes.to_vec()))
}

/// Every file that lies in the place of attachments.
fn objects(world: &World) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![world.test_store.folder.path().join("attachments")];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { waiting.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Bytes that no compression makes smaller and no two places of which are alike.
fn noise(length: usize) -> Vec<u8> {
    (0_u64..).flat_map(|at| Sha256::digest(at.to_be_bytes())).take(length).collect()
}

async fn a_file_comes_back_byte_for_byte_and_lies_sealed(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding) = filled(&world).await;
    let piece = 64 << 10;
    for length in [0, 1, piece - 1, piece, piece + 1, 3 * piece, 6 << 20] {
        let content = noise(length);
        let made = attach(&lead, &finding, "?filename=dump.zip", "application/zip", content.clone()).await.expect(201);
        let (body, digest) = (made.json(), Sha256::digest(&content));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&body["bytes"], &body["sha256"]), (&json!(length), &json!(digest)));
        assert_eq!((&body["file_name"], &body["media_type"]), (&json!("dump.zip"), &json!("application/zip")));
        let (headers, back) = download(&lead, &path(&made)).await.expect("the content");
        assert_eq!(back.len(), length);
        assert!(back == content, "{length} bytes are the same");
        let header = |name: &str| headers[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-disposition"), "attachment; filename=\"dump.zip\"; filename*=UTF-8''dump.zip");
        assert_eq!(
            (header("content-type"), header("x-content-type-options")),
            ("application/zip".into(), "nosniff".into())
        );
        assert!(header("content-security-policy").starts_with("sandbox"));
        assert_eq!(header("content-length"), length.to_string());
        assert_eq!(lead.get(&path(&made)).await.expect(200).json(), body);
    }
    assert_eq!(lead.get(&format!("{finding}/attachments")).await.expect(200).items().len(), 7);
    let marker = noise(64);
    for object in objects(&world) {
        let stored = std::fs::read(&object).expect("an object");
        assert!(!stored.windows(32).any(|window| window == &marker[..32]), "what lies there is sealed");
        assert!(!object.display().to_string().contains("dump"), "and not called by its file's name");
    }
    let feed = lead.get("/v1/changes?types=attachment&limit=1000").await.expect(200).items();
    assert_eq!(feed.len(), 7);
    assert_eq!(feed[0]["event"], "attachment.created");
    let query = "query($id: ID!) { finding(id: $id) { attachments { fileName bytes } } }";
    let shown = lead.graphql(query, json!({"id": finding.rsplit('/').next()})).await;
    assert_eq!(shown["data"]["finding"]["attachments"].as_array().map(Vec::len), Some(7), "{shown}");
    world.end().await;
}

async fn what_must_not_come_in_is_refused_and_leaves_nothing(kind: Kind) {
    let world = World::with(kind, |config| config.attachments.max_bytes = 1_000_000).await;
    let (lead, finding) = filled(&world).await;
    for kind in ["text/html", "image/svg+xml", "application/octet-stream", "application/x-msdownload", "text", ""] {
        let refused = attach(&lead, &finding, "", kind, b"x".to_vec()).await.expect(415);
        assert_eq!(refused.code(), "unsupported_media_type", "{kind}");
    }
    for name in ["..%2F..%2Fetc%2Fpasswd", "a%0D%0AX-Evil:%201", "%00", "", ".."] {
        let refused = attach(&lead, &finding, &format!("?filename={name}"), "text/plain", b"x".to_vec()).await;
        assert_eq!(refused.expect(400).code(), "invalid_parameter", "{name}");
    }
    attach(&lead, &finding, "?name=x", "text/plain", b"x".to_vec()).await.expect(400);
    let known = attach(&lead, &finding, "", "text/plain", noise(1_000_001)).await.expect(413);
    assert_eq!(known.code(), "payload_too_large");
    // A sender that does not say how much it sends is stopped on its way.
    let pieces = futures_util::stream::iter((0..30).map(|_| Ok::<_, std::io::Error>(noise(64 << 10))));
    let request = lead.request(Method::POST, &format!("{finding}/attachments")).header("content-type", "text/plain");
    let endless = request.body(reqwest::Body::wrap_stream(pieces)).send().await;
    assert!(endless.is_err() || endless.is_ok_and(|answer| answer.status() == 413));
    let packed = lead.request(Method::POST, &format!("{finding}/attachments")).header("content-encoding", "gzip");
    lead.send(packed.header("content-type", "text/plain").body("x")).await.expect(415);
    let missing = "/v1/findings/01900000-0000-7000-8000-000000000000";
    attach(&lead, missing, "", "text/plain", b"x".to_vec()).await.expect(404);
    let reader = world.person("reader", &[world.norrvik], "findings:read evidence:read").await;
    attach(&reader, &finding, "", "text/plain", b"x".to_vec()).await.expect(403);
    assert!(lead.get(&format!("{finding}/attachments")).await.expect(200).items().is_empty());
    within_five_seconds("nothing is left", &world).await;
    world.end().await;
}

/// What was begun is removed beside the answer.
async fn within_five_seconds(what: &str, world: &World) {
    crate::support::within_five_seconds(what, async || objects(world).is_empty()).await;
}

async fn a_hostile_name_stays_in_its_header(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding) = filled(&world).await;
    for name in [
        "a\"; filename=\"b.exe",
        "skärmbild å😀.png",
        "%0d%0aSet-Cookie: a=b",
        "=cmd()|'x'",
        "\\\"".trim_start_matches('\\'),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let made = attach(&lead, &finding, &format!("?filename={query}"), "image/png", noise(10)).await.expect(201);
        assert_eq!(made.json()["file_name"], name);
        let (headers, _) = download(&lead, &path(&made)).await.expect("the content");
        assert!(headers.get("set-cookie").is_none());
        let shown = headers["content-disposition"].to_str().expect("visible ASCII").to_owned();
        let encoded = shown.rsplit("filename*=UTF-8''").next().expect("a name");
        let decoded =
            url::form_urlencoded::parse(format!("n={encoded}").as_bytes()).next().expect("a pair").1.into_owned();
        assert_eq!(decoded, name);
    }
    // The header of RFC 6266 will do as well.
    let request = lead.request(Method::POST, &format!("{finding}/attachments")).header("content-type", "image/png");
    let request = request.header("content-disposition", "attachment; filename=\"x.png\"; filename*=UTF-8''%C3%A5.png");
    assert_eq!(lead.send(request.body("x")).await.expect(201).json()["file_name"], "å.png");
    assert_eq!(attach(&lead, &finding, "", "image/png", noise(1)).await.expect(201).json()["file_name"], "attachment");
    world.end().await;
}

async fn a_municipality_has_so_much_room(kind: Kind) {
    let world = World::with(kind, |config| config.attachments.tenant_bytes = 1_000 + 2 * 4_096).await;
    let (lead, finding) = filled(&world).await;
    let send = async |bytes: usize| attach(&lead, &finding, "", "text/plain", noise(bytes)).await;
    let first = send(600).await.expect(201);
    let refused = send(401).await.expect(409);
    assert_eq!(refused.code(), "quota_exceeded");
    send(400).await.expect(201);
    // An empty file takes room as well: what is kept about it.
    send(0).await.expect(409);
    let delete = lead.request(Method::DELETE, &path(&first)).header(header::IF_MATCH, first.etag());
    lead.send(delete).await.expect(200);
    send(600).await.expect(201);
    assert_eq!(objects(&world).len(), 2);
    world.end().await;
}

/// Says when a file was written, in seconds since 1970.
fn written(file: &std::path::Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    std::fs::File::options().write(true).open(file).expect("a file").set_modified(time).expect("set");
}

async fn a_deleted_file_is_gone_and_what_nobody_owns_is_swept(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding) = filled(&world).await;
    let kept = attach(&lead, &finding, "", "text/plain", noise(10)).await.expect(201);
    let made = attach(&lead, &finding, "", "text/plain", noise(10)).await.expect(201);
    let delete = |tag: Option<String>| {
        let request = lead.request(Method::DELETE, &path(&made));
        lead.send(match tag {
            Some(tag) => request.header(header::IF_MATCH, tag),
            None => request,
        })
    };
    delete(None).await.expect(428);
    delete(Some("\"1-0\"".into())).await.expect(412);
    delete(Some(made.etag())).await.expect(200);
    delete(Some(made.etag())).await.expect(404);
    assert!(download(&lead, &path(&made)).await.is_none());
    let last = lead.get("/v1/changes?types=attachment").await.expect(200).items().pop().expect("an event");
    assert_eq!((&last["event"], &last["deleted"]), (&json!("attachment.deleted"), &json!(true)));
    let left = objects(&world);
    assert_eq!(left.len(), 1, "its object is gone with it");
    // What a killed server leaves: an object without a row, and a file that it was still writing.
    let folder = left[0].parent().expect("a folder").to_owned();
    let orphan = folder.join("01900000-0000-7000-8000-000000000001");
    let unfinished = folder.join("01900000-0000-7000-8000-000000000002#1");
    let young = folder.join("01900000-0000-7000-8000-000000000003");
    for file in [&orphan, &unfinished, &young] {
        std::fs::write(file, "x").expect("written");
    }
    for file in [&orphan, &unfinished, &left[0]] {
        written(file, 1_700_000_000);
    }
    written(&young, 4_000_000_000);
    let is_swept = async || {
        world.advance(TimeDelta::hours(1));
        !orphan.exists() && !unfinished.exists()
    };
    crate::support::within_five_seconds("swept", is_swept).await;
    assert!(young.exists(), "it may still be on its way");
    assert_eq!(download(&lead, &path(&kept)).await.expect("still there").1, noise(10));
    world.end().await;
}

async fn what_was_tampered_with_is_not_given_out(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding) = filled(&world).await;
    let made = attach(&lead, &finding, "", "text/plain", noise(200_000)).await.expect(201);
    let object = objects(&world).pop().expect("an object");
    let whole = std::fs::read(&object).expect("bytes");
    let mut changed = whole.clone();
    changed[100_000] ^= 1;
    let mut swapped = whole.clone();
    let piece = (64 << 10) + 16;
    swapped[..2 * piece].rotate_left(piece);
    let cut = whole[..2 * piece].to_vec();
    for (name, bytes) in [("changed", changed), ("swapped", swapped), ("cut", cut), ("gone", Vec::new())] {
        std::fs::write(&object, bytes).expect("written");
        assert!(download(&lead, &path(&made)).await.is_none(), "{name}");
    }
    std::fs::write(&object, &whole).expect("written");
    assert_eq!(download(&lead, &path(&made)).await.expect("whole again").1, noise(200_000));
    // Another one's object in its place does not open either.
    attach(&lead, &finding, "", "text/plain", noise(200_000)).await.expect(201);
    let other = objects(&world).into_iter().find(|file| *file != object).expect("another");
    std::fs::copy(&other, &object).expect("copied");
    assert!(download(&lead, &path(&made)).await.is_none(), "another one's");
    world.end().await;
}

async fn who_reads_a_file_is_recorded_first(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding) = filled(&world).await;
    let made = attach(&lead, &finding, "", "text/plain", noise(10)).await.expect(201);
    let reader = world.person("reader", &[world.norrvik], &crate::wall::all_but(&["evidence:read"])).await;
    assert_eq!(reader.get(&format!("{}/content", path(&made))).await.expect(403).code(), "forbidden");
    reader.get(&path(&made)).await.expect(403);
    assert!(reader.get("/v1/changes?types=attachment").await.expect(200).items().is_empty());
    lead.get(&path(&made)).await.expect(200);
    let reads = async || lead.get("/v1/audit?outcome=read").await.expect(200).items();
    assert!(reads().await.is_empty(), "what it is called is not what is in it");
    download(&lead, &path(&made)).await.expect("the content");
    let rows = reads().await;
    assert_eq!((rows.len(), &rows[0]["action"]), (1, &json!("attachment.content")));
    assert_eq!(rows[0]["resource_id"], made.json()["id"]);
    world.end().await;
}

async fn an_upload_that_breaks_off_leaves_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding) = filled(&world).await;
    // 2 MiB are out, so that something lies there already when the sender hangs up.
    let broken = futures_util::stream::iter(
        (0..33).map(|at| if at < 32 { Ok(noise(64 << 10)) } else { Err(std::io::Error::other("hangs up")) }),
    );
    let request = lead.request(Method::POST, &format!("{finding}/attachments")).header("content-type", "text/plain");
    assert!(request.body(reqwest::Body::wrap_stream(broken)).send().await.is_err());
    within_five_seconds("nothing is left", &world).await;
    assert!(lead.get(&format!("{finding}/attachments")).await.expect(200).items().is_empty());
    world.end().await;
}

/// Files of 40 MiB at once, in a process of its own.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn memory_stays_small_while_files_come_and_go() {
    let store = TestStore::new(Kind::Sqlite).await;
    let process = Process::start(&store, free_port()).await;
    let (lead, finding) = served(&store, &process).await;
    attach(&lead, &finding, "", "application/zip", noise(1 << 20)).await.expect(201);
    let before = process.peak_memory();
    let content = noise(40 << 20);
    let one = async || {
        let made = attach(&lead, &finding, "", "application/zip", content.clone()).await.expect(201);
        let (_, back) = download(&lead, &path(&made)).await.expect("the content");
        assert!(back == content, "the same bytes");
    };
    futures_util::future::join_all([one(), one(), one(), one()]).await;
    let grown = process.peak_memory().saturating_sub(before);
    assert!(grown < 64 << 20, "four files of 40 MiB took {} MiB more", grown >> 20);
    process.kill();
    store.remove().await;
}

/// Somebody who may do everything at the binary's own server, and a finding there.
async fn served(store: &TestStore, process: &Process) -> (Person, String) {
    printed(fynd(store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let token = printed(fynd(store).args(["token", "--tenant", "norrvik", "--scope", ALL]));
    let lead = Person::at(&process.base, &token);
    crate::support::within_five_seconds("the token is known", async || lead.get("/v1/me").await.status == 200).await;
    lead.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    let id = lead.get("/v1/findings").await.expect(200).items()[0]["id"].as_str().expect("an id").to_owned();
    (lead, format!("/v1/findings/{id}"))
}

async fn a_killed_upload_leaves_no_row(kind: Kind) {
    let store = TestStore::new(kind).await;
    let process = Process::start(&store, free_port()).await;
    let (lead, finding) = served(&store, &process).await;
    let kept = attach(&lead, &finding, "", "application/zip", noise(100_000)).await.expect(201);
    // 2 MiB are out and the rest never comes.
    let begun = futures_util::stream::iter((0..32).map(|_| Ok::<_, std::io::Error>(noise(64 << 10))));
    let endless = futures_util::StreamExt::chain(begun, futures_util::stream::pending());
    let request =
        lead.request(Method::POST, &format!("{finding}/attachments")).header("content-type", "application/zip");
    let upload = tokio::spawn(request.body(reqwest::Body::wrap_stream(endless)).send());
    let folder = store.folder.path().join("attachments");
    let unfinished = async || {
        let tenants = std::fs::read_dir(&folder).expect("a folder");
        let files = tenants.flat_map(|tenant| std::fs::read_dir(tenant.expect("an entry").path()).expect("a folder"));
        files.filter(|file| file.as_ref().expect("an entry").file_name().to_string_lossy().contains('#')).count() == 1
    };
    crate::support::within_five_seconds("it is on its way", unfinished).await;
    process.kill();
    assert!(upload.await.expect("it ends").is_err());
    let again = Process::start(&store, free_port()).await;
    let lead = Person::at(&again.base, &lead.token);
    let listed = lead.get(&format!("{finding}/attachments")).await.expect(200).items();
    assert_eq!(listed, [kept.json()]);
    assert_eq!(download(&lead, &path(&kept)).await.expect("still there").1, noise(100_000));
    again.kill();
    store.remove().await;
}
