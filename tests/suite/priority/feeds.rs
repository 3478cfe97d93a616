//! How what is known about CVEs comes in: by the command, and from an address once a day.

use super::{CVES, report, result};
use crate::support::{
    Kind, TestStore, World,
    enrich::{catalogue, scores},
    look, on_both_stores,
    process::{fynd, printed},
    within_five_seconds,
};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, http::StatusCode, web};
use flate2::{Compression, write::GzEncoder};
use service::{
    enrich::{FeedOptions, Feeds},
    outbound::Outbound,
};
use std::{
    io::Write,
    net::TcpListener,
    sync::{Arc, Mutex},
};

on_both_stores!(
    the_command_loads_and_says_what_changed,
    a_file_that_is_none_is_refused_in_one_line,
    a_feed_is_fetched_when_it_is_due_and_only_if_it_changed,
    a_feed_leads_nowhere_inside,
);

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The command's clock is the real one, so its files are of the past.
async fn the_command_loads_and_says_what_changed(kind: Kind) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let file = |name: &str, bytes: &[u8]| {
        let path = store.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let found = file("report.jsonl", &report(&CVES.map(|cve| result(cve, "portal.norrvik.example"))));
    printed(fynd(&store).args(["import", "--tenant", "norrvik"]).arg(&found));
    let kev = file("kev.json", &catalogue("2024-05-01", &CVES[..2]));
    let told = printed(fynd(&store).args(["enrich", "kev"]).arg(&kev));
    assert_eq!(told, "2024-05-01: 2 CVEs read, 2 changed, 0 lines rejected; 2 findings changed");
    let lines = [scores("2024-05-01", CVES.map(|cve| (cve, 0.5))), b"nonsense\n".to_vec()].concat();
    let epss = file("scores.csv.gz", &gzip(&lines));
    let told = printed(fynd(&store).args(["enrich", "epss"]).arg(&epss));
    assert_eq!(told, "v2025.03.14: 4 CVEs read, 4 changed, 1 lines rejected; 4 findings changed");
    let told = printed(fynd(&store).args(["enrich", "epss"]).arg(&epss));
    assert_eq!(told, "v2025.03.14: 4 CVEs read, 0 changed, 1 lines rejected; 0 findings changed");
    let stored = look(&store, "SELECT CAST(priority AS text) FROM finding ORDER BY rule_key").await;
    assert_eq!(stored, ["3", "3", "1", "1"]);
    let audited = look(&store, "SELECT action FROM audit WHERE action LIKE 'enrich.%' ORDER BY id").await;
    assert_eq!(audited, ["enrich.kev", "enrich.epss", "enrich.epss"]);
    assert!(printed(fynd(&store).args(["enrich", "epss", "--help"])).contains("first.org"));
    assert!(printed(fynd(&store).args(["audit", "verify"])).contains("norrvik"));
    store.remove().await;
}

async fn a_file_that_is_none_is_refused_in_one_line(kind: Kind) {
    let store = TestStore::new(kind).await;
    let newest = scores("2024-05-02", [(CVES[0], 0.5)]);
    let path = store.folder.path().join("file");
    std::fs::write(&path, &newest).unwrap();
    printed(fynd(&store).args(["enrich", "epss"]).arg(&path));
    let whole = gzip(&newest);
    for (feed, bytes, said) in [
        ("epss", scores("2024-05-01", [(CVES[0], 0.9)]), "2024-05-02 was loaded already"),
        ("epss", scores("2999-01-01", [(CVES[0], 0.9)]), "still to come"),
        ("epss", whole[..whole.len() - 8].to_vec(), "could not be read"),
        ("epss", vec![b'['; 10 << 20], "longer than"),
        ("epss", b"<html>".to_vec(), "no EPSS file"),
        ("epss", catalogue("2024-05-03", &CVES), "longer than"),
        ("kev", newest.clone(), "no KEV catalogue"),
        ("kev", vec![b'['; 10 << 20], "no KEV catalogue"),
        ("kev", catalogue("2024-05-03", &[]), "has 0"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let output = fynd(&store).args(["enrich", feed]).arg(&path).output().unwrap();
        let failure = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && failure.contains(said), "{said}: {failure}");
        assert!(failure.starts_with("fynd: ") && failure.lines().count() == 1, "{failure}");
    }
    assert_eq!(look(&store, "SELECT CAST(epss AS text) FROM cve").await, ["0.5"]);
    store.remove().await;
}

/// A server with one file, which it sends once to each who knows its tag.
#[derive(Clone, Default)]
struct Origin {
    file: Arc<Mutex<(String, Vec<u8>)>>,
    /// What was asked and answered.
    asked: Arc<Mutex<Vec<(String, u16)>>>,
}

async fn answer(request: HttpRequest, origin: web::Data<Origin>) -> HttpResponse {
    let (tag, bytes) = origin.file.lock().unwrap().clone();
    let known = request.headers().get("if-none-match").map(|tag| tag.to_str().unwrap().to_owned());
    let path = request.path().to_owned();
    let status = match path.as_str() {
        "/current" => 302,
        "/inside" => 307,
        _ if known.as_ref() == Some(&tag) => 304,
        _ => 200,
    };
    origin.asked.lock().unwrap().push((path.clone(), status));
    let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    match (status, path.as_str()) {
        (200, _) => answer.insert_header(("etag", tag)).body(bytes),
        (302, _) => answer.insert_header(("location", "/dated")).finish(),
        (307, _) => answer.insert_header(("location", "https://169.254.169.254/latest/meta-data")).finish(),
        _ => answer.finish(),
    }
}

impl Origin {
    fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let data = web::Data::new(self.clone());
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || App::new().app_data(data.clone()).default_service(web::to(answer));
                HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run().await.unwrap();
            });
        });
        url
    }

    fn asked(&self) -> Vec<(String, u16)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn feeds(epss_url: String) -> Feeds {
    let outbound = Outbound::new(&["127.0.0.0/8".into()]).unwrap();
    Feeds::new(outbound, FeedOptions { kev_url: String::new(), epss_url, every_hours: 24 })
}

async fn a_feed_is_fetched_when_it_is_due_and_only_if_it_changed(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", report(&CVES.map(|cve| result(cve, "portal.norrvik.example")))).await.expect(201);
    let origin = Origin::default();
    *origin.file.lock().unwrap() = ("\"one\"".into(), gzip(&scores("2026-11-23", [(CVES[0], 0.6)])));
    let feeds = feeds(format!("{}/current", origin.start()));
    let asked = |path: &str, status| (path.to_owned(), status);
    let step = async || {
        feeds.step(world.auth.service()).await;
        origin.asked()
    };
    assert_eq!(step().await, [asked("/current", 302), asked("/dated", 200)]);
    assert_eq!(lead.get("/v1/findings?epss_band=from_50").await.expect(200).items().len(), 1);
    assert_eq!(step().await, [], "not before it is due");
    world.advance(chrono::TimeDelta::hours(24));
    assert_eq!(step().await, [asked("/current", 302), asked("/dated", 304)]);
    world.advance(chrono::TimeDelta::hours(24));
    *origin.file.lock().unwrap() = ("\"two\"".into(), b"<html>".to_vec());
    assert_eq!(step().await, [asked("/current", 302), asked("/dated", 200)], "and what it says is no file of scores");
    *origin.file.lock().unwrap() = ("\"two\"".into(), scores("2026-11-25", [(CVES[0], 0.95)]));
    world.advance(chrono::TimeDelta::minutes(29));
    assert_eq!(step().await, []);
    world.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(step().await, [asked("/current", 302), asked("/dated", 200)], "half an hour later it is asked again");
    assert_eq!(lead.get("/v1/findings?epss_band=from_90").await.expect(200).items().len(), 1);
    world.end().await;
}

async fn a_feed_leads_nowhere_inside(kind: Kind) {
    let world = World::new(kind).await;
    let origin = Origin::default();
    let url = origin.start();
    feeds(format!("{url}/inside")).step(world.auth.service()).await;
    assert_eq!(origin.asked(), [("/inside".to_owned(), 307)]);
    let closed =
        Feeds::new(Outbound::new(&[]).unwrap(), FeedOptions { kev_url: url, epss_url: String::new(), every_hours: 1 });
    closed.step(world.auth.service()).await;
    assert!(origin.asked().is_empty(), "what is not allowed is not asked");
    // Whoever loads by hand is followed by the running server.
    let lead = world.lead().await;
    lead.import("tenant=norrvik", report(&[result(CVES[0], "portal.norrvik.example")])).await.expect(201);
    let file = std::io::Cursor::new(catalogue("2026-11-23", &CVES));
    service::enrich::kev(world.auth.service(), file, Default::default()).await.unwrap();
    let began = std::time::Instant::now();
    while lead.get("/v1/findings?kev=true").await.expect(200).items().is_empty() {
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "the server does not follow");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    within_five_seconds("it is urgent", async || {
        lead.get("/v1/findings?priority=act").await.expect(200).items().len() == 1
    })
    .await;
    world.end().await;
}
