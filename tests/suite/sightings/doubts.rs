//! Complete reports that say less than they seem to.

use super::{Host, complete, finding, is_at, moved, nessus, path, scanner};
use crate::support::{ALL, Kind, Person, World, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    an_older_report_of_another_verifies_no_claim,
    who_closed_the_ticket_does_not_verify_by_a_scan,
    a_check_that_passes_is_not_the_weakness,
    what_could_not_be_read_may_hold_findings,
    a_clean_run_is_heard_under_its_tools_name,
    what_stands_for_several_is_gone_where_all_are,
    several_tools_cover_what_they_show,
);

const LON: &str = "lon.norrvik.example";
const OTHERS: &[u32] = &[11, 12, 13, 14, 15];

fn all() -> Vec<u32> {
    [&[10][..], OTHERS].concat()
}

fn rescan(hour: i64) -> Vec<u8> {
    nessus(hour, &[Host(LON, "192.0.2.10", OTHERS)])
}

async fn an_older_report_of_another_verifies_no_claim(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let admin = world.person("admin", &[world.norrvik], ALL).await;
    scanner.import("", nessus(0, &[Host(LON, "192.0.2.10", &all())])).await.expect(201);
    let weakness = finding(&lead, LON, 10).await;
    world.advance(TimeDelta::hours(24));
    moved(&admin, &weakness, "fix_claimed").await.expect(200);
    world.advance(TimeDelta::hours(24));
    assert_eq!(complete(&admin, "", rescan(47)).await.expect(201).json()["verified"], 0);
    // The scanner's own report is from before the claim; what the claimant's says is not the scanner's word.
    assert_eq!(complete(&scanner, "", rescan(23)).await.expect(201).json()["verified"], 0);
    assert_eq!(lead.get(&path(&weakness)).await.json()["status"], "fix_claimed");
    assert_eq!(complete(&scanner, "", rescan(48)).await.expect(201).json()["verified"], 1);
    world.end().await;
}

async fn who_closed_the_ticket_does_not_verify_by_a_scan(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let anna = world.person("anna", &[world.norrvik], "imports:write findings:verify").await;
    let connector = world.person("connector", &[world.norrvik], "tasks:read tasks:claim").await;
    scanner.import("", nessus(0, &[Host(LON, "192.0.2.10", &all())])).await.expect(201);
    let weakness = finding(&lead, LON, 10).await;
    let tasks = connector.get("/v1/tasks?limit=100").await.expect(200).items();
    let has = |task: &&Value| task["finding_ids"].as_array().is_some_and(|ids| ids.contains(&weakness["id"]));
    let task = tasks.iter().find(has).expect("its task")["id"].as_str().expect("an id").to_owned();
    let link = format!("/v1/tasks/{task}/tickets/jira");
    connector.write(Method::PUT, &link, None, json!({"key": "IT-1"})).await.expect(201);
    world.advance(TimeDelta::hours(24));
    let closed = json!({"system": "jira", "items": [{"key": "IT-1", "state": "Closed", "external_actor": "Anna"}]});
    connector.write(Method::POST, "/v1/tickets/status", None, closed).await.expect(200);
    assert_eq!(lead.get(&path(&weakness)).await.json()["status"], "fix_claimed");
    world.advance(TimeDelta::hours(24));
    assert_eq!(complete(&anna, "", rescan(47)).await.expect(201).json()["verified"], 0, "she closed it herself");
    assert_eq!(complete(&scanner, "", rescan(48)).await.expect(201).json()["verified"], 1);
    world.end().await;
}

/// A host with one compliance check, and others that hold.
fn checked(hour: i64, result: &str) -> Vec<u8> {
    let report = String::from_utf8(nessus(hour, &[Host(LON, "192.0.2.10", OTHERS)])).expect("text");
    let check = format!(
        "<ReportItem port=\"0\" protocol=\"tcp\" severity=\"3\" pluginID=\"21156\" pluginName=\"Windows\" \
         pluginFamily=\"Policy Compliance\"><compliance-check-id>ab12</compliance-check-id>\
         <compliance-check-name>Lösenordets längd</compliance-check-name>\
         <compliance-result>{result}</compliance-result></ReportItem></ReportHost>"
    );
    report.replace("</ReportHost>", &check).replace("<Report name", "<Report xmlns:cm=\"urn:x\" name").into_bytes()
}

async fn a_check_that_passes_is_not_the_weakness(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    scanner.import("", checked(0, "FAILED")).await.expect(201);
    let failed = lead.get("/v1/findings?rule_key=21156:ab12").await.expect(200).items().remove(0);
    world.advance(TimeDelta::hours(24));
    moved(&lead, &failed, "fix_claimed").await.expect(200);
    world.advance(TimeDelta::hours(24));
    let passed = complete(&scanner, "", checked(48, "PASSED")).await.expect(201).json();
    assert_eq!((&passed["reopened"], &passed["verified"]), (&json!(0), &json!(1)), "{passed}");
    assert_eq!(lead.get(&path(&failed)).await.json()["status"], "verified_fixed");
    world.advance(TimeDelta::hours(24));
    let failed_again = complete(&scanner, "", checked(72, "FAILED")).await.expect(201).json();
    assert_eq!(failed_again["reopened"], 1, "{failed_again}");
    world.end().await;
}

/// Nuclei's results of some rules on a host.
fn lines(rules: &[&str]) -> String {
    let line = |rule: &&str| {
        json!({"template-id": rule, "host": LON, "type": "http", "matched-at": "x",
            "info": {"name": rule, "severity": "high"}})
        .to_string()
            + "\n"
    };
    rules.iter().map(line).collect()
}

async fn what_could_not_be_read_may_hold_findings(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let rules = ["a", "b", "c", "d", "e", "f"];
    scanner.import("format=nuclei", lines(&rules).into_bytes()).await.expect(201);
    world.advance(TimeDelta::hours(24));
    // One line is no result: it may be the one of `f`.
    let broken = lines(&rules[..5]) + "{\"template-id\": 7}\n";
    let import = complete(&scanner, "&format=nuclei", broken.clone().into_bytes()).await.expect(201).json();
    let told = ["rejected", "gone", "gone_withheld"].map(|name| import[name].clone());
    assert_eq!(told, [json!(1), json!(0), json!(1)], "{import}");
    assert_eq!(lead.get("/v1/findings?rule_key=f").await.items()[0]["gone_at"], json!(null));
    // Whoever sends it knows better, and says so; also after it was withheld.
    let confirmed = complete(&scanner, "&format=nuclei&confirm_gone=1", (broken + "\n").into_bytes()).await;
    let confirmed = confirmed.expect(201).json();
    assert_eq!((&confirmed["gone"], &confirmed["gone_withheld"]), (&json!(1), &json!(0)), "{confirmed}");
    world.end().await;
}

/// A SARIF log of some runs: tool, repository, rules found.
fn sarif(runs: &[(&str, &str, &[&str])]) -> Vec<u8> {
    let run = |(tool, repository, rules): &(&str, &str, &[&str])| {
        let results: Vec<Value> = rules
            .iter()
            .map(|rule| {
                json!({"ruleId": rule, "message": {"text": rule}, "level": "error", "locations": [{"physicalLocation":
                    {"artifactLocation": {"uri": "a.rs"}, "region": {"startLine": 1}}}]})
            })
            .collect();
        json!({"tool": {"driver": {"name": tool}}, "results": results,
            "versionControlProvenance": [{"repositoryUri": format!("https://git.norrvik.example/{repository}")}]})
    };
    json!({"version": "2.1.0", "runs": runs.iter().map(run).collect::<Vec<_>>()}).to_string().into_bytes()
}

async fn names(who: &Person) -> Vec<String> {
    let sources = who.get("/v1/sources").await.expect(200).items();
    sources.iter().map(|source| source["name"].as_str().expect("a name").to_owned()).collect()
}

async fn a_clean_run_is_heard_under_its_tools_name(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    scanner.import("", sarif(&[("CodeQL", "portal", &["sqli"])])).await.expect(201);
    let weakness = lead.get("/v1/findings").await.expect(200).items().remove(0);
    world.advance(TimeDelta::hours(24));
    moved(&lead, &weakness, "fix_claimed").await.expect(200);
    world.advance(TimeDelta::hours(1));
    let clean = complete(&scanner, "&confirm_gone=1", sarif(&[("CodeQL", "portal", &[])])).await.expect(201).json();
    assert_eq!((&clean["read"], &clean["verified"]), (&json!(0), &json!(1)), "{clean}");
    assert_eq!(names(&lead).await, ["CodeQL"]);
    let heard = lead.get("/v1/sources").await.items()[0]["last_report_at"].clone();
    is_at(&heard, 25);
    // A run without results is one that came to none: it says nothing.
    let mut log: Value = serde_json::from_slice(&sarif(&[("CodeQL", "portal", &["sqli"])])).expect("a log");
    scanner.import("", log.to_string().into_bytes()).await.expect(201);
    log["runs"][0]["results"] = Value::Null;
    world.advance(TimeDelta::hours(1));
    let none = complete(&scanner, "", log.to_string().into_bytes()).await.expect(201).json();
    assert_eq!(none["gone"], 0, "{none}");
    world.end().await;
}

async fn what_stands_for_several_is_gone_where_all_are(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let on = |host, address| Host(host, address, &[10, 11, 12, 13, 14, 15]);
    let (x, y) = ("x.norrvik.example", "y.norrvik.example");
    scanner.import("", nessus(0, &[on(x, "192.0.2.1"), on(y, "192.0.2.2")])).await.expect(201);
    let (survivor, merged) = (finding(&lead, x, 10).await, finding(&lead, y, 10).await);
    let tag = lead.get(&path(&merged)).await.etag();
    let into = json!({"into": survivor["id"]});
    lead.write(Method::POST, &format!("{}/merge", path(&merged)), Some(&tag), into).await.expect(200);
    world.advance(TimeDelta::hours(24));
    // Of the one host it is gone; the other one was not scanned.
    let less = |host, address| Host(host, address, OTHERS);
    let half = complete(&scanner, "", nessus(10, &[less(x, "192.0.2.1")])).await.expect(201).json();
    assert_eq!(half["gone"], 0, "{half}");
    let both = nessus(11, &[less(x, "192.0.2.1"), less(y, "192.0.2.2")]);
    let both = complete(&scanner, "&confirm_gone=1", both).await.expect(201).json();
    // The survivor, and with it the one that it stands for.
    assert_eq!(both["gone"], 2, "{both}");
    is_at(&lead.get(&path(&survivor)).await.json()["gone_at"], 11);
    // Seen on the other host again: both are there, also when they are split.
    scanner.import("", nessus(12, &[on(y, "192.0.2.2")])).await.expect(201);
    assert_eq!(lead.get(&path(&survivor)).await.json()["gone_at"], json!(null));
    let tag = lead.get(&path(&survivor)).await.etag();
    let split = json!({"fingerprints": [merged["fingerprint"]]});
    lead.write(Method::POST, &format!("{}/split", path(&survivor)), Some(&tag), split).await.expect(200);
    let apart = lead.get(&path(&merged)).await.json();
    assert_eq!((&apart["status"], &apart["gone_at"]), (&json!("confirmed"), &json!(null)));
    is_at(&apart["last_seen"], 12);
    world.end().await;
}

async fn several_tools_cover_what_they_show(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let rules = &["r1", "r2", "r3", "r4", "r5"][..];
    let (semgrep, trivy) = (("Semgrep", "a", rules), ("Trivy", "b", rules));
    scanner.import("", sarif(&[semgrep, trivy, ("Trivy", "a", &["t1"][..])])).await.expect(201);
    world.advance(TimeDelta::hours(24));
    let assets: Vec<String> = lead
        .get("/v1/assets")
        .await
        .expect(200)
        .items()
        .iter()
        .map(|asset| asset["id"].as_str().expect("an id").to_owned())
        .collect();
    // Each tool looked at its own repository; both are named.
    let wish = format!("&scope_assets={}", assets.join(","));
    let report = complete(&scanner, &wish, sarif(&[semgrep, trivy])).await.expect(201).json();
    assert_eq!(report["gone"], 0, "Trivy did not look at a: {report}");
    world.end().await;
}
