//! The rules of imports where they are easy to break: what a person set, what
//! follows a sighting, what an interrupted import goes on with.

mod people;

use crate::support::{Answer, Kind, Person, TestStore, World, fixture, generated_report, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    the_way_back_leads_to_what_the_source_says_now,
    evidence_follows_the_sighting_that_stands,
    the_same_bytes_for_another_source_wait_and_stay_apart,
    whoever_sends_the_bytes_again_sees_the_outcome,
    an_import_that_cannot_be_gone_on_with_begins_again,
    an_import_goes_on_with_its_own_time,
    one_asset_under_two_names_does_not_flip_its_finding,
    assets_are_changed_in_one_statement,
    more_identifiers_than_a_statement_takes,
    a_ticket_is_linked_beside_an_import,
    lists_leave_rejected_records_out,
    large_records_come_in_whole,
    rows_survive_the_opening_of_the_vocabulary,
);

/// A Nuclei result without a time of its own.
fn result(template: &str, host: &str, more: &Value) -> Value {
    let mut result = json!({"template-id": template, "host": host, "type": "tcp", "matched-at": "here",
        "info": {"name": template, "severity": "medium"}});
    merge(&mut result, more);
    result
}

fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().expect("an object") {
        match (into.get_mut(name), value) {
            (Some(inner @ Value::Object(_)), Value::Object(_)) => merge(inner, value),
            _ => into[name] = value.clone(),
        }
    }
}

fn report(results: &[Value]) -> Vec<u8> {
    results.iter().map(|result| format!("{result}\n")).collect::<String>().into_bytes()
}

async fn send(who: &Person, report: Vec<u8>) -> Value {
    let request = who.request(Method::POST, "/v1/imports?tenant=norrvik&format=nuclei").header("prefer", "wait=60");
    who.send(request.body(report)).await.expect(201).json()
}

/// Each change so far, without those of imports.
async fn events(who: &Person) -> Vec<Value> {
    who.get("/v1/changes?mode=events&limit=1000&types=finding,asset,task").await.expect(200).items()
}

async fn only_finding(who: &Person) -> (String, Value) {
    let finding = who.get("/v1/findings").await.expect(200).items().remove(0);
    (format!("/v1/findings/{}", finding["id"].as_str().unwrap()), finding)
}

async fn change(who: &Person, method: Method, path: &str, tail: &str, body: Value) -> Answer {
    let tag = who.get(path).await.expect(200).etag();
    who.write(method, &format!("{path}{tail}"), Some(&tag), body).await
}

async fn the_way_back_leads_to_what_the_source_says_now(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let says = |score: &str, tag: &str| {
        let info = json!({"severity": null, "tags": [tag], "classification": {"cvss-score": score}});
        report(&[result("a", "a.norrvik.example", &json!({"info": info}))])
    };
    send(&lead, says("5.0", "old")).await;
    let (path, _) = only_finding(&lead).await;
    change(&lead, Method::PATCH, &path, "", json!({"severity": "critical", "severity_reason": "x", "tags": ["own"]}))
        .await
        .expect(200);
    // What the source says of severity is shown beside; what it says of tags is not.
    world.advance(chrono::TimeDelta::days(1));
    assert_eq!(send(&lead, says("8.0", "old")).await["updated"], 1);
    let all = events(&lead).await;
    let changed: Vec<_> = all.last().unwrap()["changed"].as_object().unwrap().keys().collect();
    assert_eq!(changed, ["cvss_score", "reported_severity"]);
    let (before, seen) = (lead.get(&path).await.json(), all.len());
    assert_eq!((&before["severity"], &before["reported_severity"]), (&json!("critical"), &json!("high")));
    world.advance(chrono::TimeDelta::days(1));
    let import = send(&lead, says("8.0", "new")).await;
    assert_eq!((&import["updated"], &import["unchanged"]), (&json!(0), &json!(1)), "{import}");
    let after = lead.get(&path).await.json();
    assert_eq!((&after["seq"], &after["updated_at"]), (&before["seq"], &before["updated_at"]));
    assert_eq!((&after["severity"], &after["tags"]), (&json!("critical"), &json!(["own"])));
    assert_eq!(events(&lead).await.len(), seen);
    let back =
        change(&lead, Method::PATCH, &path, "", json!({"severity": null, "tags": null})).await.expect(200).json();
    assert_eq!((&back["severity"], &back["tags"]), (&json!("high"), &json!(["new"])));
    world.end().await;
}

async fn evidence_follows_the_sighting_that_stands(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let with = |text: &str| report(&[result("a", "a.norrvik.example", &json!({"extracted-results": [text]}))]);
    let without = report(&[result("a", "a.norrvik.example", &json!({}))]);
    send(&lead, with("ett")).await;
    let path = format!("{}/evidence", only_finding(&lead).await.0);
    let mut seen = events(&lead).await.len();
    for (body, text) in [(with("två"), Some("två")), (without, None), (with("tre"), Some("tre"))] {
        world.advance(chrono::TimeDelta::days(1));
        assert_eq!(send(&lead, body).await["updated"], 1);
        match text {
            Some(text) => assert_eq!(lead.get(&path).await.expect(200).json()["text"], text),
            None => drop(lead.get(&path).await.expect(404)),
        }
        let all = events(&lead).await;
        assert_eq!(all.len(), seen + 1);
        seen = all.len();
        let changed = all.last().unwrap()["changed"].as_object().unwrap();
        assert_eq!(changed.keys().collect::<Vec<_>>(), ["evidence"]);
        assert_eq!(changed["evidence"]["after"].as_str().map(str::len), text.map(|_| 64));
        assert!(!changed["evidence"].to_string().contains("två"));
    }
    world.advance(chrono::TimeDelta::days(1));
    assert_eq!(send(&lead, with("tre")).await["unchanged"], 1);
    assert_eq!(lead.get(&path).await.expect(200).json()["text"], "tre");
    world.end().await;
}

/// Puts the only import back to where a crash would have left it.
async fn interrupt(world: &World, more: &str) {
    let sql = format!("UPDATE import SET status = 'interrupted', finished_at = NULL, seq = 0{more}");
    world.test_store.execute(&sql).await;
}

async fn the_same_bytes_for_another_source_wait_and_stay_apart(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let body = fixture("nuclei/norrvik.jsonl");
    let first = lead.import("source=one", body.clone()).await.expect(201).json();
    interrupt(&world, ", position = 0, created = 0, unchanged = 0").await;
    world.test_store.execute("UPDATE import SET status = 'running'").await;
    assert_eq!(lead.import("source=two", body.clone()).await.expect(409).code(), "import_running");
    assert_eq!(lead.import("source=one", body.clone()).await.expect(409).code(), "import_running");
    world.advance(chrono::TimeDelta::minutes(5));
    let second = lead.import("source=two", body.clone()).await.expect(201).json();
    assert_ne!(first["id"], second["id"]);
    assert_eq!(second["created"], first["created"]);
    let again = lead.import("source=one", body).await.expect(201).json();
    assert_eq!((&again["id"], &again["source"], &again["created"]), (&first["id"], &json!("one"), &json!(0)));
    world.end().await;
}

async fn whoever_sends_the_bytes_again_sees_the_outcome(kind: Kind) {
    let world = World::new(kind).await;
    let first = world.person("first", &[world.norrvik], "imports:write").await;
    let second = world.person("second", &[world.norrvik], "imports:write").await;
    let body = fixture("nuclei/norrvik.jsonl");
    let import = first.import("", body.clone()).await.expect(201).json();
    interrupt(&world, "").await;
    assert_eq!(second.import("", body).await.expect(201).json()["id"], import["id"]);
    second.get(&format!("/v1/imports/{}", import["id"].as_str().unwrap())).await.expect(200);
    world.end().await;
}

async fn an_import_that_cannot_be_gone_on_with_begins_again(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let body = fixture("nuclei/norrvik.jsonl");
    let import = lead.import("", body.clone()).await.expect(201).json();
    // As an older importer left it, which read other records out of the same bytes.
    interrupt(&world, ", read = read - 1, rejected = rejected - 1").await;
    let again = lead.import("", body).await.expect(201).json();
    for name in ["id", "read", "rejected", "rejected_records", "merged"] {
        assert_eq!(again[name], import[name], "{name}");
    }
    assert_eq!(again["created"], 0);
    let stored = import["created"].as_i64().unwrap() + import["unchanged"].as_i64().unwrap();
    assert_eq!(again["unchanged"], stored);
    world.end().await;
}

async fn an_import_goes_on_with_its_own_time(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    // Both times are in the future: until then content decides which record stands, afterwards time does.
    let says = |day: u32, title: &str| {
        let time = format!("2026-12-{day:02}T00:00:00Z");
        result("a", "a.norrvik.example", &json!({"timestamp": time, "info": {"description": title}}))
    };
    for (one, other) in [("x", "y"), ("y", "x")] {
        let body = report(&[says(1, one), says(2, other), result("b", "b.norrvik.example", &json!({}))]);
        let import = send(&lead, body.clone()).await;
        let (id, counts) = (import["id"].as_str().unwrap(), ["created", "updated", "unchanged"].map(|n| &import[n]));
        let sql = "UPDATE import SET status = 'interrupted', finished_at = NULL, seq = 0 WHERE seq =";
        world.test_store.execute(&format!("{sql} {}", import["seq"])).await;
        world.advance(chrono::TimeDelta::days(30));
        let again = send(&lead, body).await;
        assert_eq!(
            (again["id"].as_str().unwrap(), ["created", "updated", "unchanged"].map(|n| &again[n])),
            (id, counts)
        );
        assert_eq!(again["started_at"], import["started_at"]);
        world.advance(chrono::TimeDelta::days(-30));
    }
    world.end().await;
}

async fn one_asset_under_two_names_does_not_flip_its_finding(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    // A first import tells that name and address are one asset.
    send(&lead, report(&[result("z", "a.norrvik.example", &json!({"ip": "192.0.2.1"}))])).await;
    for (template, one, other) in [("p", "x", "y"), ("q", "y", "x")] {
        let says = |host: &str, text: &str| result(template, host, &json!({"info": {"description": text}}));
        let others = (0..150).map(|n| result(&format!("{template}{n}"), "b.norrvik.example", &json!({})));
        let results: Vec<Value> =
            [says("a.norrvik.example", one)].into_iter().chain(others).chain([says("192.0.2.1", other)]).collect();
        let first = send(&lead, report(&results)).await;
        assert_eq!(["created", "updated", "merged"].map(|name| first[name].as_i64()), [Some(151), Some(0), Some(1)]);
        for _ in 0..2 {
            world.advance(chrono::TimeDelta::days(1));
            let again = send(&lead, report(&results)).await;
            assert_eq!(["created", "updated"].map(|name| again[name].as_i64()), [Some(0), Some(0)], "{again}");
        }
    }
    world.end().await;
}

async fn assets_are_changed_in_one_statement(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let mut counts = Vec::new();
    // Both are one batch, however slow the machine is.
    for (net, size) in [(1, 5), (2, 95)] {
        let hosts = |address: bool| -> Vec<Value> {
            let host = |n: i32| {
                let more = if address { json!({"ip": format!("10.0.{net}.{n}")}) } else { json!({}) };
                result("a", &format!("h{net}-{n}.norrvik.example"), &more)
            };
            (0..size).map(host).collect()
        };
        send(&lead, report(&hosts(false))).await;
        world.advance(chrono::TimeDelta::days(1));
        let before = world.store.statements();
        assert_eq!(send(&lead, report(&hosts(true))).await["assets_created"], 0);
        counts.push(world.store.statements() - before);
        let grown = events(&lead).await.iter().filter(|event| event["event"] == "asset.updated").count();
        assert_eq!(grown, if net == 1 { 5 } else { 100 });
    }
    // Housekeeping may come by in between; 90 more assets cost no statement each.
    assert!(counts[1] < counts[0] + 60, "{counts:?}");
    let asset = lead.get("/v1/assets?limit=500").await.expect(200).items().pop().unwrap();
    assert_eq!(asset["provenance"], "discovered");
    world.end().await;
}

async fn more_identifiers_than_a_statement_takes(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let mut text = String::from("<?xml version=\"1.0\"?><NessusClientData_v2><Report name=\"r\">");
    for host in 0..700 {
        let addresses: Vec<String> = (0..49).map(|n| format!("10.{}.{}.{n}", host / 250, host % 250)).collect();
        text += &format!(
            "<ReportHost name=\"h{host}\"><HostProperties><tag name=\"hostname\">h{host}</tag><tag name=\"host-ip\">{}</tag>\
             </HostProperties><ReportItem port=\"0\" protocol=\"tcp\" severity=\"0\" pluginID=\"1\" pluginName=\"P\"/></ReportHost>",
            addresses.join("\n")
        );
    }
    text += "</Report></NessusClientData_v2>";
    for created in [700, 0] {
        let request = lead.request(Method::POST, "/v1/imports?tenant=norrvik").header("prefer", "wait=60");
        let mut import = lead.send(request.body(text.clone())).await.json();
        let began = std::time::Instant::now();
        while import["status"] == "running" {
            assert!(began.elapsed().as_secs() < 300, "{import}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            import = lead.get(&format!("/v1/imports/{}", import["id"].as_str().unwrap())).await.expect(200).json();
        }
        assert_eq!((&import["created"], &import["assets_created"]), (&json!(created), &json!(created)), "{import}");
        world.advance(chrono::TimeDelta::days(1));
    }
    world.end().await;
}

async fn a_ticket_is_linked_beside_an_import(kind: Kind) {
    // How long a busy machine takes for so many at once is not the matter.
    let world = World::with(kind, |config| config.limits.acquire_seconds = 60).await;
    let lead = world.lead().await;
    send_generated(&lead, 700).await;
    let tasks = lead.get("/v1/tasks?limit=500").await.expect(200).items();
    let importer = lead.clone();
    let import = tokio::spawn(async move { send_generated(&importer, 1500).await });
    let mut linking = tokio::task::JoinSet::new();
    for (at, task) in tasks.iter().take(100).enumerate() {
        let (lead, path) = (lead.clone(), format!("/v1/tasks/{}/tickets/jira", task["id"].as_str().unwrap()));
        linking.spawn(async move {
            lead.write(Method::PUT, &path, None, json!({"key": format!("IT-{at}")})).await.status.as_u16()
        });
    }
    let statuses = linking.join_all().await;
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
    import.await.unwrap();
    world.end().await;
}

async fn send_generated(who: &Person, findings: usize) {
    let request = who.request(Method::POST, "/v1/imports?tenant=norrvik").header("prefer", "wait=60");
    who.send(request.body(generated_report(findings))).await.expect(201);
}

async fn lists_leave_rejected_records_out(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let import = send(&lead, fixture("nuclei/norrvik.jsonl")).await;
    assert!(!import["rejected_records"].as_array().unwrap().is_empty());
    let path = format!("/v1/imports/{}", import["id"].as_str().unwrap());
    let whole = lead.get(&path).await.expect(200);
    assert_eq!(whole.json(), import);
    let listed = lead.get("/v1/imports").await.expect(200).items().remove(0);
    let fed = lead.get("/v1/changes?types=import").await.expect(200).items().remove(0);
    for among_many in [&listed, &fed["resource"]] {
        assert_eq!(among_many["rejected_records"], json!([]));
        assert_eq!(among_many["rejected"], import["rejected"]);
    }
    let again = lead.request(Method::GET, &path).header("if-none-match", whole.etag());
    lead.send(again).await.expect(304);
    world.end().await;
}

async fn large_records_come_in_whole(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let text = "lång ".repeat(8_000);
    let large =
        |n: i32| result(&format!("t{n}"), "a.norrvik.example", &json!({"info": {"description": text, "impact": text}}));
    let import = send(&lead, report(&(0..400).map(large).collect::<Vec<_>>())).await;
    assert_eq!((&import["read"], &import["created"]), (&json!(400), &json!(400)), "{import}");
    world.end().await;
}

async fn rows_survive_the_opening_of_the_vocabulary(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let import = send(&lead, fixture("nuclei/norrvik.jsonl")).await;
    let before = events(&lead).await;
    // As version 6 left it. SQLite has no statement for a CHECK, so its own table of tables is told.
    let format = "CHECK (format IN ('nessus', 'sarif', 'nuclei'))";
    let kinds = "CHECK (resource_type IN ('finding', 'asset', 'task', 'import'))";
    let old = if kind == Kind::Sqlite {
        let check = |table: &str, column: &str, check: &str| {
            let (bare, check) = (format!("{column} text NOT NULL"), check.replace('\'', "''"));
            format!("UPDATE sqlite_schema SET sql = replace(sql, '{bare}', '{bare} {check}') WHERE name = '{table}';")
        };
        let checks = check("import", "format", format) + &check("event", "resource_type", kinds);
        format!("PRAGMA writable_schema = ON; {checks} PRAGMA writable_schema = RESET;")
    } else {
        format!(
            "ALTER TABLE import ADD CONSTRAINT import_format_check {format};
             ALTER TABLE event ADD CONSTRAINT event_resource_type_check {kinds};"
        )
    };
    // What came to be a resource later had no events then.
    let forget = "DROP INDEX finding_duplicate; DELETE FROM seaql_migrations WHERE version LIKE '%000007%'";
    let world = world
        .while_down(async |store| {
            store.execute(&format!("DELETE FROM event WHERE NOT {}", &kinds[6..])).await;
            store.execute(&format!("{old} {forget}")).await;
            service::store::migrate(&store.owner_url, None).await.expect("up");
        })
        .await;
    let lead = world.lead().await;
    assert_eq!(events(&lead).await, before);
    let path = format!("/v1/imports/{}", import["id"].as_str().unwrap());
    assert_eq!(lead.get(&path).await.expect(200).json(), import);
    // Another format fits now; what points to the import still does, and no import is gone from under it.
    world.test_store.execute("UPDATE import SET format = 'csv'; UPDATE import SET format = 'nuclei'").await;
    send(&lead, fixture("nuclei/norrvik.jsonl")).await;
    let back = async |store: &TestStore| {
        service::store::roll_back(&store.owner_url).await.expect("down, with rows in the tables");
    };
    world.end_with(back).await;
}
