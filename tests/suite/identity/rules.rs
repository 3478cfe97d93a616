//! Fingerprint rules of sources: preview, rerun, and what reports reach meanwhile.

use super::{a_day_later, again, aliases, change, counts, findings, history, result, send};
use crate::support::{Answer, Kind, Person, World, look, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

on_both_stores!(
    a_rule_makes_one_finding_of_two_ports,
    the_survivor_carries_the_decision_that_leaves_the_most_to_do,
    what_a_rule_has_merged_stays_merged_until_it_is_split,
    a_rule_says_what_is_wrong_with_it_and_who_may_change_it,
    rest_and_graphql_say_the_same_of_a_rule,
    findings_of_the_first_version_are_found_and_renewed,
    what_a_person_has_merged_stays_merged_under_a_rule,
);

const HOST: &str = "a.norrvik.example";

fn at_port(port: u16) -> Value {
    result("tls", HOST, &format!("https://{HOST}:{port}/"), &json!({"port": port.to_string()}))
}

async fn rule_of(who: &Person) -> (String, Answer) {
    let source = findings(who).await[0]["source_id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/sources/{source}/fingerprint-rule");
    let answer = who.get(&path).await.expect(200);
    (path, answer)
}

/// Wants a rule and applies it.
pub(super) async fn apply(who: &Person, rule: Value) -> Value {
    let (path, read) = rule_of(who).await;
    let put = who.write(Method::PUT, &path, Some(&read.etag()), rule).await.expect(200);
    let applied =
        who.write(Method::POST, &format!("{path}/rerun"), Some(&put.etag()), json!({})).await.expect(200).json();
    assert_eq!((&applied["rerun"], &applied["left"]), (&json!("none"), &json!(0)), "{applied}");
    assert_eq!(applied["in_force_version"], applied["version"]);
    applied
}

async fn a_rule_makes_one_finding_of_two_ports(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let ports = [at_port(443), at_port(8443)];
    assert_eq!(counts(&send(&lead, "nuclei", &ports).await), [2, 0, 0]);
    let (path, own) = rule_of(&lead).await;
    let told = ["version", "in_force_version", "rerun"].map(|name| own.json()[name].clone());
    assert_eq!(told, [json!(0), json!(0), json!("none")]);
    assert_eq!(own.json()["rule"]["parts"], json!(["rule_key", "identity"]));

    let rule = json!({"parts": ["rule_key"]});
    let preview = lead.write(Method::POST, &format!("{path}/preview"), None, json!({"rule": rule})).await.expect(200);
    let preview = preview.json();
    let told = ["findings", "would_be", "merged_groups", "merged"].map(|name| preview[name].as_i64());
    assert_eq!(told, [2, 1, 1, 1].map(Some), "{preview}");
    let all = findings(&lead).await;
    assert_eq!(
        (&preview["examples"][0]["survivor"], &preview["examples"][0]["others"][0]),
        (&all[0]["id"], &all[1]["id"])
    );

    let wanted = lead.write(Method::PUT, &path, Some(&own.etag()), rule.clone()).await.expect(200);
    let told = ["version", "in_force_version", "left", "rerun"].map(|name| wanted.json()[name].clone());
    assert_eq!(told, [json!(1), json!(0), json!(2), json!("wanted")]);
    // Until it is applied, reports are read as before.
    assert_eq!(counts(&send(&lead, "nuclei", &[at_port(443), at_port(9443)]).await), [1, 0, 1]);
    lead.write(Method::POST, &format!("{path}/rerun"), Some(&own.etag()), json!({})).await.expect(412);
    let applied = apply(&lead, rule).await;
    assert_eq!((&applied["version"], &applied["in_force"]["parts"]), (&json!(1), &json!(["rule_key"])));

    let after = findings(&lead).await;
    assert_eq!(after.iter().map(|one| one["status"].clone()).collect::<Vec<_>>(), ["new", "duplicate", "duplicate"]);
    assert!(after[1..].iter().all(|one| one["duplicate_of"] == after[0]["id"]));
    assert_ne!(after[0]["fingerprint"], all[0]["fingerprint"]);
    assert_eq!(history(&lead, &after[1]).await, ["finding.created", "finding.merged"]);
    a_day_later(&world);
    let everywhere = [at_port(443), at_port(8443), at_port(9443), at_port(10443)];
    let import = send(&lead, "nuclei", &everywhere).await;
    assert_eq!((counts(&import)[0], &import["merged"]), (0, &json!(3)), "one finding now: {import}");
    assert!(again(&lead, &after[0]).await["last_seen"].as_str() > after[0]["last_seen"].as_str());
    assert_eq!(findings(&lead).await.len(), 3);
    // The same report again and again does not turn it round.
    let seq = again(&lead, &after[0]).await["seq"].clone();
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &everywhere).await)[..2], [0, 0]);
    assert_eq!(again(&lead, &after[0]).await["seq"], seq);
    world.end().await;
}

async fn the_survivor_carries_the_decision_that_leaves_the_most_to_do(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let hosts = ["b.norrvik.example", "c.norrvik.example", "d.norrvik.example"];
    let at = |host: &str, port: u16| result("tls", host, &format!("https://{host}:{port}/"), &json!({}));
    let all: Vec<Value> = hosts.iter().flat_map(|host| [at(host, 1), at(host, 2)]).collect();
    send(&lead, "nuclei", &all).await;
    let all = findings(&lead).await;
    let on = |host: usize, port: usize| {
        let place = format!("https://{}:{port}/", hosts[host]);
        all.iter().find(|one| one["location"]["url"] == place.as_str()).expect("a finding").clone()
    };
    // Of each host one of two is decided: dismissed beside new, confirmed beside dismissed, in progress beside claimed.
    let dismissal = json!({"to": "false_positive", "justification": "scanner_error", "comment": "Fel"});
    change(&lead, &on(0, 2), "transition", dismissal.clone()).await.expect(200);
    change(&lead, &on(1, 1), "transition", dismissal).await.expect(200);
    change(&lead, &on(1, 2), "transition", json!({"to": "confirmed"})).await.expect(200);
    change(&lead, &on(2, 1), "transition", json!({"to": "fix_claimed"})).await.expect(200);
    change(&lead, &on(2, 2), "transition", json!({"to": "confirmed"})).await.expect(200);
    change(&lead, &on(2, 2), "transition", json!({"to": "in_progress"})).await.expect(200);
    apply(&lead, json!({"parts": ["rule_key"]})).await;
    let expected = ["false_positive", "confirmed", "in_progress"];
    for (host, status) in expected.iter().enumerate() {
        let (one, other) = (again(&lead, &on(host, 1)).await, again(&lead, &on(host, 2)).await);
        assert_eq!((&one["status"], &other["status"]), (&json!(status), &json!("duplicate")), "{}", hosts[host]);
        assert_eq!(other["duplicate_of"], one["id"]);
    }
    let dismissed = again(&lead, &on(0, 1)).await;
    assert_eq!((&dismissed["justification"], &dismissed["status_comment"]), (&json!("scanner_error"), &json!("Fel")));
    world.end().await;
}

async fn what_a_rule_has_merged_stays_merged_until_it_is_split(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let ports = [at_port(443), at_port(8443)];
    send(&lead, "nuclei", &ports).await;
    apply(&lead, json!({"parts": ["rule_key"]})).await;
    let all = findings(&lead).await;
    let named = aliases(&lead, &all[0]).await;
    let merged = named.iter().find(|alias| alias["merged"] == all[1]["id"]).expect("its name leads here").clone();
    let split = json!({"fingerprints": [merged["fingerprint"]]});
    assert_eq!(change(&lead, &all[0], "split", split.clone()).await.expect(409).code(), "transition_refused");

    let (path, _) = rule_of(&lead).await;
    let own = json!({"parts": ["identity", "rule_key"]});
    let preview =
        lead.write(Method::POST, &format!("{path}/preview"), None, json!({"rule": own})).await.expect(200).json();
    assert_eq!((&preview["merged"], &preview["stay_merged"]), (&json!(0), &json!(1)), "{preview}");
    assert!(preview["note"].as_str().expect("words").contains("stay merged"), "{preview}");
    apply(&lead, own).await;
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &ports).await), [0, 0, 2], "both reach the survivor");
    change(&lead, &all[0], "split", split).await.expect(200);
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &ports).await), [0, 0, 2]);
    let (one, other) = (again(&lead, &all[0]).await, again(&lead, &all[1]).await);
    assert_eq!((&other["status"], &other["last_seen"]), (&json!("confirmed"), &one["last_seen"]), "each for itself");
    assert_eq!(findings(&lead).await.len(), 2);
    world.end().await;
}

async fn a_rule_says_what_is_wrong_with_it_and_who_may_change_it(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, "nuclei", &[at_port(443)]).await;
    let (path, read) = rule_of(&lead).await;
    let tag = read.etag();
    let put = async |body: Value| lead.write(Method::PUT, &path, Some(&tag), body).await;
    for (body, pointer) in [
        (json!({"parts": []}), "/parts"),
        (json!({"parts": ["port", "port"]}), "/parts"),
        (json!({"parts": ["colour"]}), "/parts/0"),
        (json!({"parts": ["port"], "case": true}), "/case"),
        (json!({"parts": ["port"], "overrides": [{"rule_key": "a\u{0}", "parts": ["port"]}]}), "/overrides/0/rule_key"),
        (json!({"parts": ["port"], "overrides": [{"rule_key": "a", "parts": []}]}), "/overrides/0/parts"),
    ] {
        let answer = put(body.clone()).await.expect(422);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}: {}", answer.text);
    }
    let rule = json!({"parts": ["rule_key"]});
    lead.write(Method::PUT, &path, None, rule.clone()).await.expect(428);
    lead.write(Method::PUT, &path, Some("\"3-0\""), rule.clone()).await.expect(412);
    for scopes in ["findings:read findings:write", "findings:read tenants:manage"] {
        let half = world.person(scopes, &[world.norrvik], scopes).await;
        half.write(Method::PUT, &path, Some(&tag), rule.clone()).await.expect(403);
        half.write(Method::POST, &format!("{path}/rerun"), Some(&tag), json!({})).await.expect(403);
        let preview = half.write(Method::POST, &format!("{path}/preview"), None, json!({"rule": rule})).await;
        assert_eq!(preview.status, 200);
    }
    let other = world.person("other", &[world.alvsund], crate::support::ALL).await;
    other.get(&path).await.expect(404);
    other.write(Method::PUT, &path, Some(&tag), rule.clone()).await.expect(404);
    put(json!({"parts": ["identity", "rule_key"]})).await.expect(200);
    assert_eq!(lead.get(&path).await.json()["version"], 0, "what is there already is no change");
    put(rule).await.expect(200);
    assert_eq!(lead.get(&path).await.json()["version"], 1);
    world.end().await;
}

async fn rest_and_graphql_say_the_same_of_a_rule(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, "nuclei", &[at_port(443), at_port(8443)]).await;
    let source = findings(&lead).await[0]["source_id"].clone();
    let variables =
        json!({"source": source, "rule": {"parts": ["RULE_KEY"], "overrides": [{"ruleKey": "x", "parts": ["TITLE"]}]}});
    let preview = "query($source: ID!, $rule: FingerprintRuleInput!) {
        previewFingerprintRule(sourceId: $source, rule: $rule) { findings wouldBe } }";
    let told = lead.graphql(preview, variables.clone()).await;
    assert_eq!(told["data"]["previewFingerprintRule"], json!({"findings": 2, "wouldBe": 1}), "{told}");
    let set = "mutation($source: ID!, $rule: FingerprintRuleInput!) {
        setFingerprintRule(sourceId: $source, ifMatch: 0, input: $rule) { version rerun } }";
    let told = lead.graphql(set, variables.clone()).await;
    assert_eq!(told["data"]["setFingerprintRule"], json!({"version": 1, "rerun": "WANTED"}), "{told}");
    let stale = lead.graphql(set, variables.clone()).await;
    assert_eq!(stale["errors"][0]["extensions"]["code"], "stale");
    let rerun =
        "mutation($source: ID!) { rerunFingerprintRule(sourceId: $source, ifMatch: 1) { inForceVersion left } }";
    let told = lead.graphql(rerun, json!({"source": source})).await;
    assert_eq!(told["data"]["rerunFingerprintRule"], json!({"inForceVersion": 1, "left": 0}), "{told}");
    let (_, rest) = rule_of(&lead).await;
    let query = "query($source: ID!) { fingerprintRule(sourceId: $source) { version rule { parts overrides { ruleKey parts } } } }";
    let told = lead.graphql(query, json!({"source": source})).await["data"]["fingerprintRule"].clone();
    assert_eq!(told["version"], rest.json()["version"]);
    assert_eq!(told["rule"], json!({"parts": ["RULE_KEY"], "overrides": [{"ruleKey": "x", "parts": ["TITLE"]}]}));
    assert_eq!(rest.json()["rule"]["overrides"], json!([{"rule_key": "x", "parts": ["title"]}]));
    world.end().await;
}

/// The fingerprint as the version before made it.
fn first(asset: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&asset).chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Turns the findings into what the version before has left.
async fn age(world: &World, who: &Person) {
    for finding in findings(who).await {
        let place = finding["location"]["url"].as_str().expect("a place");
        let asset = finding["asset_id"].as_str().expect("an asset");
        let old = first(asset, &[finding["rule_key"].as_str().expect("a key"), place, "", ""]);
        let sql = format!(
            "UPDATE finding SET fingerprint = '{old}', fingerprint_version = 1, weakness_key = NULL, identity = NULL \
             WHERE fingerprint = '{}'",
            finding["fingerprint"].as_str().expect("a fingerprint")
        );
        world.test_store.execute(&sql).await;
    }
}

async fn findings_of_the_first_version_are_found_and_renewed(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let ports = [at_port(443), at_port(8443), at_port(9443)];
    send(&lead, "nuclei", &ports).await;
    let new: Vec<Value> = findings(&lead).await;
    age(&world, &lead).await;
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &ports[..1]).await), [0, 1, 0]);
    let renewed = findings(&lead).await;
    assert_eq!(
        (renewed.len(), &renewed[0]["fingerprint"]),
        (3, &new[0]["fingerprint"]),
        "as if it had been made today"
    );
    // A rule over what is not stored waits for the report that brings it; then what is the same is merged.
    let applied =
        apply(&lead, json!({"parts": ["rule_key"], "overrides": [{"rule_key": "y", "parts": ["identity"]}]})).await;
    assert_eq!(applied["in_force_version"], 1);
    let statuses: Vec<_> = findings(&lead).await.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["new", "duplicate", "duplicate"], "the rule key is stored of all");
    age(&world, &lead).await;
    let left = look(&world.test_store, "SELECT title FROM finding WHERE weakness_key IS NULL").await;
    assert_eq!(left.len(), 3);
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &ports).await)[0], 0, "found by either name");
    world.end().await;
}

async fn what_a_person_has_merged_stays_merged_under_a_rule(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let other = result("other", HOST, &format!("https://{HOST}:1/"), &json!({}));
    send(&lead, "nuclei", &[at_port(443), other.clone(), at_port(8443)]).await;
    let all = findings(&lead).await;
    change(&lead, &all[1], "merge", json!({"into": all[0]["id"]})).await.expect(200);
    apply(&lead, json!({"parts": ["rule_key"]})).await;
    let after = findings(&lead).await;
    assert!(after[1..].iter().all(|one| one["duplicate_of"] == after[0]["id"]), "{after:?}");
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &[other.clone(), at_port(10443)]).await), [0, 1, 1]);
    assert_eq!(findings(&lead).await.len(), 3);
    let name = &again(&lead, &all[1]).await["fingerprint"];
    change(&lead, &all[0], "split", json!({"fingerprints": [name]})).await.expect(200);
    a_day_later(&world);
    let before = again(&lead, &all[1]).await;
    send(&lead, "nuclei", &[other]).await;
    assert!(again(&lead, &all[1]).await["last_seen"].as_str() > before["last_seen"].as_str());
    world.end().await;
}
