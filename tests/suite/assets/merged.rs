//! Merging: a host nobody knew, and all that goes with one.

use super::{change, enter, host, keeper, matching::nessus, path, report};
use crate::support::{Kind, World, look, on_both_stores, within_five_seconds};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    a_host_nobody_knew,
    what_cannot_be_merged_is_refused,
    ids_of_merged_assets_lead_to_the_last_survivor,
    a_large_merge_goes_on_by_itself,
    what_both_had_is_one_finding_and_a_duplicate,
    tasks_of_merged_assets_are_tasks_of_the_survivor,
    a_merge_makes_no_asset_of_too_many_identifiers,
    who_may_not_write_findings_merges_no_asset_that_has_some,
);

async fn a_host_nobody_knew(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let server =
        json!({"name": "Löneservern", "criticality": "high", "identifiers": [{"kind": "serial", "value": "S1"}]});
    let server = enter(&lead, server).await.expect(201).json();
    lead.import("format=nuclei", report(&["lon01"], 0..2, "high")).await.expect(201);
    // A scan names a host that is in no inventory: no finding is lost, and it stands in the queue.
    let queue = lead.get("/v1/assets?queue=unknown").await.expect(200).items();
    assert_eq!(
        (queue.len(), &queue[0]["provenance"], &queue[0]["open_findings"]["high"]),
        (1, &json!("discovered"), &json!(2))
    );
    let unknown = queue[0].clone();
    let service = json!({"name": "Löner", "asset_ids": [unknown["id"]]});
    let service = lead.write(Method::POST, "/v1/services", None, service).await.expect(201).json();
    let finding = lead.get("/v1/findings").await.expect(200).items().remove(0);
    let finding = format!("/v1/findings/{}", finding["id"].as_str().expect("an id"));
    change(&lead, &finding, "/transition", json!({"to": "confirmed"})).await.expect(200);
    let findings = lead.get("/v1/findings").await.expect(200).items();
    let tasks = lead.get("/v1/tasks").await.expect(200).items();
    // Somebody looks at it: it is the wages server, which the inventory knows by its serial number.
    change(&lead, &path(&unknown), "/review", json!({"exposure": "internet"})).await.expect(200);
    assert!(lead.get("/v1/assets?queue=unknown").await.expect(200).items().is_empty());
    world.advance(chrono::TimeDelta::hours(1));
    let alias = change(&lead, &path(&unknown), "/merge", json!({"into": server["id"]})).await.expect(200).json();
    assert_eq!((&alias["merged_into"], &alias["identifiers"]), (&server["id"], &json!([])));
    let survivor = lead.get(&path(&server)).await.expect(200).json();
    assert_eq!(survivor["identifiers"], json!([{"kind": "serial", "value": "S1"}, host("lon01")]));
    assert_eq!((&survivor["criticality"], &survivor["exposure"]), (&json!("high"), &json!("internet")));
    assert_eq!((&survivor["open_findings"]["high"], &alias["open_findings"]["high"]), (&json!(2), &json!(0)));
    assert_eq!(survivor["service_ids"], json!([service["id"]]));
    assert_eq!(lead.get("/v1/assets").await.expect(200).items().len(), 1, "an alias is no asset");
    let moved =
        lead.get(&format!("/v1/findings?asset={}", server["id"].as_str().expect("an id"))).await.expect(200).items();
    let kept = |finding: &Value| {
        let names = ["id", "status", "fingerprint", "severity", "first_seen", "last_seen", "decided_at", "source_id"];
        names.map(|name| finding[name].clone())
    };
    assert_eq!(moved.iter().map(kept).collect::<Vec<_>>(), findings.iter().map(kept).collect::<Vec<_>>());
    assert_eq!([&moved[0]["status"], &moved[1]["status"]], ["confirmed", "new"], "what people decided stays");
    assert_eq!(lead.get("/v1/tasks").await.expect(200).items()[0]["finding_count"], tasks[0]["finding_count"]);
    // History tells where it was.
    let changes = lead.get("/v1/changes?mode=events&types=finding&limit=1000").await.expect(200).items();
    let moves: Vec<_> = changes.iter().filter_map(|change| change["changed"].get("asset_id")).collect();
    assert_eq!(moves, [&json!({"before": unknown["id"], "after": server["id"]}); 2]);
    // The next scan hits the survivor, and what came with the alias is the same finding still.
    let same = lead.import("format=nuclei", report(&["lon01"], 0..2, "high")).await.expect(201).json();
    assert_eq!([&same["created"], &same["assets_created"]], [&json!(0), &json!(0)], "{same}");
    let again = lead.import("format=nuclei", report(&["lon01"], 7..8, "high")).await.expect(201).json();
    assert_eq!((&again["created"], &again["assets_created"]), (&json!(1), &json!(0)));
    assert_eq!(lead.get(&path(&server)).await.json()["open_findings"]["high"], 3);
    // Whoever kept its old id is led on, and what watched it watches the survivor.
    assert_eq!(lead.get(&path(&unknown)).await.expect(200).json()["merged_into"], server["id"]);
    let watched = lead.get("/v1/coverage").await.expect(200).items();
    assert_eq!((watched.len(), &watched[0]["name"]), (1, &json!("Löneservern")));
    assert_eq!(watched[0]["seen"].as_array().map(Vec::len), Some(1), "{watched:?}");
    assert!(lead.get("/v1/coverage?unwatched_days=30").await.expect(200).items().is_empty());
    world.end().await;
}

async fn what_cannot_be_merged_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let mut all = Vec::new();
    for name in ["a", "b", "c", "d"] {
        all.push(enter(&who, json!({"name": name, "identifiers": [host(name)]})).await.expect(201).json());
    }
    let [a, b, c, d] = &all[..] else { panic!("four assets") };
    let other = world.person("other", &[world.alvsund], "assets:read assets:write").await;
    let foreign = enter(&other, json!({"name": "x"})).await.expect(201).json();
    let merge = async |asset: &Value, into: &Value| change(&who, &path(asset), "/merge", json!({"into": into})).await;
    merge(a, &b["id"]).await.expect(200);
    change(&who, &path(d), "/retire", json!({"reason": "Skrotad"})).await.expect(200);
    let missing = json!("01900000-0000-7000-8000-000000000000");
    for (into, said) in [(&c["id"], "itself"), (&a["id"], "merged"), (&d["id"], "out of use"), (&missing, "no asset")] {
        let refused = merge(c, into).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], "/into");
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    let errors = async |into: &Value| merge(c, into).await.json()["errors"].clone();
    assert_eq!(errors(&foreign["id"]).await, errors(&missing).await, "a foreign asset is a missing one");
    for (action, body) in [
        ("", json!({"name": "x"})),
        ("/retire", json!({"reason": "x"})),
        ("/restore", json!({})),
        ("/merge", json!({"into": c["id"]})),
    ] {
        let refused = change(&who, &path(a), action, body).await.expect(409);
        assert_eq!(refused.code(), "asset_merged");
        assert!(refused.text.contains(b["id"].as_str().expect("an id")));
    }
    let service = who.write(Method::POST, "/v1/services", None, json!({"name": "x", "asset_ids": [a["id"]]})).await;
    assert!(service.expect(422).text.contains("merged"));
    merge(d, &c["id"]).await.expect(200);
    world.end().await;
}

async fn ids_of_merged_assets_lead_to_the_last_survivor(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("format=nuclei", report(&["a", "b", "c"], 0..1, "medium")).await.expect(201);
    let all = lead.get("/v1/assets").await.expect(200).items();
    for (from, into) in [(0, 1), (1, 2)] {
        change(&lead, &path(&all[from]), "/merge", json!({"into": all[into]["id"]})).await.expect(200);
    }
    for merged in &all[..2] {
        assert_eq!(lead.get(&path(merged)).await.expect(200).json()["merged_into"], all[2]["id"]);
    }
    let survivor = lead.get(&path(&all[2])).await.expect(200).json();
    assert_eq!(
        (&survivor["open_findings"]["medium"], survivor["identifiers"].as_array().map(Vec::len)),
        (&json!(3), Some(3))
    );
    assert_eq!(survivor["provenance"], "discovered", "nobody has reviewed any of them");
    world.end().await;
}

async fn a_large_merge_goes_on_by_itself(kind: Kind) {
    const FINDINGS: usize = 2_300;
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("format=nuclei", report(&["a"], 0..FINDINGS, "low")).await.expect(201);
    let unknown = lead.get("/v1/assets").await.expect(200).items().remove(0);
    let server = enter(&lead, json!({"name": "b"})).await.expect(201).json();
    change(&lead, &path(&unknown), "/merge", json!({"into": server["id"]})).await.expect(200);
    let all_there = async || lead.get(&path(&server)).await.json()["open_findings"]["low"] == FINDINGS;
    within_five_seconds("all findings have moved", all_there).await;
    let left =
        "SELECT CAST(count(*) AS text) FROM finding JOIN asset ON asset.id = asset_id WHERE merged_into IS NOT NULL";
    assert_eq!(look(&world.test_store, left).await, ["0"]);
    assert_eq!(look(&world.test_store, "SELECT name FROM asset WHERE moved_finding IS NOT NULL").await.len(), 0);
    world.end().await;
}

async fn what_both_had_is_one_finding_and_a_duplicate(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let scan = async |policy: &str| {
        let tags = [("policy-used", policy)];
        let report = nessus(&[("a.norrvik.example", &tags), ("b.norrvik.example", &tags)], &[1, 2, 3]);
        lead.import("format=nessus", report).await.expect(201).json()
    };
    assert_eq!(scan("one").await["created"], 6);
    let all = lead.get("/v1/assets").await.expect(200).items();
    let of = |name: &str| all.iter().find(|asset| asset["name"] == format!("{name}.norrvik.example")).expect("it");
    let (a, b) = (of("a"), of("b"));
    let findings = async |asset: &Value| -> Vec<Value> {
        let asset = asset["id"].as_str().expect("an id");
        let mut items = lead.get(&format!("/v1/findings?asset={asset}&limit=500")).await.expect(200).items();
        items.sort_by_key(|finding| finding["rule_key"].as_str().map(str::to_owned));
        items
    };
    let go_to = async |finding: &Value, to: &str| {
        let justification = (to == "false_positive").then_some("component_not_present");
        let place = format!("/v1/findings/{}", finding["id"].as_str().expect("an id"));
        let wish = json!({"to": to, "justification": justification});
        change(&lead, &place, "/transition", wish).await.expect(200);
    };
    let (of_a, of_b) = (findings(a).await, findings(b).await);
    // Of the first, one is taken for real and one dismissed; of the second, two are dismissed and one is in work.
    go_to(&of_a[0], "confirmed").await;
    go_to(&of_b[0], "false_positive").await;
    go_to(&of_a[1], "false_positive").await;
    go_to(&of_b[2], "confirmed").await;
    go_to(&of_b[2], "in_progress").await;
    world.advance(chrono::TimeDelta::hours(1));
    change(&lead, &path(a), "/merge", json!({"into": b["id"]})).await.expect(200);
    let told = |finding: &Value| {
        (finding["id"].clone(), finding["status"].clone(), finding["duplicate_of"].clone(), finding["asset_id"].clone())
    };
    let find = async |finding: &Value| {
        let place = format!("/v1/findings/{}", finding["id"].as_str().expect("an id"));
        told(&lead.get(&place).await.expect(200).json())
    };
    let expected = async || {
        for (at, status, justification) in [
            (0, "confirmed", Value::Null),
            (1, "false_positive", json!("component_not_present")),
            (2, "in_progress", Value::Null),
        ] {
            let place = format!("/v1/findings/{}", of_b[at]["id"].as_str().expect("an id"));
            let survivor = lead.get(&place).await.expect(200).json();
            assert_eq!((&survivor["status"], &survivor["justification"]), (&json!(status), &justification), "{at}");
            assert_eq!(survivor["duplicate_of"], Value::Null);
            let duplicate = (of_a[at]["id"].clone(), json!("duplicate"), of_b[at]["id"].clone(), b["id"].clone());
            assert_eq!(find(&of_a[at]).await, duplicate, "{at}");
        }
    };
    expected().await;
    world.advance(chrono::TimeDelta::hours(1));
    let next = scan("two").await;
    assert_eq!([&next["created"], &next["reopened"], &next["assets_created"]], [0, 0, 0], "{next}");
    assert_eq!(findings(b).await.len(), 6);
    expected().await;
    let survivor = lead.get(&path(b)).await.expect(200).json();
    assert_eq!(survivor["open_findings"]["high"], 2, "the confirmed and the one in work");
    world.end().await;
}

async fn tasks_of_merged_assets_are_tasks_of_the_survivor(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    change(&lead, "/v1/tenants/norrvik/settings", "", json!({"task_group": "asset"})).await.expect(200);
    let scan = async |hosts: &[&str], templates: std::ops::Range<usize>| {
        lead.import("format=nuclei", report(hosts, templates, "high")).await.expect(201);
    };
    scan(&["a"], 0..2).await;
    let a = lead.get("/v1/assets").await.expect(200).items().remove(0);
    let b = enter(&lead, json!({"name": "Löneservern", "identifiers": [host("b")]})).await.expect(201).json();
    let tasks = async || lead.get("/v1/tasks?limit=500").await.expect(200).items();
    let shown =
        |task: &Value| ["status", "asset_id", "finding_count", "open_finding_count"].map(|name| task[name].clone());
    // The survivor has none: the task goes along, and takes what comes next.
    change(&lead, &path(&a), "/merge", json!({"into": b["id"]})).await.expect(200);
    scan(&["b"], 5..6).await;
    let all = tasks().await;
    assert_eq!(all.iter().map(shown).collect::<Vec<_>>(), [[json!("open"), b["id"].clone(), json!(3), json!(3)]]);
    // Both have one: the survivor's holds what both did, and the other says why it is none any more.
    scan(&["c"], 0..7).await;
    let c = lead.get("/v1/assets?identifier=c.norrvik.example").await.expect(200).items().remove(0);
    let both = tasks().await;
    let (stays, goes) = (&both[0], both.iter().find(|task| task["asset_id"] == c["id"]).expect("it"));
    let place = |task: &Value| format!("/v1/tasks/{}", task["id"].as_str().expect("an id"));
    change(&lead, &place(goes), "", json!({"assignee": "Åsa", "plan": "Byt ut den"})).await.expect(200);
    change(&lead, &path(&c), "/merge", json!({"into": b["id"]})).await.expect(200);
    let (stays, goes) = (lead.get(&place(stays)).await.json(), lead.get(&place(goes)).await.json());
    assert_eq!(shown(&stays), [json!("open"), b["id"].clone(), json!(10), json!(10)]);
    assert_eq!((&stays["assignee"], &stays["plan"]), (&json!("Åsa"), &json!("Byt ut den")));
    assert_eq!(shown(&goes), [json!("cancelled"), b["id"].clone(), json!(0), json!(0)]);
    let reason = goes["status_reason"].as_str().expect("a reason");
    assert!(reason.contains(b["id"].as_str().expect("an id")) && reason.contains(stays["id"].as_str().expect("an id")));
    scan(&["a", "b", "c"], 0..9).await;
    let open: Vec<_> = tasks().await.into_iter().filter(|task| task["status"] == "open").collect();
    // Nine of each name: a weakness of a web site is at its URL.
    assert_eq!((open.len(), &open[0]["id"], &open[0]["open_finding_count"]), (1, &stays["id"], &json!(27)));
    world.end().await;
}

async fn a_merge_makes_no_asset_of_too_many_identifiers(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let many = |prefix: &str, n: usize| -> Value {
        (0..n).map(|n| json!({"kind": "hostname", "value": format!("{prefix}{n}")})).collect()
    };
    let a = enter(&who, json!({"name": "a", "identifiers": many("a", 101)})).await.expect(201).json();
    let b = enter(&who, json!({"name": "b", "identifiers": many("b", 100)})).await.expect(201).json();
    let refused = change(&who, &path(&a), "/merge", json!({"into": b["id"]})).await.expect(409);
    assert_eq!(refused.code(), "too_many_identifiers");
    assert!(refused.text.contains("201"), "{}", refused.text);
    assert_eq!(who.get(&path(&a)).await.json(), a, "nothing of it was stored");
    let one = json!({"remove_identifiers": [{"kind": "hostname", "value": "a7"}]});
    change(&who, &path(&a), "", one).await.expect(200);
    change(&who, &path(&a), "/merge", json!({"into": b["id"]})).await.expect(200);
    assert_eq!(who.get(&path(&b)).await.json()["identifiers"].as_array().map(Vec::len), Some(200));
    world.end().await;
}

async fn who_may_not_write_findings_merges_no_asset_that_has_some(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, who) = (world.lead().await, keeper(&world).await);
    lead.import("format=nuclei", report(&["a", "b"], 0..1, "high")).await.expect(201);
    let all = lead.get("/v1/assets").await.expect(200).items();
    let (a, b) = (&all[0], &all[1]);
    let empty = enter(&who, json!({"name": "c"})).await.expect(201).json();
    let refused = change(&who, &path(a), "/merge", json!({"into": b["id"]})).await.expect(403);
    assert!(refused.text.contains("findings:write"), "{}", refused.text);
    let statuses = lead.get("/v1/findings").await.expect(200).items();
    assert!(statuses.iter().all(|finding| finding["status"] == "new"));
    change(&who, &path(&empty), "/merge", json!({"into": b["id"]})).await.expect(200);
    let scopes = "assets:read assets:write findings:write";
    let both = world.person("both", &[world.norrvik], scopes).await;
    change(&both, &path(a), "/merge", json!({"into": b["id"]})).await.expect(200);
    world.end().await;
}
