//! Every list that both edges have, under random filters made from the schema:
//! the same items, pages and cursors, and the same refusals.

use super::{
    cases,
    schema::{Inner, Types, snake, without_nulls},
};
use crate::{
    support::{ALL, Kind, Person, World, document::DOCUMENT, on_both_stores},
    wall::{MISSING, filled},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

on_both_stores!(every_list_is_the_same_on_both_edges, what_hangs_on_one_is_the_same_on_both_edges);

/// A list's name in paths and its query.
const LISTS: &[(&str, &str)] = &[
    ("assets", "assets"),
    ("audit", "audit"),
    ("changes", "changes"),
    ("clients", "clients"),
    ("coverage", "coverage"),
    ("findings", "findings"),
    ("grants", "grants"),
    ("imports", "imports"),
    ("risk-acceptances", "riskAcceptances"),
    ("services", "businessServices"),
    ("sources", "sources"),
    ("tasks", "tasks"),
    ("tickets", "tickets"),
];

/// Lists that only one edge has, or that are no list of a query.
const OF_REST_ALONE: &[&str] = &["findings/facets", "labels", "me", "tenants"];

/// Numbers that look random and are the same each time (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one<'v, T>(&mut self, of: &'v [T]) -> &'v T {
        &of[self.below(of.len())]
    }
}

/// Values that occur, by the names of the fields that they occur in.
#[derive(Default)]
struct Pools(BTreeMap<String, BTreeSet<String>>);

impl Pools {
    fn add(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.add(name, value)),
            Value::Array(items) => items.iter().for_each(|item| self.add(name, item)),
            // A comma cannot stand in a list of REST.
            Value::String(text) if !text.contains(',') => {
                self.0.entry(name.to_owned()).or_default().insert(text.clone());
            }
            _ => {}
        }
    }

    /// What a filter of this name is about.
    fn of(&self, name: &str) -> Vec<String> {
        let about = name.trim_end_matches("_from").trim_end_matches("_to").trim_start_matches("without_");
        let about = match about {
            "identifier" => "value",
            "q" => "name",
            "ticket" => "system",
            other => other,
        };
        let known = [about.to_owned(), format!("{about}_id"), format!("{about}_at"), format!("{about}s")];
        known.iter().filter_map(|name| self.0.get(name)).flatten().cloned().collect()
    }
}

/// A question, in the words of both.
#[derive(Debug)]
struct Asked {
    rest: Vec<(String, String)>,
    filter: Map<String, Value>,
    order: Option<(String, bool)>,
    first: Option<i64>,
}

struct Edges<'w> {
    who: &'w Person,
    types: Types,
    pools: Pools,
}

impl Edges<'_> {
    /// A condition's value in REST and in GraphQL.
    fn value(&self, name: &str, of: &Inner<'_>, dice: &mut Dice) -> (String, Value) {
        let chosen: Vec<(String, Value)> = (0..if of.is_list { 1 + dice.below(2) } else { 1 })
            .map(|_| match (of.kind, of.name) {
                ("ENUM", kind) => {
                    let word = dice.one(&self.types.words(kind)).clone();
                    (word.to_lowercase(), word.into())
                }
                (_, "Boolean") => {
                    let is = dice.below(2) == 0;
                    (is.to_string(), is.into())
                }
                (_, "Int") => {
                    let number = *dice.one(&[0, 1, 7, 400, -1]);
                    (number.to_string(), number.into())
                }
                (_, kind) => {
                    let none = match kind {
                        "ID" => MISSING,
                        "DateTime" => "2026-11-24T08:00:00Z",
                        _ => "nobody",
                    };
                    let mut known = self.pools.of(name);
                    known.retain(|text| match kind {
                        "ID" => text.parse::<uuid::Uuid>().is_ok(),
                        "DateTime" => text.parse::<chrono::DateTime<chrono::Utc>>().is_ok(),
                        _ => true,
                    });
                    let text =
                        if known.is_empty() || dice.below(8) == 0 { none.to_owned() } else { dice.one(&known).clone() };
                    (text.clone(), text.into())
                }
            })
            .collect();
        let rest = chosen.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(",");
        let mut values = chosen.into_iter().map(|(_, value)| value);
        (rest, if of.is_list { values.collect() } else { values.next().expect("a value") })
    }

    fn ask(&self, query: &str, dice: &mut Dice) -> Asked {
        let filter = self.types.of_argument(query, "filter").expect("a filter");
        let conditions = self.types.conditions(filter.name);
        let mut asked = Asked { rest: Vec::new(), filter: Map::new(), order: None, first: None };
        for _ in 0..dice.below(4) {
            let (camel, of) = dice.one(&conditions);
            let name = snake(camel);
            if asked.filter.contains_key(*camel) {
                continue;
            }
            let (text, value) = self.value(&name, of, dice);
            asked.rest.push((name, text));
            asked.filter.insert((*camel).to_owned(), value);
        }
        asked.first =
            *dice.one(&[None, Some(1), Some(2), Some(3), Some(7), Some(100), Some(0), Some(501), Some(1_001)]);
        if let Some(order) = self.types.of_argument(query, "orderBy").filter(|_| dice.below(2) == 0) {
            let fields = self.types.conditions(order.name);
            let (_, key) = fields.iter().find(|(name, _)| *name == "field").expect("a field");
            asked.order = Some((dice.one(&self.types.words(key.name)).clone(), dice.below(2) == 0));
        }
        asked
    }

    async fn rest(&self, path: &str, asked: &Asked, cursor: Option<&str>) -> crate::support::Answer {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&asked.rest);
        if let Some((key, descending)) = &asked.order {
            query.append_pair("sort", &format!("{}{}", if *descending { "-" } else { "" }, key.to_lowercase()));
        }
        if let Some(first) = asked.first {
            query.append_pair("limit", &first.to_string());
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        self.who.get(&format!("/v1/{path}?{}", query.finish())).await
    }

    /// The items, whether there are more, and where they go on; or the code of the refusal.
    async fn graphql(&self, query: &str, asked: &Asked, cursor: Option<&str>) -> Result<(Value, Value, Value), Value> {
        let page = self.types.of_field("Query", query).name;
        let is_feed = query == "changes";
        let items = if is_feed { "items" } else { "nodes" };
        let node = self.types.of_field(page, items).name;
        let selection = self.types.selection(node);
        let paging = if is_feed { "hasMore nextCursor" } else { "pageInfo { hasNextPage endCursor }" };
        let mut variables = json!({"filter": asked.filter, "first": asked.first, "after": cursor});
        let mut order = (String::new(), "");
        if let (Some((key, descending)), Some(kind)) = (&asked.order, self.types.of_argument(query, "orderBy")) {
            let direction = if *descending { "DESC" } else { "ASC" };
            variables["order"] = json!({"field": key, "direction": direction});
            order = (format!(", $order: {}", kind.name), ", orderBy: $order");
        }
        let filter = self.types.of_argument(query, "filter").expect("a filter").name;
        let document = format!(
            "query($filter: {filter}, $first: Int, $after: String{}) {{ {query}(filter: $filter, first: $first, after: $after{}) {{
                {items} {{ {selection} }} {paging} }} }}",
            order.0, order.1
        );
        let answer = self.who.graphql(&document, variables).await;
        if !answer["errors"].is_null() {
            return Err(answer["errors"][0]["extensions"]["code"].clone());
        }
        let page = &answer["data"][query];
        let (more, next) = if is_feed {
            (&page["hasMore"], &page["nextCursor"])
        } else {
            (&page["pageInfo"]["hasNextPage"], &page["pageInfo"]["endCursor"])
        };
        Ok((self.types.as_rest(node, &page[items]), more.clone(), next.clone()))
    }

    /// All pages side by side, each going on from the other's cursor. Says how many items there were, unless refused.
    async fn compare(&self, path: &str, query: &str, asked: &Asked) -> Option<usize> {
        let (mut count, mut cursor) = (0, None::<String>);
        loop {
            let rest = self.rest(path, asked, cursor.as_deref()).await;
            let graphql = self.graphql(query, asked, cursor.as_deref()).await;
            let (items, more, next) = match graphql {
                Ok(page) => page,
                Err(code) => {
                    assert!(!rest.status.is_success(), "{path}: GraphQL alone refuses with {code}: {asked:?}");
                    // A page that no list gives may first be found too dear.
                    let is_dear = code == "query_too_complex" && asked.first.is_some_and(|first| first > 500);
                    assert!(is_dear || code == rest.code(), "{path}: {code} and {}: {asked:?}", rest.code());
                    return None;
                }
            };
            let page = rest.expect(200).json();
            assert_eq!(shown(path, &page["items"]), items, "{path}: {asked:?}");
            assert_eq!(page["has_more"], more, "{path}: {asked:?}");
            count += items.as_array().expect("items").len();
            if more == false || count > 400 {
                return Some(count);
            }
            assert_eq!(page["next_cursor"], next, "{path}: {asked:?}");
            cursor = next.as_str().map(str::to_owned);
        }
    }
}

/// REST's items as the comparison has them: without nulls, and in the feed without the resources.
fn shown(path: &str, items: &Value) -> Value {
    let mut items = without_nulls(items);
    if path == "changes" {
        for item in items.as_array_mut().expect("items") {
            let item = item.as_object_mut().expect("an item");
            item.remove("resource");
            let event = item["event"].as_str().expect("an event").replace('.', "_");
            item.insert("event".to_owned(), event.into());
        }
    }
    items
}

async fn edges<'w>(who: &'w Person) -> Edges<'w> {
    let mut pools = Pools::default();
    for (path, _) in LISTS {
        let page = who.get(&format!("/v1/{path}?limit=100")).await.expect(200);
        page.items().iter().for_each(|item| {
            pools.add("", item);
            pools.add(path.trim_end_matches('s'), &item["id"]);
        });
    }
    for tenant in ["norrvik", "alvsund", "no-such-place"] {
        pools.add("tenant", &json!(tenant));
    }
    Edges { who, types: Types::of(who).await, pools }
}

/// The parameters of a list by the document, but those that every list has.
fn parameters(path: &str) -> BTreeSet<&'static str> {
    let all = DOCUMENT["paths"][format!("/v1/{path}")]["get"]["parameters"].as_array().expect("parameters");
    // What stands for every operation alike is referred to.
    let names = all.iter().filter_map(|parameter| parameter["name"].as_str());
    names
        .filter(|name| !["limit", "cursor", "fields", "sort", "count", "include", "since", "wait"].contains(name))
        .collect()
}

async fn every_list_is_the_same_on_both_edges(kind: Kind) {
    let world = World::new(kind).await;
    filled(&world, "norrvik").await;
    filled(&world, "alvsund").await;
    let both = world.person("comparer", &[world.norrvik, world.alvsund], ALL).await;
    let edges = edges(&both).await;
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let lists =
        paths.iter().filter(|(_, path)| path.get("get").is_some()).filter_map(|(path, _)| path.strip_prefix("/v1/"));
    let lists: Vec<&str> = lists.filter(|path| !path.contains('{') && !OF_REST_ALONE.contains(path)).collect();
    assert_eq!(lists, LISTS.iter().map(|(path, _)| *path).collect::<Vec<_>>(), "a list that is not compared");
    let mut dice = Dice(2_026);
    for (path, query) in LISTS {
        let filter = edges.types.of_argument(query, "filter").expect("a filter");
        let conditions: Vec<String> = edges.types.conditions(filter.name).iter().map(|(name, _)| snake(name)).collect();
        assert_eq!(
            conditions.iter().map(String::as_str).collect::<BTreeSet<_>>(),
            parameters(path),
            "filters of {path}"
        );
        let (mut listed, mut refused) = (0, 0);
        for _ in 0..cases().div_ceil(4).max(12) {
            let asked = edges.ask(query, &mut dice);
            match edges.compare(path, query, &asked).await {
                Some(items) => listed += usize::from(items > 0),
                None => refused += 1,
            }
        }
        assert!(
            listed > 1 && refused > 0,
            "{path}: {listed} listed, {refused} refused: the questions have become meaningless"
        );
    }
    world.end().await;
}

/// Pages of what hangs on a resource: the path within it, and the connection.
async fn what_hangs_on_one_is_the_same_on_both_edges(kind: Kind) {
    let world = World::new(kind).await;
    let (norrvik, _) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let both = world.person("comparer", &[world.norrvik, world.alvsund], ALL).await;
    let types = Types::of(&both).await;
    for (resource, name, connection, node, within) in [
        ("findings", "comments", "comments", "Comment", Some("finding")),
        ("tasks", "comments", "comments", "Comment", Some("task")),
        ("findings", "aliases", "findingAliases", "FindingAlias", None),
        ("findings", "related", "relatedFindings", "Finding", None),
    ] {
        let page = format!("{{ nodes {{ {} }} pageInfo {{ hasNextPage endCursor }} }}", types.selection(node));
        let document = match within {
            Some(one) => format!(
                "query($id: ID!, $after: String) {{ {one}(id: $id) {{ {connection}(first: 1, after: $after) {page} }} }}"
            ),
            None => {
                format!("query($id: ID!, $after: String) {{ {connection}(id: $id, first: 1, after: $after) {page} }}")
            }
        };
        let (id, mut pages, mut cursor) = (norrvik.id(resource), 0, None::<String>);
        loop {
            let more = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let rest = both.get(&format!("/v1/{resource}/{id}/{name}?limit=1{more}")).await.expect(200).json();
            let answer = both.graphql(&document, json!({"id": id, "after": cursor})).await;
            let found = within.map_or(&answer["data"][connection], |one| &answer["data"][one][connection]);
            assert_eq!(
                types.as_rest(node, &found["nodes"]),
                without_nulls(&rest["items"]),
                "{resource} {name}: {answer}"
            );
            assert_eq!(found["pageInfo"]["hasNextPage"], rest["has_more"], "{resource} {name}");
            pages += 1;
            if rest["has_more"] == false {
                break;
            }
            cursor = rest["next_cursor"].as_str().map(str::to_owned);
        }
        assert!(pages > 1, "{resource} {name} has no second page");
    }
    world.end().await;
}
