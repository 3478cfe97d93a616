//! The transition × scope matrix: every move from every status by everybody, by REST, GraphQL and in bulk, with the
//! same answers; and what an import makes of each status.

use crate::support::{Kind, Person, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_stores!(every_move_by_everybody_on_every_way_has_the_same_answer, what_is_seen_again_comes_back_as_designed,);

/// All statuses, in the order of the columns of [`TABLE`].
const STATUSES: [&str; 9] = [
    "new",
    "confirmed",
    "in_progress",
    "fix_claimed",
    "verified_fixed",
    "false_positive",
    "duplicate",
    "not_applicable",
    "risk_accepted",
];

/// The table of the design, written out by hand: `w` takes findings:write, `v` findings:verify, `.` is no move, `a`
/// takes an acceptance.
const TABLE: [&str; 9] = [
    //new to the right: as in STATUSES
    ".w.w.wwwa", // new
    "..ww.wwwa", // confirmed
    ".w.w.wwwa", // in_progress
    ".v..vv.va", // fix_claimed
    ".w......a", // verified_fixed
    ".w......a", // false_positive
    ".w......a", // duplicate
    ".w......a", // not_applicable
    "........a", // risk_accepted
];

/// Who tries, with which scopes. The claimant claimed every fix there is.
const PEOPLE: [(&str, &str); 5] = [
    ("reader", "findings:read"),
    ("writer", "findings:read findings:write"),
    ("verifier", "findings:read findings:verify"),
    ("both", "findings:read findings:write findings:verify"),
    ("claimant", "findings:read findings:write findings:verify"),
];

const WAYS: [&str; 3] = ["rest", "graphql", "bulk"];

/// The code of the answer; empty for a move that happens.
fn expected(from: usize, to: usize, who: &str, scopes: &str) -> &'static str {
    let may = |scope| scopes.contains(scope);
    if !may("findings:write") && !may("findings:verify") {
        return "forbidden";
    }
    match TABLE[from].as_bytes()[to] {
        b'a' => "acceptance_required",
        b'.' => "transition_refused",
        b'w' if !may("findings:write") => "forbidden",
        b'v' if !may("findings:verify") => "forbidden",
        b'v' if who == "claimant" => "same_person",
        _ => "",
    }
}

fn record(rule: &str) -> Value {
    json!({"template-id": rule, "host": "h.norrvik.example", "timestamp": "2026-11-20T08:00:00Z",
        "info": {"name": rule, "severity": "low"}, "matched-at": format!("https://h.norrvik.example/{rule}")})
}

fn report(rules: impl Iterator<Item = String>) -> Vec<u8> {
    rules.map(|rule| format!("{}\n", record(&rule))).collect::<String>().into_bytes()
}

/// Puts findings into a status past every rule, which is what the rules are tried on. They are on no asset, whose
/// counts would not know of it.
async fn put(world: &World, rules: &str, status: &str) {
    let justification = match status {
        "false_positive" => "'scanner_error'",
        "duplicate" => "'same_as_other'",
        "not_applicable" => "'component_not_present'",
        _ => "NULL",
    };
    let one = |is: bool, select: &str| if is { format!("({select})") } else { "NULL".to_owned() };
    let original = one(status == "duplicate", "SELECT o.id FROM finding o WHERE o.rule_key = 'original'");
    let claimant = one(status == "fix_claimed", "SELECT p.id FROM principal p WHERE p.subject = 'claimant'");
    let acceptance = one(status == "risk_accepted", "id");
    if status == "risk_accepted" {
        let accepted = format!(
            "INSERT INTO risk_acceptance (tenant_id, id, status, reason, finding_count, accepted_count, skipped_count,
                 standstill_days, cost_per_day, fix_cost, currency, services, days_by_service, cost_by_service,
                 requested_by, requested_at, expires_at, decided_by, decided_at, review_needed, updated_at, seq)
             SELECT tenant_id, id, 'approved', 'x', 1, 1, 0, 1, 1, 1, 'SEK', '[]', false, false, id,
                 '2026-11-24T08:00:00+00:00', '2027-01-24T08:00:00+00:00', source_id, '2026-11-24T08:00:00+00:00', false,
                 '2026-11-24T08:00:00+00:00', 1 FROM finding WHERE rule_key LIKE '{rules}'"
        );
        world.test_store.execute(&accepted).await;
    }
    let sql = format!(
        "UPDATE finding SET status = '{status}', justification = {justification}, duplicate_of = {original},
         claimed_by = {claimant}, acceptance_id = {acceptance}, decided_at = '2026-11-24T08:00:00+00:00',
         asset_id = NULL WHERE rule_key LIKE '{rules}'"
    );
    world.test_store.execute(&sql).await;
}

/// Every finding by its rule: id and seq.
async fn all(who: &Person) -> BTreeMap<String, (String, i64)> {
    let (mut found, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = who.get(&format!("/v1/findings?limit=500&fields=id,seq,rule_key{cursor}")).await.expect(200).json();
        for item in page["items"].as_array().expect("items") {
            let text = |name: &str| item[name].as_str().expect("a text").to_owned();
            found.insert(text("rule_key"), (text("id"), item["seq"].as_i64().expect("a number")));
        }
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

/// The wish to move to a status, with what it takes.
fn wish(to: &str, original: &str) -> Value {
    match to {
        "false_positive" => json!({"to": to, "justification": "scanner_error"}),
        "duplicate" => json!({"to": to, "justification": "same_as_other", "duplicate_of": original}),
        "not_applicable" => json!({"to": to, "justification": "component_not_present"}),
        _ => json!({"to": to}),
    }
}

/// The same wish in the words of GraphQL.
fn graphql_wish(wish: &Value) -> Value {
    let mut input = json!({"to": wish["to"].as_str().expect("a status").to_uppercase()});
    if let Some(justification) = wish["justification"].as_str() {
        input["justification"] = justification.to_uppercase().into();
    }
    if let Some(original) = wish["duplicate_of"].as_str() {
        input["duplicateOf"] = original.into();
    }
    input
}

fn code(answer: &Value) -> String {
    answer.as_str().unwrap_or_default().to_owned()
}

async fn by_rest(who: &Person, (id, seq): &(String, i64), wish: &Value) -> String {
    let path = format!("/v1/findings/{id}/transition");
    let answer = who.write(Method::POST, &path, Some(&format!("\"{seq}-0\"")), wish.clone()).await.json();
    code(&answer["code"])
}

async fn by_graphql(who: &Person, (id, seq): &(String, i64), wish: &Value) -> String {
    let query = "mutation($id: ID!, $seq: Int, $input: TransitionInput!) {
        transitionFinding(id: $id, ifMatch: $seq, input: $input) { id } }";
    let answer = who.graphql(query, json!({"id": id, "seq": seq, "input": graphql_wish(wish)})).await;
    code(&answer["errors"][0]["extensions"]["code"])
}

async fn every_move_by_everybody_on_every_way_has_the_same_answer(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let mut people = BTreeMap::new();
    for (name, scopes) in PEOPLE {
        let person = world.person(name, &[world.norrvik], scopes).await;
        person.get("/v1/me").await.expect(200);
        people.insert(name, person);
    }
    let rule = |way: &str, from: &str, to: &str, who: &str| format!("cell-{from}-{way}-{to}-{who}");
    let mut rules = vec!["original".to_owned()];
    for way in WAYS {
        for (from, to) in STATUSES.iter().flat_map(|from| STATUSES.iter().map(move |to| (from, to))) {
            rules.extend(PEOPLE.iter().map(|(who, _)| rule(way, from, to, who)));
        }
    }
    lead.import("", report(rules.iter().cloned())).await.expect(201);
    for status in STATUSES {
        put(&world, &format!("cell-{status}-%"), status).await;
    }
    let findings = all(&lead).await;
    assert_eq!(findings.len(), rules.len());
    let original = &findings["original"].0;
    let mut wrong = Vec::new();
    for (who, scopes) in PEOPLE {
        let person = &people[who];
        for (to_at, to) in STATUSES.iter().enumerate() {
            let wish = wish(to, original);
            let of = |way: &str, from: &str| &findings[&rule(way, from, to, who)];
            let items: Vec<Value> =
                STATUSES.iter().map(|from| of("bulk", from)).map(|(id, seq)| json!({"id": id, "seq": seq})).collect();
            let body = json!({"items": items, "transition": wish});
            let bulk = person.write(Method::POST, "/v1/findings/bulk", None, body).await.json();
            for (from_at, from) in STATUSES.iter().enumerate() {
                let expected = expected(from_at, to_at, who, scopes);
                let of_bulk = if bulk["items"].is_array() { &bulk["items"][from_at]["code"] } else { &bulk["code"] };
                for (way, found) in [
                    ("rest", by_rest(person, of("rest", from), &wish).await),
                    ("graphql", by_graphql(person, of("graphql", from), &wish).await),
                    ("bulk", code(of_bulk)),
                ] {
                    if found != expected {
                        wrong.push(format!("{from} to {to} by {who} over {way}: `{found}`, not `{expected}`"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // What was allowed has happened, and nothing else.
    for (rule, (id, _)) in all(&lead).await.into_iter().filter(|(rule, _)| rule.starts_with("cell-new-")) {
        let parts: Vec<&str> = rule.split('-').collect();
        let (to, who) = (parts[3], parts[4]);
        let to_at = STATUSES.iter().position(|status| *status == to).expect("a status");
        let scopes = PEOPLE.iter().find(|(name, _)| *name == who).expect("a person").1;
        let happened = expected(0, to_at, who, scopes).is_empty();
        let status = lead.get(&format!("/v1/findings/{id}")).await.expect(200).json()["status"].clone();
        assert_eq!(status, if happened { to } else { "new" }, "{rule}");
    }
    world.end().await;
}

/// What an import makes of each status when the finding is seen later.
const SEEN_AGAIN: [(&str, &str); 9] = [
    ("new", "new"),
    ("confirmed", "confirmed"),
    ("in_progress", "in_progress"),
    ("fix_claimed", "confirmed"),
    ("verified_fixed", "confirmed"),
    ("false_positive", "false_positive"),
    ("duplicate", "duplicate"),
    ("not_applicable", "not_applicable"),
    ("risk_accepted", "risk_accepted"),
];

async fn what_is_seen_again_comes_back_as_designed(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    world.person("claimant", &[world.norrvik], "findings:read").await.get("/v1/me").await.expect(200);
    let rules = || SEEN_AGAIN.iter().map(|(from, _)| format!("seen-{from}")).chain(["original".to_owned()]);
    lead.import("", report(rules())).await.expect(201);
    for (from, _) in SEEN_AGAIN {
        put(&world, &format!("seen-{from}"), from).await;
    }
    world.advance(chrono::TimeDelta::days(2));
    let later = String::from_utf8(report(rules())).expect("text").replace("2026-11-20", "2026-11-25");
    lead.import("", later.into_bytes()).await.expect(201);
    let findings = all(&lead).await;
    for (from, to) in SEEN_AGAIN {
        let finding =
            lead.get(&format!("/v1/findings/{}", findings[&format!("seen-{from}")].0)).await.expect(200).json();
        assert_eq!(finding["status"], to, "{from} seen again");
        let is_dismissal = ["false_positive", "duplicate", "not_applicable"].contains(&from);
        assert_eq!(finding["seen_after_dismissal"], is_dismissal, "{from} seen again");
    }
    world.end().await;
}
