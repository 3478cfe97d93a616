//! The pull contract: claims, leases, states that come back, and what a ticket says.

use super::{claim, link, move_finding, post, report, state};
use crate::support::{Kind, Person, World, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use service::platform::Platform;

on_both_stores!(
    a_lease_holds_for_its_time_and_its_holder,
    a_claim_goes_over_municipalities_and_takes_the_most_pressing_first,
    a_closed_ticket_claims_the_fix_for_who_closed_it,
    a_refused_ticket_sends_the_task_back_and_old_news_change_nothing,
    every_state_has_an_outcome,
    a_ticket_text_says_what_whoever_reads_tasks_may_know,
);

const PULLER: &str = "tasks:claim";

async fn a_lease_holds_for_its_time_and_its_holder(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("", report(&[("x", "a.norrvik.example", "high")])).await.expect(201);
    let (one, two) =
        (world.person("one", &[world.norrvik], PULLER).await, world.person("two", &[world.norrvik], PULLER).await);
    let wish = json!({"system": "jira", "limit": 5, "lease_seconds": 60});
    let claimed = claim(&one, wish.clone()).await.remove(0);
    assert!(claim(&two, wish.clone()).await.is_empty(), "it is somebody's");
    assert_eq!(claim(&two, json!({"system": "topdesk"})).await.len(), 1, "another system has its own");
    let id = claimed["task"]["id"].as_str().unwrap();
    let leases = lead.get(&format!("/v1/tasks/{id}")).await.json()["leases"].clone();
    assert_eq!((leases[0]["system"].clone(), leases[0]["token"].clone()), (json!("jira"), Value::Null), "{leases}");
    assert!(!lead.get("/v1/changes?mode=events&types=task").await.text.contains(claimed["lease"].as_str().unwrap()));
    let ticket = format!("/v1/tasks/{id}/tickets/jira");
    let put = async |who: &Person, body: Value| who.write(Method::PUT, &ticket, None, body).await;
    assert_eq!(put(&two, json!({"key": "IT-2"})).await.expect(409).code(), "lease_held");
    let stolen = json!({"key": "IT-2", "lease": world.norrvik});
    assert_eq!(put(&two, stolen).await.expect(409).code(), "lease_held");
    let proof = |lease: &Value| json!({"system": "jira", "lease": lease, "lease_seconds": 120});
    let renew = format!("/v1/tasks/{id}/lease/renew");
    assert_eq!(post(&two, &renew, proof(&json!(world.norrvik)), 409).await["code"], "lease_lost");
    world.advance(TimeDelta::seconds(50));
    post(&one, &renew, proof(&claimed["lease"]), 200).await;
    world.advance(TimeDelta::seconds(119));
    assert!(claim(&two, wish.clone()).await.is_empty(), "it was renewed");
    world.advance(TimeDelta::seconds(2));
    // It has lapsed: the next one gets it, and who was too late is told.
    let again = claim(&two, wish.clone()).await.remove(0);
    assert_eq!(again["task"]["id"], claimed["task"]["id"]);
    assert_eq!(post(&one, &renew, proof(&claimed["lease"]), 409).await["code"], "lease_lost");
    assert_eq!(put(&one, json!({"key": "IT-1", "lease": claimed["lease"]})).await.expect(409).code(), "lease_held");
    post(&two, &format!("/v1/tasks/{id}/lease/release"), proof(&again["lease"]), 200).await;
    // Nobody holds it, so that who knows nothing of leases may link.
    put(&one, json!({"key": "IT-1"})).await.expect(201);
    put(&one, json!({"key": "IT-1", "lease": claimed["lease"]})).await.expect(200);
    assert!(claim(&two, wish).await.is_empty(), "it has a ticket");
    world.end().await;
}

async fn a_claim_goes_over_municipalities_and_takes_the_most_pressing_first(kind: Kind) {
    let world = World::new(kind).await;
    for (name, tenant) in [("n", world.norrvik), ("a", world.alvsund)] {
        let who = world.person(name, &[tenant], "imports:write").await;
        let found = [("low", "a.example", "medium"), ("high", "a.example", "critical"), ("mid", "a.example", "high")];
        who.import("", report(&found)).await.expect(201);
    }
    let both = world.person("both", &[world.norrvik, world.alvsund], PULLER).await;
    let first = claim(&both, json!({"system": "jira", "limit": 4})).await;
    let titles: Vec<_> = first.iter().map(|one| one["task"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["high", "mid", "low", "high"]);
    assert_eq!(claim(&both, json!({"system": "jira"})).await.len(), 2);
    let norrvik = post(&both, "/v1/tasks/claim?tenant=norrvik", json!({"system": "rt"}), 200).await;
    assert_eq!(norrvik["items"].as_array().unwrap().len(), 3);
    let wish = json!({"system": "redmine", "filter": {"severity": ["high"]}});
    assert_eq!(claim(&both, wish).await.len(), 2);
    for (body, pointer) in [
        (json!({"system": "Jira!"}), "/system"),
        (json!({"system": "jira", "limit": 101}), "/limit"),
        (json!({"system": "jira", "lease_seconds": 9}), "/lease_seconds"),
        (json!({"system": "jira", "filter": {"colour": "red"}}), "/filter/colour"),
    ] {
        assert_eq!(post(&both, "/v1/tasks/claim", body, 422).await["errors"][0]["pointer"], pointer);
    }
    assert_eq!(
        post(&both, "/v1/tasks/claim?tenant=nowhere", json!({"system": "jira"}), 404).await["code"],
        "unknown_tenant"
    );
    world.end().await;
}

async fn a_closed_ticket_claims_the_fix_for_who_closed_it(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let verifier = "findings:read findings:verify findings:write tasks:claim";
    let (anna, bo) =
        (world.person("anna", &[world.norrvik], verifier).await, world.person("bo", &[world.norrvik], verifier).await);
    let connector = world.person("connector", &[world.norrvik], verifier).await;
    let platform = Platform::new(world.auth.service().store.clone());
    let now = world.auth.service().clock.now();
    let issuer = anna.get("/v1/me").await.json()["issuer"].as_str().expect("an issuer").to_owned();
    // The connector is Bo's: what others close through it is not his claim.
    let person = platform.add_person("Bo Ek", None, now).await.expect("a person");
    for login in ["bo", "connector"] {
        let principal = platform.known_principal(&issuer, login, now).await.expect("a principal");
        platform.link_person(person, principal).await.expect("linked");
    }
    let found = ["x", "y", "z"].map(|rule| (rule, "a.norrvik.example", "high"));
    lead.import("", report(&found)).await.expect(201);
    let tasks = lead.get("/v1/tasks").await.items();
    for (task, key) in tasks.iter().zip(["IT-1", "IT-2", "IT-3"]) {
        link(&connector, task, key).await;
    }
    let closed = json!({"key": "IT-1", "state": "Closed", "external_actor": "ANNA"});
    let outcome = state(&connector, closed.clone()).await;
    assert_eq!((&outcome["outcome"], &outcome["status"]), (&json!("applied"), &json!("done")), "{outcome}");
    state(&connector, json!({"key": "IT-2", "state": "Closed"})).await;
    let finding = |task: &Value| task["finding_ids"][0].as_str().unwrap().to_owned();
    // A number that only the tracker knows may be anybody's, also the connector's owner's.
    state(&connector, json!({"key": "IT-3", "state": "Closed", "external_actor": "712020:5b10"})).await;
    for (who, task, status) in [
        (&anna, 0, 403),
        (&connector, 0, 403),
        (&bo, 1, 403),
        (&bo, 0, 200),
        (&anna, 1, 200),
        (&bo, 2, 403),
        (&anna, 2, 200),
    ] {
        let verified = move_finding(who, &finding(&tasks[task]), "verified_fixed").await;
        assert_eq!(verified.status, status, "{} of {task}: {}", who.token.len(), verified.text);
    }
    let shown = lead.get(&format!("/v1/tasks/{}", tasks[0]["id"].as_str().unwrap())).await.json();
    assert_eq!((&shown["external_actor"], &shown["tickets"][0]["state"]), (&json!("ANNA"), &json!("Closed")));
    assert_eq!(state(&connector, closed).await["outcome"], "unchanged");
    let told = lead.get("/v1/changes?mode=events&types=finding&limit=1000").await.items();
    let claim = told.iter().find(|e| e["changed"]["claimed_by_external"]["after"] == "ANNA");
    assert!(claim.is_some(), "the feed says whose claim it is");
    world.end().await;
}

async fn a_refused_ticket_sends_the_task_back_and_old_news_change_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, jira) = (world.lead().await, world.person("jira", &[world.norrvik], PULLER).await);
    lead.import("", report(&[("x", "a.norrvik.example", "high")])).await.expect(201);
    let task = lead.get("/v1/tasks").await.items()[0].clone();
    link(&jira, &task, "IT-1").await;
    let at = |minute: i64| format!("2026-11-24T07:{minute:02}:00Z");
    let told = async |state_word: &str, minute: i64, reason: Value| {
        let item = json!({"key": "IT-1", "state": state_word, "at": at(minute), "reason": reason});
        state(&jira, item).await["outcome"].as_str().unwrap().to_owned()
    };
    let standing = async || {
        let task = lead.get(&format!("/v1/tasks/{}", task["id"].as_str().unwrap())).await.json();
        let finding = lead.get("/v1/findings").await.items()[0]["status"].clone();
        (
            task["status"].as_str().unwrap().to_owned(),
            finding.as_str().unwrap().to_owned(),
            task["status_reason"].clone(),
        )
    };
    assert_eq!(told("In Progress", 10, Value::Null).await, "applied");
    assert_eq!(standing().await, ("in_progress".into(), "in_progress".into(), Value::Null));
    assert_eq!(told("Rejected", 20, json!("inte vår server")).await, "applied");
    assert_eq!(standing().await, ("open".into(), "confirmed".into(), json!("inte vår server")));
    assert_eq!(told("Resolved", 30, Value::Null).await, "applied");
    assert_eq!(standing().await, ("done".into(), "fix_claimed".into(), Value::Null));
    assert_eq!(told("Rejected", 25, json!("gammalt")).await, "stale");
    assert_eq!(told("resolved", 40, Value::Null).await, "unchanged");
    assert_eq!(standing().await.0, "done");
    assert_eq!(told("Rejected", 50, json!("hjälpte inte")).await, "applied");
    assert_eq!(standing().await, ("open".into(), "confirmed".into(), json!("hjälpte inte")));
    // In one report, in whatever order: by their times.
    let items = json!([{"key": "IT-1", "state": "Closed", "at": at(58)}, {"key": "IT-1", "state": "In Progress", "at": at(55)}]);
    let outcome = post(&jira, "/v1/tickets/status", json!({"system": "jira", "items": items}), 200).await;
    let outcomes: Vec<_> = outcome["items"].as_array().unwrap().iter().map(|o| o["outcome"].clone()).collect();
    assert_eq!(outcomes, [json!("applied"), json!("stale")], "of one ticket the latest counts");
    assert_eq!(standing().await.0, "done");
    world.end().await;
}

async fn every_state_has_an_outcome(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, jira) = (world.lead().await, world.person("jira", &[world.norrvik], PULLER).await);
    lead.import("", report(&[("x", "a.norrvik.example", "high")])).await.expect(201);
    let task = lead.get("/v1/tasks").await.items()[0].clone();
    link(&jira, &task, "IT-1").await;
    for (item, outcome) in [
        (json!({"key": "IT-9", "state": "Closed"}), "unknown_ticket"),
        (json!({"key": "IT-1", "task_id": world.norrvik, "state": "Closed"}), "unknown_ticket"),
        (json!({"key": "IT-1", "state": "Kaffe"}), "unknown_state"),
        (json!({"key": "IT-1", "state": "Kaffe"}), "unknown_state"),
        (json!({"task_id": task["id"], "state": "Cancelled"}), "applied"),
        (json!({"key": "IT-1", "state": "Closed"}), "refused"),
    ] {
        assert_eq!(state(&jira, item.clone()).await["outcome"], outcome, "{item}");
    }
    let refused = post(&jira, "/v1/tickets/status", json!({"system": "jira", "items": [{"state": "x"}]}), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "/items/0");
    let many: Vec<_> = (0..1001).map(|at| json!({"key": format!("K-{at}"), "state": "x"})).collect();
    post(&jira, "/v1/tickets/status", json!({"system": "jira", "items": many}), 422).await;
    let query = "mutation($input: TicketStatesInput!) { reportTickets(input: $input) { items { outcome key } } }";
    let input = json!({"system": "jira", "items": [{"key": "IT-9", "state": "Closed"}]});
    let answer = jira.graphql(query, json!({"input": input})).await;
    assert_eq!(
        answer["data"]["reportTickets"]["items"][0],
        json!({"outcome": "UNKNOWN_TICKET", "key": "IT-9"}),
        "{answer}"
    );
    world.end().await;
}

async fn a_ticket_text_says_what_whoever_reads_tasks_may_know(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let hostile = "[x](javascript:alert(1)) <script>@admin #1";
    lead.import("", report(&[(hostile, "öppen.norrvik.example", "high")])).await.expect(201);
    lead.import("tlp=red", report(&[(hostile, "hemlig.norrvik.example", "high")])).await.expect(201);
    let jira = world.person("jira", &[world.norrvik], "tasks:read").await;
    let shown = jira.get("/v1/tasks").await.expect(200);
    assert!(!shown.text.contains("hemlig"), "{}", shown.text);
    let task = shown.items().remove(0);
    let ticket = &task["ticket"];
    assert_eq!((&task["finding_count"], &ticket["assets"]), (&json!(2), &json!(["öppen.norrvik.example"])));
    assert_eq!(ticket["title"], hostile);
    let (markdown, html) = (ticket["body_markdown"].as_str().unwrap(), ticket["body_html"].as_str().unwrap());
    assert!(
        !markdown.contains("](") && !markdown.contains("<script") && !html.contains("<script"),
        "{markdown} {html}"
    );
    assert!(markdown.contains("Rekommenderad åtgärd") && html.contains("Öppna fynd"));
    let link = format!("http://127.0.0.1:8080/v1/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!(ticket["link"], link);
    // In the other language it is another answer, though the task has not changed.
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    let tag = jira.get(&path).await.etag();
    let list_tag = jira.get("/v1/tasks").await.etag();
    let settings = "/v1/tenants/norrvik/settings";
    let settings_tag = lead.get(settings).await.etag();
    lead.write(Method::PATCH, settings, Some(&settings_tag), json!({"language": "en"})).await.expect(200);
    for (path, tag) in [(path.as_str(), tag), ("/v1/tasks", list_tag)] {
        let again = jira.send(jira.request(Method::GET, path).header("if-none-match", tag)).await.expect(200);
        assert!(again.text.contains("Recommended remedy"), "{}", again.text);
    }
    world.end().await;
}
