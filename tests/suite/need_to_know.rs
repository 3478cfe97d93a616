//! Need to know where it is easy to break: in answers to changes, in the feed, in filters, over imports that are
//! sent again. The walk over both contracts is [`crate::wall`]'s.

use crate::{
    support::{
        Answer, Kind, Person, World, fixture, look, on_both_stores,
        process::{fynd, printed},
    },
    wall::all_but,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_stores!(
    what_a_change_answers_and_the_feed_tells_is_withheld_as_well,
    what_is_withheld_is_not_matched_or_counted,
    an_import_keeps_to_the_mark_of_a_person,
    an_interrupted_import_stays_marked,
    other_words_of_a_report_reach_the_task,
    rejected_records_of_a_marked_report_are_its_senders,
    the_command_marks_what_it_imports,
);

/// A word in each field that is withheld.
const SECRETS: [&str; 5] = ["zorvex", "quibnar", "hidden-door", "wexpod", "framlut"];
/// The fields, in the order of the document.
const WITHHELD: [&str; 6] = ["description", "consequence", "location", "references", "evidence", "fingerprint"];

/// One finding with all of the secrets; `word` tells one report from the next.
fn report(word: &str) -> Vec<u8> {
    let [description, consequence, _, reference, evidence] = SECRETS.map(|secret| format!("{word} {secret}"));
    // The place is the same each time, or it would be another finding.
    let place = format!("https://portal.norrvik.example/{}", SECRETS[2]);
    let result = json!({
        "template-id": "CVE-2024-3400", "type": "http", "host": "portal.norrvik.example",
        "url": place, "matched-at": place,
        "extracted-results": [evidence],
        "info": {"name": "Fjärrkörning i portalen", "severity": "critical", "description": description,
            "impact": consequence, "remediation": format!("Uppgradera {word}."),
            "reference": [format!("https://{}.example/{word}", reference.replace(' ', "-"))]},
    });
    format!("{result}\n").into_bytes()
}

/// The secrets that stand in a text.
fn told(text: &str) -> Vec<&'static str> {
    SECRETS.into_iter().filter(|secret| text.contains(secret)).collect()
}

/// Norrvik's RED finding, told twice in different words, so that the feed has what changed.
async fn filled(world: &World) -> BTreeMap<&'static str, String> {
    let lead = world.lead().await;
    lead.import("tlp=red", report("gammalt")).await.expect(201);
    world.advance(chrono::TimeDelta::days(1));
    let again = lead.import("tlp=red", report("nytt")).await.expect(201).json();
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(1)), "{again}");
    let mut ids = BTreeMap::from([("tenants", "norrvik".to_owned())]);
    for resource in ["findings", "assets", "tasks", "imports"] {
        let items = lead.get(&format!("/v1/{resource}")).await.expect(200).items();
        ids.insert(resource, items[0]["id"].as_str().expect("an id").to_owned());
    }
    ids
}

/// Somebody with every scope but the one to know.
async fn outsider(world: &World) -> Person {
    world.person("outsider", &[world.norrvik], &all_but(&["evidence:read"])).await
}

async fn change(who: &Person, id: &str, body: Value) -> Answer {
    let path = format!("/v1/findings/{id}");
    let tag = who.get(&path).await.expect(200).etag();
    who.write(Method::PATCH, &path, Some(&tag), body).await
}

async fn what_a_change_answers_and_the_feed_tells_is_withheld_as_well(kind: Kind) {
    let world = World::new(kind).await;
    let ids = filled(&world).await;
    let (lead, outsider) = (world.lead().await, outsider(&world).await);
    let path = format!("/v1/findings/{}", ids["findings"]);
    let (whole, part) = (lead.get(&path).await, outsider.get(&path).await);
    assert_ne!(whole.etag(), part.etag());
    let request = outsider.request(Method::GET, &path).header("if-none-match", whole.etag());
    outsider.send(request).await.expect(200);
    let (whole, part) = (whole.json(), part.json());
    assert_eq!((&part["withheld"], &whole["withheld"]), (&json!(WITHHELD), &json!([])));
    for name in WITHHELD.iter().filter(|name| **name != "evidence") {
        assert!(part[name].is_null() || part[name] == json!([]), "{name}: {part}");
        assert!(!whole[name].is_null() && whole[name] != json!([]), "{name}: {whole}");
    }
    assert_eq!((&part["title"], &part["tlp"]), (&json!("Fjärrkörning i portalen"), &json!("red")));
    assert_eq!(part["recommendation"], "Uppgradera nytt.");
    let changed = |items: Vec<Value>| -> Vec<String> {
        let update = items.into_iter().find(|item| item["event"] == "finding.updated").expect("an update");
        update["changed"].as_object().expect("fields").keys().cloned().collect()
    };
    let feed = "/v1/changes?mode=events&types=finding&limit=1000";
    assert_eq!(changed(outsider.get(feed).await.items()), ["recommendation"]);
    assert_eq!(changed(lead.get(feed).await.items()).len(), 5);
    // What a change answers is the same finding to the same eyes.
    let patched = change(&outsider, &ids["findings"], json!({"assignee": "Åsa"})).await.expect(200);
    let move_on = json!({"to": "in_progress"});
    let confirm = json!({"to": "confirmed"});
    let step = async |body: Value, tag: String| {
        outsider.write(Method::POST, &format!("{path}/transition"), Some(&tag), body).await.expect(200)
    };
    let confirmed = step(confirm, patched.etag()).await;
    let moved = step(move_on, confirmed.etag()).await;
    for answer in [patched, confirmed, moved] {
        assert_eq!((told(&answer.text), &answer.json()["withheld"]), (vec![], &json!(WITHHELD)));
    }
    let change = "mutation($id: ID!, $seq: Long!) { updateFinding(id: $id, ifMatch: $seq, input: {assignee: \"Bo\"})
        { description location { url } references withheld assignee } }";
    let seq = lead.get(&path).await.json()["seq"].clone();
    let answer = outsider.graphql(change, json!({"id": ids["findings"], "seq": seq})).await;
    let changed = &answer["data"]["updateFinding"];
    assert_eq!((&changed["assignee"], &changed["description"]), (&json!("Bo"), &Value::Null), "{answer}");
    assert_eq!(changed["withheld"].as_array().expect("names").len(), WITHHELD.len());
    world.end().await;
}

async fn what_is_withheld_is_not_matched_or_counted(kind: Kind) {
    let world = World::new(kind).await;
    filled(&world).await;
    let (lead, outsider) = (world.lead().await, outsider(&world).await);
    // A secret as the value of every filter there is, and of every parameter that a restricted field could be.
    for name in domain::FindingFilter::NAMES.iter().chain(&WITHHELD).chain(&["q", "sort", "by"]) {
        for secret in SECRETS {
            let answer = outsider.get(&format!("/v1/findings?{name}={secret}")).await;
            let found = answer.status == 200 && !answer.items().is_empty();
            assert!(!found, "{name}={secret}: {}", answer.text);
        }
    }
    for name in WITHHELD {
        assert_eq!(outsider.get(&format!("/v1/findings?sort={name}")).await.expect(400).code(), "invalid_parameter");
        assert_eq!(
            outsider.get(&format!("/v1/findings/facets?by={name}")).await.expect(400).code(),
            "invalid_parameter"
        );
    }
    // What is not withheld is still found, and counted alike by both.
    for query in ["cve=CVE-2024-3400", "severity=critical", "tlp=red", "rule_key=CVE-2024-3400", ""] {
        assert_eq!(outsider.get(&format!("/v1/findings?{query}")).await.expect(200).items().len(), 1, "{query}");
        let counts = format!("/v1/findings/facets?by=severity,status,kind,source,tenant,tlp&{query}");
        let (all, part) = (lead.get(&counts).await.expect(200).json(), outsider.get(&counts).await.expect(200).json());
        assert_eq!((&all, &all["total"]), (&part, &json!(1)), "{query}");
    }
    assert!(outsider.get("/v1/findings?tlp=amber").await.expect(200).items().is_empty());
    world.end().await;
}

async fn an_import_keeps_to_the_mark_of_a_person(kind: Kind) {
    let world = World::new(kind).await;
    let id = filled(&world).await["findings"].clone();
    let lead = world.lead().await;
    change(&lead, &id, json!({"tlp": "green"})).await.expect(200);
    world.advance(chrono::TimeDelta::days(1));
    // Other words of the finding come in, under the mark that stands.
    let again = lead.import("tlp=red", report("senare")).await.expect(201).json();
    assert_eq!(again["updated"], 1, "{again}");
    let path = format!("/v1/findings/{id}");
    assert_eq!(lead.get(&path).await.expect(200).json()["tlp"], "green");
    assert_eq!(change(&lead, &id, json!({"tlp": null})).await.expect(200).json()["tlp"], "red");
    assert_eq!(lead.import("tlp=purple", report("senare")).await.expect(400).code(), "invalid_parameter");
    world.end().await;
}

async fn an_interrupted_import_stays_marked(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let first = lead.import("tlp=red", report("samma")).await.expect(201).json();
    // As if it had been killed before its first batch.
    let interrupt = "UPDATE import SET status = 'interrupted', finished_at = NULL, seq = 0, position = 0, created = 0";
    world.test_store.execute(interrupt).await;
    world.test_store.execute("UPDATE finding SET tlp = 'amber', reported_tlp = 'amber'").await;
    let again = lead.import("", report("samma")).await.expect(201).json();
    assert_eq!((&again["id"], &again["tlp"]), (&first["id"], &json!("red")));
    assert_eq!(look(&world.test_store, "SELECT tlp FROM finding").await, ["red"]);
    // With another marking it is another import, from the start.
    world.test_store.execute("UPDATE import SET status = 'interrupted', finished_at = NULL, seq = 0").await;
    let other = lead.import("tlp=green", report("samma")).await.expect(201).json();
    assert_ne!(other["id"], first["id"]);
    assert_eq!(look(&world.test_store, "SELECT tlp FROM finding").await, ["red"]);
    world.end().await;
}

async fn other_words_of_a_report_reach_the_task(kind: Kind) {
    let world = World::new(kind).await;
    let ids = filled(&world).await;
    let jira = world.person("jira", &[world.norrvik], "tasks:read tasks:claim feed:read").await;
    let task = format!("/v1/tasks/{}", ids["tasks"]);
    let shown = jira.get(&task).await.expect(200);
    assert_eq!(shown.json()["title"], "Fjärrkörning i portalen");
    assert_eq!(shown.json()["recommendation"], "Uppgradera nytt.");
    let link = jira.write(Method::PUT, &format!("{task}/tickets/jira"), None, json!({"key": "IT-7"})).await.expect(201);
    let feed = jira.get("/v1/changes?mode=events").await.expect(200);
    let query = "{ tasks { nodes { title recommendation findings { id } } } }";
    let graphql = jira.graphql(query, json!({})).await;
    assert_eq!(graphql["data"]["tasks"]["nodes"][0]["recommendation"], "Uppgradera nytt.");
    assert_eq!(graphql["data"]["tasks"]["nodes"][0]["findings"], json!([]));
    for text in [shown.text.clone(), link.text, feed.text.clone(), graphql.to_string()] {
        assert_eq!(told(&text), [""; 0], "{text}");
    }
    // Other words of the report reached the task, and whoever follows it.
    let other = feed.items().into_iter().find(|item| item["event"] == "task.updated").expect("an event");
    let words = json!({"before": "Uppgradera gammalt.", "after": "Uppgradera nytt."});
    assert_eq!(other["changed"], json!({"recommendation": words}));
    world.end().await;
}

async fn rejected_records_of_a_marked_report_are_its_senders(kind: Kind) {
    let world = World::new(kind).await;
    let sender = world.person("sender", &[world.norrvik], "imports:write").await;
    let mut body = fixture("nuclei/norrvik.jsonl");
    body.extend(b"{\"host\": \"zorvex\"}\n");
    let outcome = sender.import("tlp=red", body).await.expect(201).json();
    assert!(!outcome["rejected_records"].as_array().expect("records").is_empty(), "{outcome}");
    let path = format!("/v1/imports/{}", outcome["id"].as_str().expect("an id"));
    let own = sender.get(&path).await.expect(200).json();
    let lead = world.lead().await.get(&path).await.expect(200).json();
    let outsider = outsider(&world).await.get(&path).await.expect(200).json();
    assert_eq!(
        (&own["rejected_records"], &lead["rejected_records"]),
        (&outcome["rejected_records"], &outcome["rejected_records"])
    );
    assert_eq!((&outsider["rejected_records"], &outsider["rejected"]), (&json!([]), &outcome["rejected"]));
    world.end().await;
}

async fn the_command_marks_what_it_imports(kind: Kind) {
    let world = World::new(kind).await;
    let file = world.test_store.folder.path().join("round.jsonl");
    std::fs::write(&file, report("samma")).expect("written");
    let mut import = fynd(&world.test_store);
    printed(import.args(["import", "--tenant", "norrvik", "--tlp", "red"]).arg(&file));
    assert_eq!(world.lead().await.get("/v1/findings?tlp=red").await.expect(200).items().len(), 1);
    world.end().await;
}
