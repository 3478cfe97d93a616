//! Random filters through REST and GraphQL: the same findings with the same
//! values in the same order, the same pages, counts and errors.
//!
//! `FYND_TEST_SCALE=1` asks 10,000 of them; a hundredth is the default.

mod lists;
mod schema;

use crate::support::{
    ALL, Kind, Person, World,
    enrich::{catalogue, scores},
    fixture, generated_report, on_both_stores,
};
use proptest::{
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use reqwest::Method;
use serde_json::{Map, Value, json};

on_both_stores!(rest_and_graphql_give_the_same_answer);

const WHOLE: f64 = 10_000.0;

fn cases() -> usize {
    let scale = std::env::var("FYND_TEST_SCALE").ok().map_or(0.01, |scale| scale.parse().expect("a number"));
    (WHOLE * scale).ceil() as usize
}

/// One condition: its name and value in REST, and its value in GraphQL.
type Condition = (&'static str, String, Value);

/// One question.
#[derive(Clone, Debug)]
struct Asked {
    conditions: Vec<Condition>,
    sort: &'static str,
    descending: bool,
    limit: Option<i64>,
    by: Vec<&'static str>,
}

/// Two municipalities with findings in many states.
async fn filled(world: &World) -> Person {
    let both = world.person("provider", &[world.norrvik, world.alvsund], ALL).await;
    for (tenant, file) in [
        ("norrvik", "nessus/norrvik.nessus"),
        ("norrvik", "nuclei/norrvik.jsonl"),
        ("alvsund", "nessus/alvsund_was.nessus"),
        ("alvsund", "nuclei/alvsund.json"),
        ("alvsund", "sarif/alvsund.sarif"),
    ] {
        world.advance(chrono::TimeDelta::hours(1));
        both.import(&format!("tenant={tenant}"), fixture(file)).await.expect(201);
    }
    both.import("tenant=norrvik", generated_report(30)).await.expect(201);
    known_exploits(world, &both).await;
    let moves = [
        json!({"to": "confirmed"}),
        json!({"to": "false_positive", "justification": "scanner_error"}),
        json!({"to": "fix_claimed"}),
    ];
    let findings = both.get("/v1/findings?limit=500").await.expect(200).items();
    assert!(findings.len() > 30, "{}", findings.len());
    for (at, finding) in findings.iter().enumerate().filter(|(at, _)| at % 2 == 0) {
        world.advance(chrono::TimeDelta::minutes(1));
        let path = format!("/v1/findings/{}", finding["id"].as_str().expect("an id"));
        let (assignee, tag) = [("Åsa", "löner"), ("Örjan", "akut")][at % 4 / 2];
        let patch = json!({"assignee": assignee, "tags": [tag]});
        let read = both.get(&path).await.etag();
        let patched = both.write(Method::PATCH, &path, Some(&read), patch).await.expect(200);
        let wish = moves[at % moves.len()].clone();
        both.write(Method::POST, &format!("{path}/transition"), Some(&patched.etag()), wish).await.expect(200);
    }
    time_passes(world, &both).await;
    both
}

/// Every third CVE is known to be exploited, and their scores are spread over all bands.
async fn known_exploits(world: &World, both: &Person) {
    let findings = both.get("/v1/findings?limit=500").await.expect(200).items();
    let cves = findings.iter().flat_map(|finding| finding["cves"].as_array().expect("a list"));
    let cves: std::collections::BTreeSet<&str> = cves.map(|cve| cve.as_str().expect("text")).collect();
    let scored = [0.001, 0.02, 0.3, 0.7, 0.99];
    world.load_epss(scores("2026-11-24", cves.iter().copied().zip(scored.into_iter().cycle()))).await;
    let exploited: Vec<&str> = cves.into_iter().step_by(3).collect();
    world.load_kev(catalogue("2026-11-24", &exploited)).await;
}

/// A risk is accepted, and some findings become overdue.
async fn time_passes(world: &World, both: &Person) {
    let open = both.get("/v1/findings?tenant=norrvik&status=new").await.expect(200).items();
    let body = json!({"findings": [open[0]["id"], open[1]["id"]], "reason": "Byts ut.", "standstill_days": 1, "cost_per_day": 1,
        "fix_cost": 1, "expires_at": "2027-02-01T12:00:00Z"});
    let asked = both.write(Method::POST, "/v1/risk-acceptances?tenant=norrvik", None, body).await.expect(201);
    let chief = world.person("chief", &[world.norrvik], "risk:approve").await;
    let approve = format!("/v1/risk-acceptances/{}/approve", asked.json()["id"].as_str().expect("an id"));
    chief.write(Method::POST, &approve, Some(&asked.etag()), json!({})).await.expect(200);
    world.advance(chrono::TimeDelta::days(12));
    world.keep_house().await;
    assert!(!both.get("/v1/findings?overdue=true").await.expect(200).items().is_empty());
}

/// The values that occur, and some that do not.
struct Pools(Map<String, Value>);

impl Pools {
    async fn of(who: &Person) -> Self {
        let mut pools: Map<String, Value> = Map::new();
        let mut add = |name: &str, value: &Value| {
            let pool = pools.entry(name).or_insert_with(|| json!([])).as_array_mut().expect("a list");
            if value.is_string() && !pool.contains(value) {
                pool.push(value.clone());
            }
        };
        let missing = json!("01900000-0000-7000-8000-000000000000");
        for finding in who.get("/v1/findings?limit=500").await.items() {
            for (name, field) in
                [("asset", "asset_id"), ("source", "source"), ("rule_key", "rule_key"), ("assignee", "assignee")]
            {
                add(name, &finding[field]);
            }
            for (name, field) in [("cve", "cves"), ("tag", "tags")] {
                finding[field].as_array().expect("a list").iter().for_each(|value| add(name, value));
            }
            for name in ["first_seen", "updated_at", "due_at"] {
                add(name, &finding[name]);
            }
        }
        who.get("/v1/tasks?limit=500").await.items().iter().for_each(|task| add("task", &task["id"]));
        for name in ["source", "rule_key", "assignee", "cve", "tag"] {
            add(name, &json!("nobody"));
        }
        who.get("/v1/risk-acceptances").await.items().iter().for_each(|one| add("acceptance", &one["id"]));
        for name in ["asset", "task", "acceptance"] {
            add(name, &missing);
        }
        Self(pools)
    }

    fn text(&self, pool: &str, name: &'static str) -> BoxedStrategy<Condition> {
        let values = self.0[pool].as_array().expect("a pool").clone();
        let as_condition = move |value: Value| (name, value.as_str().expect("text").to_owned(), value);
        select(values).prop_map(as_condition).boxed()
    }

    fn list(&self, name: &'static str, values: Vec<String>, upper: bool) -> BoxedStrategy<Condition> {
        let most = values.len().min(3);
        let as_condition = move |chosen: Vec<String>| {
            let of = |value: &String| if upper { value.to_uppercase() } else { value.clone() };
            (name, chosen.join(","), json!(chosen.iter().map(of).collect::<Vec<_>>()))
        };
        subsequence(values, 1..=most).prop_map(as_condition).boxed()
    }

    fn condition(&self, world: &World) -> BoxedStrategy<Condition> {
        let words = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let sources: Vec<String> = self.0["source"]
            .as_array()
            .expect("sources")
            .iter()
            .map(|s| s.as_str().expect("text").to_owned())
            .collect();
        // Names with a comma cannot stand in a list.
        let sources = sources.into_iter().filter(|source| !source.contains(',')).collect();
        let tenants = vec!["norrvik".into(), "alvsund".into(), world.norrvik.to_string(), "no-such-place".into()];
        prop_oneof![
            3 => self.list("severity", words("informational low medium high critical"), true),
            3 => self.list("status", words("new confirmed false_positive fix_claimed risk_accepted"), true),
            2 => self.list("priority", words("track track_closely attend act"), true),
            1 => self.list("epss_band", words("below_1 from_1 from_10 from_50 from_90"), true),
            1 => any::<bool>().prop_map(|kev| ("kev", kev.to_string(), json!(kev))),
            2 => self.list("kind", words("vulnerability misconfiguration observation compliance"), true),
            2 => self.list("source", sources, false),
            1 => self.list("tenant", tenants, false),
            1 => self.text("asset", "asset"),
            1 => self.text("task", "task"),
            1 => self.text("cve", "cve"),
            1 => self.text("tag", "tag"),
            1 => self.text("rule_key", "rule_key"),
            1 => self.text("assignee", "assignee"),
            1 => self.text("acceptance", "acceptance"),
            2 => any::<bool>().prop_map(|is| ("overdue", is.to_string(), json!(is))),
            1 => self.text("due_at", "due_from"),
            1 => self.text("due_at", "due_to"),
            1 => self.text("first_seen", "first_seen_from"),
            1 => self.text("first_seen", "first_seen_to"),
            1 => self.text("updated_at", "updated_from"),
            1 => self.text("updated_at", "updated_to"),
            1 => self.text("updated_at", "as_of"),
        ]
        .boxed()
    }

    fn asked(&self, world: &World) -> BoxedStrategy<Asked> {
        let limits = vec![None, Some(1), Some(3), Some(7), Some(500), Some(0), Some(501), Some(-1)];
        (
            prop::collection::vec(self.condition(world), 0..4),
            select(vec!["id", "severity", "priority", "first_seen", "updated_at", "due_at"]),
            any::<bool>(),
            prop_oneof![4 => select(limits[..5].to_vec()), 1 => select(limits)],
            subsequence(
                vec!["severity", "status", "kind", "source", "tenant", "tlp", "priority", "kev", "overdue"],
                0..4,
            ),
        )
            .prop_map(|(mut conditions, sort, descending, limit, by)| {
                // A parameter stands once.
                conditions.sort_by_key(|condition| condition.0);
                conditions.dedup_by_key(|condition| condition.0);
                Asked { conditions, sort, descending, limit, by }
            })
            .boxed()
    }
}

impl Asked {
    fn query(&self) -> String {
        let pair = |(name, value, _): &Condition| {
            let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            format!("{name}={value}")
        };
        self.conditions.iter().map(pair).collect::<Vec<_>>().join("&")
    }

    fn list_query(&self, cursor: Option<&str>) -> String {
        let limit = self.limit.map(|limit| format!("&limit={limit}")).unwrap_or_default();
        let sign = if self.descending { "-" } else { "" };
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        format!("/v1/findings?sort={sign}{}{limit}{cursor}&{}", self.sort, self.query())
    }

    /// By what an item has its place: the sort key, then the id.
    fn key(&self, item: &Value) -> (String, String) {
        let text = |name: &str| item[name].as_str().expect("text").to_owned();
        let severities = ["informational", "low", "medium", "high", "critical"];
        let priorities = ["track", "track_closely", "attend", "act"];
        let place =
            |words: &[&str]| words.iter().position(|word| item[self.sort] == *word).expect("a word").to_string();
        let key = match self.sort {
            "id" => String::new(),
            "severity" => place(&severities),
            "priority" => place(&priorities),
            "due_at" if item["due_at"].is_null() => "never".into(),
            time => {
                let time: chrono::DateTime<chrono::Utc> = text(time).parse().expect("a time");
                format!("{:020}", time.timestamp_millis())
            }
        };
        (key, text("id"))
    }

    fn filter(&self) -> Value {
        self.conditions.iter().map(|(name, _, value)| (camel(name), value.clone())).collect::<Map<_, _>>().into()
    }

    fn variables(&self, cursor: Option<&str>) -> Value {
        let direction = if self.descending { "DESC" } else { "ASC" };
        let order = json!({"field": self.sort.to_uppercase(), "direction": direction});
        json!({"filter": self.filter(), "order": order,
               "first": self.limit, "after": cursor,
               "by": self.by.iter().map(|by| by.to_uppercase()).collect::<Vec<_>>()})
    }
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &part[..1].to_uppercase() + &part[1..])
}

const LIST: &str = "query($filter: FindingFilter, $order: FindingOrder, $first: Int, $after: String) {
    findings(filter: $filter, orderBy: $order, first: $first, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { id tenantId assetId source sourceId sourceRef ruleKey fingerprint kind tlp withheld title description consequence
            recommendation severity reportedSeverity severityReason severityBy severityAt sourceSeverity
            cvssVector cvssScore kev epss epssBand priority priorityReasons cves cwes references tags status justification
            statusComment duplicateOf acceptanceId dueAt dueSoon overdue reopenedCount seenAfterDismissal assignee firstSeen
            lastSeen goneAt createdAt updatedAt seq
            location { port protocol service url path line endLine column logical } } } }";
const COUNTS: &str = "query($filter: FindingFilter, $by: [FindingFacet!]!) {
    findingCounts(filter: $filter, by: $by) { total items { by value count } } }";

/// Fields that hold a word of the vocabulary.
const WORDS: &[&str] =
    &["kind", "severity", "reportedSeverity", "status", "justification", "by", "tlp", "epssBand", "priority"];

/// GraphQL's item with the names and words of REST; null and left out are the same.
fn as_rest(item: &Value) -> Value {
    let plain = |(name, value): (&String, &Value)| {
        let word = WORDS.contains(&name.as_str());
        let value = match value {
            Value::Object(_) => as_rest(value),
            Value::String(text) if word => text.to_lowercase().into(),
            value => value.clone(),
        };
        let name = name.chars().fold(String::new(), |name, c| {
            if c.is_uppercase() { format!("{name}_{}", c.to_lowercase()) } else { format!("{name}{c}") }
        });
        (name, value)
    };
    let fields = item.as_object().expect("an object").iter().map(plain).filter(|(_, value)| !value.is_null());
    fields.collect::<Map<_, _>>().into()
}

fn without_nulls(item: &Value) -> Value {
    let fields = item.as_object().expect("an object").iter().filter(|(_, value)| !value.is_null());
    let plain = |value: &Value| if value.is_object() { without_nulls(value) } else { value.clone() };
    fields.map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>().into()
}

async fn rest_and_graphql_give_the_same_answer(kind: Kind) {
    let world = World::new(kind).await;
    let person = filled(&world).await;
    let pools = Pools::of(&person).await;
    let strategy = pools.asked(&world);
    let mut runner = TestRunner::deterministic();
    let (mut listed, mut refused) = (0, 0);
    for case in 0..cases() {
        let asked = strategy.new_tree(&mut runner).expect("a question").current();
        match compare_lists(&person, &asked).await {
            Some(items) => {
                listed += usize::from(items > 0);
                compare_counts(&person, &asked, Some(items)).await;
            }
            None => {
                refused += 1;
                compare_counts(&person, &asked, None).await;
            }
        }
        assert!(case < 50 || listed > 0 && refused > 0, "the questions have become meaningless");
    }
    world.end().await;
}

/// All pages, side by side, each going on from the other's cursor. Says how many items there were, unless refused.
async fn compare_lists(person: &Person, asked: &Asked) -> Option<usize> {
    let (mut keys, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let rest = person.get(&asked.list_query(cursor.as_deref())).await;
        let graphql = person.graphql(LIST, asked.variables(cursor.as_deref())).await;
        if !rest.status.is_success() {
            let error = &graphql["errors"][0]["extensions"];
            assert_eq!(error["code"], rest.code(), "{asked:?}: {graphql}");
            let detail = |errors: &Value| errors[0]["detail"].clone();
            assert_eq!(detail(&error["errors"]), detail(&rest.json()["errors"]), "{asked:?}");
            return None;
        }
        let connection = &graphql["data"]["findings"];
        let nodes = connection["nodes"].as_array().unwrap_or_else(|| panic!("{asked:?}: {graphql}"));
        let rest_items: Vec<_> = rest.items().iter().map(without_nulls).collect();
        assert_eq!(rest_items, nodes.iter().map(as_rest).collect::<Vec<_>>(), "{asked:?}");
        assert_eq!(rest.json()["has_more"], connection["pageInfo"]["hasNextPage"], "{asked:?}");
        keys.extend(rest.items().iter().map(|item| asked.key(item)));
        if rest.json()["has_more"] == false {
            let in_order =
                |pair: &[(String, String)]| if asked.descending { pair[0] > pair[1] } else { pair[0] < pair[1] };
            assert!(keys.windows(2).all(in_order), "{asked:?}: {keys:#?}");
            return Some(keys.len());
        }
        assert_eq!(rest.json()["next_cursor"], connection["pageInfo"]["endCursor"], "{asked:?}");
        cursor = connection["pageInfo"]["endCursor"].as_str().map(str::to_owned);
    }
}

async fn compare_counts(person: &Person, asked: &Asked, listed: Option<usize>) {
    let by = if asked.by.is_empty() { String::new() } else { format!("by={}&", asked.by.join(",")) };
    let rest = person.get(&format!("/v1/findings/facets?{by}{}", asked.query())).await;
    let graphql = person.graphql(COUNTS, asked.variables(None)).await;
    if !rest.status.is_success() {
        assert_eq!(graphql["errors"][0]["extensions"]["code"], rest.code(), "{asked:?}: {graphql}");
        return;
    }
    let counts = &graphql["data"]["findingCounts"];
    let rest = rest.json();
    assert_eq!(rest["total"], counts["total"], "{asked:?}");
    assert!(listed.is_none_or(|listed| rest["total"] == listed), "{asked:?}: {rest} and {listed:?} listed");
    let items: Vec<_> = counts["items"].as_array().expect("items").iter().map(as_rest).collect();
    assert_eq!(rest["items"].as_array(), Some(&items), "{asked:?}");
    for by in &asked.by {
        let of = |item: &&Value| item["by"] == *by;
        let sum: i64 = items.iter().filter(of).map(|item| item["count"].as_i64().expect("a number")).sum();
        assert_eq!(rest["total"], sum, "{asked:?}: the counts by {by} do not add up");
    }
}
