//! Need to know: what of a finding marked TLP:RED is withheld stays withheld on every way to it.

use super::{
    Filled, MISSING, all_but,
    graphql::{Types, sample, wide},
    rest::{path, resource, walled},
    with_scopes,
};
use crate::support::{ALL, Kind, Person, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

on_both_stores!(
    nothing_withheld_is_shown_on_any_way,
    a_marking_is_of_its_municipality_and_its_reader,
    who_may_not_see_cannot_unlock,
    a_report_comes_in_marked_from_its_first_second,
    a_ticketing_system_sees_what_to_do_and_no_more,
    reading_what_is_marked_is_recorded,
);

/// A word in each field and each note that is withheld, and in none other.
const SECRETS: &[&str] = &[
    "hemligbeskrivning",
    "hemligplats",
    "hemlighanvisning",
    "hemligtbevis",
    "hemligkommentar",
    "hemligfil",
    "hemligretest",
];
/// Words that whoever reads findings or tasks may know.
const OPEN: &[&str] = &["Brist i verksamhetssystemet", "uppgradera-genast"];

fn report(host: &str) -> Vec<u8> {
    json!({"template-id": "hemlig-brist", "host": host, "matched-at": format!("https://{host}/hemligplats"),
        "type": "http", "timestamp": "2026-11-20T08:00:00Z", "request": "GET /hemligtbevis", "response": "hemligtbevis",
        "info": {"name": OPEN[0], "severity": "high", "description": "hemligbeskrivning", "remediation": OPEN[1],
            "reference": ["https://x.example/hemlighanvisning"]}})
    .to_string()
    .into_bytes()
}

/// A municipality with one finding marked red, and who put it there.
async fn red(world: &World) -> (Person, Filled) {
    let red_team = with_scopes(world, ALL).await;
    red_team.import("tlp=red&source=r%C3%B6da%20laget", report("vard.norrvik.example")).await.expect(201);
    let mut one = BTreeMap::from([("tenants", "norrvik".to_owned())]);
    let client = json!({"name": "x", "purpose": "x", "scopes": ["findings:read"]});
    red_team.write(Method::POST, "/v1/clients", None, client).await.expect(201);
    for resource in ["findings", "assets", "tasks", "imports", "clients", "grants"] {
        let items = red_team.get(&format!("/v1/{resource}?limit=500")).await.expect(200).items();
        one.insert(resource, items[0]["id"].as_str().expect("an id").to_owned());
    }
    let finding = format!("/v1/findings/{}", one["findings"]);
    let said = json!({"text": "hemligkommentar"});
    let comment = red_team.write(Method::POST, &format!("{finding}/comments"), None, said).await.expect(201);
    let path = format!("{finding}/attachments?filename=hemligfil.json");
    let file = red_team.write(Method::POST, &path, None, json!({"text": "hemligfil"})).await.expect(201);
    let tag = red_team.get(&finding).await.expect(200).etag();
    let seen = json!({"method": "exploit", "result": "not_fixed", "comment": "hemligretest"});
    let retest = red_team.write(Method::POST, &format!("{finding}/retests"), Some(&tag), seen).await.expect(201);
    one.insert("retests", super::id_of(&retest));
    one.extend([("comments", super::id_of(&comment)), ("attachments", super::id_of(&file))]);
    (red_team, Filled { one, all: BTreeSet::new() })
}

fn words_in(text: &str) -> Vec<&'static str> {
    SECRETS.iter().filter(|secret| text.contains(**secret)).copied().collect()
}

async fn nothing_withheld_is_shown_on_any_way(kind: Kind) {
    let world = wide(kind).await;
    let (red_team, norrvik) = red(&world).await;
    let reader = with_scopes(&world, &all_but(&["evidence:read"])).await;
    let path_of = |operation| path(operation, norrvik.one.get(resource(operation)).map_or(MISSING, String::as_str));
    let mut shown_to_the_team = BTreeSet::new();
    for operation in walled().into_iter().filter(|operation| operation.method == "get") {
        let path = path_of(operation);
        shown_to_the_team.extend(words_in(&red_team.get(&path).await.text));
        let answer = reader.get(&path).await;
        assert!(words_in(&answer.text).is_empty(), "{}: {}", operation.id(), answer.text);
    }
    assert_eq!(shown_to_the_team.into_iter().collect::<Vec<_>>().len(), SECRETS.len(), "the walk looks where they are");
    for path in ["/v1/changes?mode=events&limit=1000", "/v1/findings?fields=description,location,references"] {
        assert!(words_in(&reader.get(path).await.expect(200).text).is_empty(), "{path}");
    }
    for field in Types::of(&reader).await.fields().into_iter().filter(|field| field.operation == "query") {
        let id = norrvik.one.get(sample(&field.name).resource).map_or(MISSING, String::as_str);
        let answer = field.ask(&reader, id, "norrvik").await;
        assert!(words_in(&answer.text).is_empty(), "{}: {}", field.name, answer.text);
    }
    let finding = reader.get(&format!("/v1/findings/{}", norrvik.id("findings"))).await.expect(200).json();
    let withheld = json!(["description", "consequence", "location", "references", "evidence", "fingerprint"]);
    assert_eq!((&finding["withheld"], &finding["tlp"]), (&withheld, &json!("red")));
    assert_eq!((&finding["title"], &finding["recommendation"]), (&json!(OPEN[0]), &json!(OPEN[1])));
    assert!(finding["description"].is_null() && finding["location"].is_null() && finding["fingerprint"].is_null());
    world.end().await;
}

async fn a_marking_is_of_its_municipality_and_its_reader(kind: Kind) {
    let world = World::new(kind).await;
    for (tenant, slug) in [(world.norrvik, "norrvik"), (world.alvsund, "alvsund")] {
        let team = world.person(&format!("team of {slug}"), &[tenant], ALL).await;
        team.import("tlp=red", report(&format!("vard.{slug}.example"))).await.expect(201);
    }
    let both = world.person("both", &[world.norrvik, world.alvsund], "findings:read").await;
    world.person("both", &[world.alvsund], "evidence:read").await;
    let both = {
        let wide = world.person("both", &[world.norrvik, world.alvsund], "findings:read evidence:read").await;
        // Of the last token's own grants, the evidence of Norrvik goes.
        let sql = "UPDATE \"grant\" SET revoked_at = valid_from WHERE scopes = 'findings:read evidence:read' AND \
                   tenant_id = (SELECT id FROM tenant WHERE slug = 'norrvik')";
        world.test_store.execute(sql).await;
        world.test_store.execute("UPDATE auth_epoch SET value = value + 1").await;
        drop(both);
        wide
    };
    let evidence_in = async |slug: &str| {
        let me = both.get("/v1/me").await.expect(200).json();
        let tenants = me["tenants"].as_array().expect("tenants").clone();
        let place = tenants.into_iter().find(|tenant| tenant["slug"] == slug).unwrap_or_default();
        place["scopes"].as_array().is_some_and(|scopes| scopes.contains(&json!("evidence:read")))
    };
    let began = std::time::Instant::now();
    while evidence_in("norrvik").await || !evidence_in("alvsund").await {
        assert!(began.elapsed().as_secs() < 5, "the rights are mixed");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let items = both.get("/v1/findings?limit=500").await.expect(200).items();
    assert_eq!(items.len(), 2);
    for finding in items {
        let is_open = finding["tenant_id"] == world.alvsund.to_string().as_str();
        assert_eq!(finding["description"] == "hemligbeskrivning", is_open, "{finding}");
        assert_eq!(finding["withheld"].as_array().expect("a list").is_empty(), is_open);
    }
    world.end().await;
}

async fn who_may_not_see_cannot_unlock(kind: Kind) {
    let world = World::new(kind).await;
    let (red_team, norrvik) = red(&world).await;
    let writer = with_scopes(&world, "findings:read findings:write").await;
    let path = format!("/v1/findings/{}", norrvik.id("findings"));
    let mark = async |who: &Person, tlp: Value| {
        let tag = who.get(&path).await.expect(200).etag();
        who.write(Method::PATCH, &path, Some(&tag), json!({"tlp": tlp})).await
    };
    assert_eq!(mark(&writer, json!("amber")).await.expect(403).code(), "forbidden");
    assert_eq!(mark(&writer, Value::Null).await.expect(200).json()["tlp"], "red", "it came in red");
    let answer = mark(&writer, json!("red")).await.expect(200);
    assert!(words_in(&answer.text).is_empty(), "the answer to a change withholds as well");
    mark(&red_team, json!("amber")).await.expect(200);
    assert_eq!(writer.get(&path).await.expect(200).json()["description"], "hemligbeskrivning");
    // An import never touches what a person has set.
    red_team.import("tlp=red&source=r%C3%B6da%20laget", report("vard.norrvik.example")).await.expect(201);
    assert_eq!(writer.get(&path).await.expect(200).json()["tlp"], "amber");
    mark(&writer, json!("red")).await.expect(200);
    assert!(writer.get(&path).await.expect(200).json()["description"].is_null());
    mark(&writer, json!("violet")).await.expect(422);
    world.end().await;
}

async fn a_report_comes_in_marked_from_its_first_second(kind: Kind) {
    let world = World::new(kind).await;
    let team = with_scopes(&world, ALL).await;
    team.import("", report("vard.norrvik.example")).await.expect(201);
    assert_eq!(team.get("/v1/findings").await.expect(200).items()[0]["tlp"], "amber");
    team.import("tlp=red", report("vard.norrvik.example")).await.expect(201);
    assert_eq!(team.get("/v1/findings").await.expect(200).items()[0]["tlp"], "red", "raised");
    team.import("tlp=green", report("vard.norrvik.example")).await.expect(201);
    team.import("", report("vard.norrvik.example")).await.expect(201);
    let red = team.get("/v1/findings?tlp=red").await.expect(200).items();
    assert_eq!(red.len(), 1, "never lowered by a report");
    let facets = team.get("/v1/findings/facets?by=tlp").await.expect(200).json();
    assert!(facets.to_string().contains("\"red\""), "{facets}");
    world.end().await;
}

async fn a_ticketing_system_sees_what_to_do_and_no_more(kind: Kind) {
    let world = World::new(kind).await;
    let (_, norrvik) = red(&world).await;
    let ticketing = with_scopes(&world, "tasks:read tasks:claim").await;
    let answer = ticketing.get(&format!("/v1/tasks/{}", norrvik.id("tasks"))).await.expect(200);
    let task = answer.json();
    assert_eq!((&task["title"], &task["recommendation"]), (&json!(OPEN[0]), &json!(OPEN[1])));
    assert!(words_in(&answer.text).is_empty(), "{}", answer.text);
    world.end().await;
}

async fn reading_what_is_marked_is_recorded(kind: Kind) {
    let world = World::new(kind).await;
    let (_, norrvik) = red(&world).await;
    let analyst = world.person("analyst", &[world.norrvik], "findings:read evidence:read").await;
    let reader = world.person("reader", &[world.norrvik], "findings:read").await;
    let finding = format!("/v1/findings/{}", norrvik.id("findings"));
    for who in [&analyst, &reader] {
        who.get(&finding).await.expect(200);
        who.get("/v1/findings").await.expect(200);
    }
    let auditor = world.person("auditor", &[world.norrvik], "audit:read").await;
    let me = analyst.get("/v1/me").await.expect(200).json()["principal_id"].clone();
    let rows = auditor.get("/v1/audit?outcome=read").await.expect(200).items();
    let by_analyst: Vec<&Value> = rows.iter().filter(|row| row["principal_id"] == me).collect();
    assert_eq!(by_analyst.len(), 1, "the repeat of the minute is counted: {rows:?}");
    assert_eq!(
        (&by_analyst[0]["action"], &by_analyst[0]["resource_id"]),
        (&json!("finding.read"), &json!(norrvik.id("findings")))
    );
    let other = reader.get("/v1/me").await.expect(200).json()["principal_id"].clone();
    assert!(!rows.iter().any(|row| row["principal_id"] == other), "who was shown nothing restricted has read nothing");
    world.end().await;
}
