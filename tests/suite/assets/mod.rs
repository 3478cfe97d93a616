//! Assets: what people say about them, how they are listed and counted, and what comes in about them.

mod counts;
mod import;
mod listed;
mod matching;
mod merged;
mod services;

use crate::support::{Answer, Kind, Person, World, on_both_stores};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

on_both_stores!(
    an_asset_is_entered_changed_and_checked,
    an_identifier_belongs_to_one_asset,
    what_is_retired_comes_back_and_is_flagged_when_it_is_seen,
    both_contracts_change_assets_alike,
    what_depends_on_an_asset_decides_what_to_do_first,
    an_inventory_never_writes_what_a_person_set,
    what_many_machines_have_is_refused_of_a_person,
);

/// A person who may do everything with assets of Norrvik, and nothing else.
async fn keeper(world: &World) -> Person {
    world.person("keeper", &[world.norrvik], "assets:read assets:write").await
}

async fn enter(who: &Person, asset: Value) -> Answer {
    who.write(Method::POST, "/v1/assets", None, asset).await
}

/// Sends a change to an asset or service as it now is: `""` patches it, `/retire` and the like act on it.
async fn change(who: &Person, path: &str, action: &str, body: Value) -> Answer {
    let tag = who.get(path).await.expect(200).etag();
    let method = if action.is_empty() { Method::PATCH } else { Method::POST };
    who.write(method, &format!("{path}{action}"), Some(&tag), body).await
}

fn path(asset: &Value) -> String {
    format!("/v1/assets/{}", asset["id"].as_str().expect("an id"))
}

fn host(name: &str) -> Value {
    json!({"kind": "fqdn", "value": format!("{name}.norrvik.example")})
}

/// A Nuclei report of one finding for each template on each host.
fn report(hosts: &[&str], templates: std::ops::Range<usize>, severity: &str) -> Vec<u8> {
    let line = |host: &&str, template: usize| {
        json!({"template-id": format!("t{template}"), "host": format!("{host}.norrvik.example"), "type": "http",
            "matched-at": format!("https://{host}.norrvik.example/"), "info": {"name": "Brist", "severity": severity}})
    };
    let lines = hosts.iter().flat_map(|host| templates.clone().map(move |template| line(host, template)));
    lines.map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

async fn an_asset_is_entered_changed_and_checked(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let new = json!({"name": " Löneservern ", "criticality": "high", "owner_unit": "HR",
        "identifiers": [{"kind": "fqdn", "value": "LON01.Norrvik.example."}, {"kind": "ip", "value": "192.0.2.7"}]});
    let made = enter(&who, new).await.expect(201);
    let asset = made.json();
    assert_eq!((&asset["name"], &asset["provenance"]), (&json!("Löneservern"), &json!("inventoried")));
    let identifiers = json!([host("lon01"), {"kind": "ip", "value": "192.0.2.7"}]);
    assert_eq!((&asset["identifiers"], &asset["worst_severity"]), (&identifiers, &Value::Null));
    let patch = json!({"owner_unit": null, "exposure": "internal", "add_identifiers": [{"kind": "serial", "value": "S1"}],
        "remove_identifiers": [{"kind": "ip", "value": "192.0.2.7"}, {"kind": "ip", "value": "192.0.2.8"}]});
    let patched = who.write(Method::PATCH, &path(&asset), Some(&made.etag()), patch.clone()).await.expect(200);
    let expected = json!([{"kind": "serial", "value": "S1"}, host("lon01")]);
    assert_eq!((&patched.json()["identifiers"], &patched.json()["owner_unit"]), (&expected, &Value::Null));
    assert_eq!((&patched.json()["criticality"], &patched.json()["exposure"]), (&json!("high"), &json!("internal")));
    let again = who.write(Method::PATCH, &path(&asset), Some(&patched.etag()), patch.clone()).await.expect(200);
    assert_eq!(again.json()["seq"], patched.json()["seq"], "what changes nothing has no number");
    let stale = who.write(Method::PATCH, &path(&asset), Some(&made.etag()), json!({"name": "x"})).await;
    assert_eq!(stale.expect(412).code(), "stale");
    let blind = who.write(Method::PATCH, &path(&asset), None, json!({"name": "x"})).await;
    assert_eq!(blind.expect(428).code(), "precondition_required");
    for (body, pointer) in [
        (json!({"name": "\u{202e}"}), "/name"),
        (json!({"name": "x".repeat(501)}), "/name"),
        (json!({"owner_unit": ""}), "/owner_unit"),
        (json!({"criticality": "huge"}), "/criticality"),
        (
            json!({"add_identifiers": [{"kind": "ip", "value": "192.0.2.1"}, {"kind": "mac", "value": "x"}]}),
            "/add_identifiers/1/value",
        ),
        (json!({"add_identifiers": vec![json!({"kind": "ip", "value": "192.0.2.1"}); 201]}), "/add_identifiers"),
        (json!({"seq": 1}), "seq"),
    ] {
        let refused = change(&who, &path(&asset), "", body).await.expect(422);
        assert!(refused.text.contains(pointer), "{pointer}: {}", refused.text);
    }
    let reader = world.person("reader", &[world.norrvik], "assets:read").await;
    change(&reader, &path(&asset), "", json!({"name": "x"})).await.expect(403);
    let stranger = world.person("stranger", &[world.alvsund], "assets:read assets:write").await;
    stranger.write(Method::PATCH, &path(&asset), Some("\"1-0\""), json!({"name": "x"})).await.expect(404);
    world.end().await;
}

async fn an_identifier_belongs_to_one_asset(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let first = enter(&who, json!({"name": "a", "identifiers": [host("a")]})).await.expect(201).json();
    let second = enter(&who, json!({"name": "b", "identifiers": [host("b")]})).await.expect(201).json();
    let taken = enter(&who, json!({"name": "c", "identifiers": [host("a")]})).await.expect(409);
    assert_eq!(taken.code(), "identifier_taken");
    assert!(taken.text.contains(first["id"].as_str().expect("an id")));
    let wish = json!({"add_identifiers": [host("c"), host("a")]});
    assert_eq!(change(&who, &path(&second), "", wish).await.expect(409).code(), "identifier_taken");
    assert_eq!(who.get(&path(&second)).await.json(), second, "nothing of it was stored");
    let other = world.person("other", &[world.alvsund], "assets:read assets:write").await;
    enter(&other, json!({"name": "a", "identifiers": [host("a")]})).await.expect(201);
    change(&who, &path(&first), "", json!({"remove_identifiers": [host("a")]})).await.expect(200);
    change(&who, &path(&second), "", json!({"add_identifiers": [host("a")]})).await.expect(200);
    world.end().await;
}

async fn what_is_retired_comes_back_and_is_flagged_when_it_is_seen(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let asset = enter(&lead, json!({"name": "a", "identifiers": [host("a")]})).await.expect(201).json();
    change(&lead, &path(&asset), "/retire", json!({})).await.expect(422);
    change(&lead, &path(&asset), "/retire", json!({"reason": " "})).await.expect(422);
    let retired = change(&lead, &path(&asset), "/retire", json!({"reason": "Skrotad"})).await.expect(200).json();
    assert_eq!((&retired["retired_reason"], retired["retired_at"].is_string()), (&json!("Skrotad"), true));
    assert!(lead.get("/v1/assets?retired=false").await.expect(200).items().is_empty());
    world.advance(chrono::TimeDelta::hours(1));
    lead.import("format=nuclei", report(&["a"], 0..1, "high")).await.expect(201);
    let seen = lead.get(&path(&asset)).await.expect(200).json();
    assert_eq!((&seen["seen_after_retirement"], &seen["open_findings"]["high"]), (&json!(true), &json!(1)));
    assert_eq!(seen["retired_at"], retired["retired_at"], "an import never writes what a person set");
    let restored = change(&lead, &path(&asset), "/restore", json!({})).await.expect(200).json();
    assert_eq!((&restored["retired_at"], &restored["retired_reason"]), (&Value::Null, &Value::Null));
    assert_eq!(restored["seen_after_retirement"], false);
    let events = lead.get("/v1/changes?mode=events&types=asset").await.expect(200).items();
    let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["asset.created", "asset.retired", "asset.updated", "asset.restored"]);
    world.end().await;
}

async fn both_contracts_change_assets_alike(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let mutation = async |call: &str| who.graphql(&format!("mutation {{ {call} }}"), json!({})).await;
    let made =
        mutation("createAsset(input: {name: \"a\", identifiers: [{kind: HOSTNAME, value: \"LON01\"}]}) { id seq }")
            .await;
    let made = &made["data"]["createAsset"];
    let of_made = |seq: &Value| format!("id: {}, ifMatch: {seq}", made["id"]);
    let patched = mutation(&format!(
        "updateAsset({}, input: {{criticality: HIGH}}) {{ seq criticality }}",
        of_made(&made["seq"])
    ))
    .await;
    let patched = &patched["data"]["updateAsset"];
    assert_eq!(patched["criticality"], "HIGH");
    for (call, code) in [
        (format!("updateAsset({}, input: {{name: \"x\"}}) {{ id }}", of_made(&made["seq"])), "stale"),
        (format!("updateAsset(id: {}, input: {{name: \"x\"}}) {{ id }}", made["id"]), "precondition_required"),
        (format!("updateAsset({}, input: {{name: \"\"}}) {{ id }}", of_made(&patched["seq"])), "invalid_body"),
        (format!("mergeAsset({}, into: {}) {{ id }}", of_made(&patched["seq"]), made["id"]), "invalid_body"),
        (
            "createAsset(input: {name: \"b\", identifiers: [{kind: HOSTNAME, value: \"lon01\"}]}) { id }".into(),
            "identifier_taken",
        ),
    ] {
        let answer = mutation(&call).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{call}: {answer}");
    }
    let emptied = mutation(&format!(
        "updateAsset({}, input: {{criticality: null}}) {{ seq criticality exposure }}",
        of_made(&patched["seq"])
    ))
    .await;
    assert_eq!(emptied["data"]["updateAsset"]["criticality"], Value::Null);
    let of_rest = who.get(&format!("/v1/assets/{}", made["id"].as_str().expect("an id"))).await;
    assert_eq!((of_rest.status, &of_rest.json()["seq"]), (StatusCode::OK, &emptied["data"]["updateAsset"]["seq"]));
    world.end().await;
}

async fn what_depends_on_an_asset_decides_what_to_do_first(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let asset = json!({"name": "a", "exposure": "isolated", "criticality": "low", "identifiers": [host("a")]});
    let asset = enter(&lead, asset).await.expect(201).json();
    lead.import("format=nuclei", report(&["a"], 0..2, "critical")).await.expect(201);
    let first = async || lead.get("/v1/findings").await.expect(200).items().remove(0);
    let before = first().await;
    let patch = json!({"exposure": "internet", "criticality": "critical"});
    change(&lead, &path(&asset), "", patch).await.expect(200);
    let after = first().await;
    assert_eq!((&before["priority"], &after["priority"]), (&json!("track"), &json!("attend")));
    let due = |finding: &Value| finding["due_at"].as_str().expect("a due date").to_owned();
    assert!(due(&after) < due(&before), "the internet gets less time: {} {}", due(&before), due(&after));
    let changes = lead.get("/v1/changes?mode=events&types=finding").await.expect(200).items();
    let told = changes.iter().filter(|change| !change["changed"]["priority"].is_null()).count();
    assert_eq!(told, 2, "each of its findings tells it");
    // An inventory does not write what a person set, and does the same where nobody has.
    let inventory = json!([{"fqdn": "a.norrvik.example", "exposure": "isolated", "criticality": "low"}]);
    let nightly = async || {
        let request = lead.request(Method::POST, "/v1/assets/import?format=json").body(inventory.to_string());
        lead.send(request).await.expect(200).json()
    };
    assert_eq!(nightly().await["unchanged"], 1);
    assert_eq!((&first().await["priority"], due(&first().await)), (&after["priority"], due(&after)));
    change(&lead, &path(&asset), "", json!({"exposure": null, "criticality": null})).await.expect(200);
    assert_eq!(nightly().await["updated"], 1);
    assert_eq!((&first().await["priority"], due(&first().await)), (&before["priority"], due(&before)));
    world.end().await;
}

/// What is sent each night, whatever people have said.
async fn nightly(who: &Person, rows: &Value) -> Value {
    let request = who.request(Method::POST, "/v1/assets/import?format=json").body(rows.to_string());
    who.send(request).await.expect(200).json()
}

async fn an_inventory_never_writes_what_a_person_set(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let row = json!([{"name": "SRV-0017", "kind": "other", "serial": "S1", "criticality": "low", "exposure": "isolated",
        "owner_unit": "IT"}]);
    assert_eq!(nightly(&lead, &row).await["created"], 1);
    let server = lead.get("/v1/assets").await.expect(200).items().remove(0);
    let shown = |asset: &Value| {
        ["name", "kind", "criticality", "exposure", "owner_unit"]
            .map(|name| asset[name].as_str().unwrap_or("-").to_owned())
    };
    assert_eq!(shown(&server), ["SRV-0017", "other", "low", "isolated", "IT"]);
    assert_eq!(server["set_by_person"], json!([]));
    // The lead knows better, also where it is what the inventory says already.
    let said = json!({"name": "Löneservern", "criticality": "critical", "owner_unit": "IT"});
    let server = change(&lead, &path(&server), "", said).await.expect(200).json();
    assert_eq!(server["set_by_person"], json!(["name", "criticality", "owner_unit"]));
    let next = json!([{"name": "SRV-0017", "kind": "host", "serial": "S1", "criticality": "low", "exposure": "internal",
        "owner_unit": "Drift"}]);
    assert_eq!(nightly(&lead, &next).await["updated"], 1);
    assert_eq!(
        shown(&lead.get(&path(&server)).await.json()),
        ["Löneservern", "host", "critical", "internal", "IT"],
        "what nobody has said comes from the inventory"
    );
    assert_eq!(nightly(&lead, &next).await["unchanged"], 1);
    // What a person empties is the inventory's again.
    let emptied = change(&lead, &path(&server), "", json!({"criticality": null})).await.expect(200).json();
    assert_eq!((&emptied["criticality"], &emptied["set_by_person"]), (&Value::Null, &json!(["name", "owner_unit"])));
    nightly(&lead, &next).await;
    assert_eq!(lead.get(&path(&server)).await.json()["criticality"], "low");
    // Who enters an asset has said what it is; who reviews one too.
    let entered = json!({"name": "Skrivaren", "exposure": "internal", "identifiers": [host("skrivare")]});
    let printer = enter(&lead, entered).await.expect(201).json();
    assert_eq!(printer["set_by_person"], json!(["name", "exposure"]));
    nightly(
        &lead,
        &json!([{"name": "x", "kind": "other", "exposure": "internet", "fqdn": "skrivare.norrvik.example"}]),
    )
    .await;
    let printer = lead.get(&path(&printer)).await.json();
    assert_eq!(shown(&printer), ["Skrivaren", "other", "-", "internal", "-"]);
    lead.import("format=nuclei", report(&["okand"], 0..1, "low")).await.expect(201);
    let unknown = lead.get("/v1/assets?queue=unknown").await.expect(200).items().remove(0);
    change(&lead, &path(&unknown), "/review", json!({"criticality": "high"})).await.expect(200);
    nightly(&lead, &json!([{"criticality": "low", "fqdn": "okand.norrvik.example"}])).await;
    let reviewed = lead.get(&path(&unknown)).await.json();
    assert_eq!(reviewed["criticality"], "high");
    // Merged into what only an inventory has told of, what the person said goes along.
    nightly(&lead, &json!([{"name": "SRV-0018", "serial": "S2", "criticality": "low", "exposure": "isolated"}])).await;
    let of_inventory = lead.get("/v1/assets?identifier=S2").await.expect(200).items().remove(0);
    change(&lead, &path(&reviewed), "/merge", json!({"into": of_inventory["id"]})).await.expect(200);
    nightly(&lead, &json!([{"serial": "S2", "criticality": "medium"}])).await;
    assert_eq!(shown(&lead.get(&path(&of_inventory)).await.json()), ["SRV-0018", "host", "high", "isolated", "-"]);
    world.end().await;
}

async fn what_many_machines_have_is_refused_of_a_person(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    for (of, value) in [
        ("mac", "ff:ff:ff:ff:ff:ff"),
        ("mac", "00:00:5e:00:01:0a"),
        ("mac", "00:05:9a:3c:7a:00"),
        ("serial", "To Be Filled By O.E.M."),
        ("serial", "None"),
    ] {
        let identifier = json!({"kind": of, "value": value});
        let refused = enter(&who, json!({"name": "x", "identifiers": [identifier]})).await.expect(422);
        let error = &refused.json()["errors"][0];
        assert_eq!(error["pointer"], "/identifiers/0/value");
        assert!(error["detail"].as_str().expect("a detail").contains("many machines"), "{error}");
    }
    world.end().await;
}
