//! The walk over GraphQL, made from the schema by introspection.

use super::{MISSING, all_but, filled, with_scopes, without_trace};
use crate::support::{ALL, Answer, Kind, Person, World, on_both_stores, strangers::strangers};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_stores!(
    no_field_takes_a_stranger,
    every_field_needs_its_scope,
    no_field_tells_foreign_from_missing,
    no_field_shows_a_foreign_row,
);

/// How the walk asks for a field: what it needs, which resource its id is of, its arguments.
pub(super) struct Sample {
    scopes: &'static [&'static str],
    pub(super) resource: &'static str,
    arguments: &'static str,
}

/// Any right in the municipality will do.
const ANY: &[&str] = &[];

/// Whoever may comment on something may have second thoughts.
const COMMENTING: &[&str] = &["findings:write", "tasks:write", "tasks:claim"];

/// One sample per field of Query and Mutation. A new field fails the walk until it is here.
pub(super) fn sample(field: &str) -> Sample {
    let (scopes, resource, arguments): (&'static [&'static str], _, _) = match field {
        "me" | "tenants" | "labels" => (&[], "", ""),
        // Null for who may read nothing of it: which type an id is of is not told.
        "node" => (ANY, "findings", "(id: ID)"),
        "nodes" => (ANY, "findings", "(ids: [ID])"),
        "findings" => (&["findings:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "finding" => (&["findings:read"], "findings", "(id: ID)"),
        "findingEvidence" => (&["evidence:read"], "findings", "(id: ID)"),
        "findingSightings" => (&["findings:read"], "findings", "(id: ID)"),
        "findingCounts" => (&["findings:read"], "", "(by: [STATUS], filter: {tenant: [TENANT]})"),
        "tasks" => (&["tasks:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "task" => (&["tasks:read"], "tasks", "(id: ID)"),
        "imports" => (&["findings:read", "imports:write"], "", "(first: 2, tenant: [TENANT])"),
        "import" => (&["findings:read", "imports:write"], "imports", "(id: ID)"),
        "sources" => (&["findings:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "source" => (&["findings:read"], "sources", "(id: ID)"),
        "updateSource" => (&["findings:write"], "sources", "(id: ID, ifMatch: 1, input: {kind: EDR})"),
        "coverage" => (&["assets:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "changes" => (&["feed:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "audit" => (&["audit:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "updateFinding" => (&["findings:write"], "findings", "(id: ID, ifMatch: 1, input: {assignee: \"x\"})"),
        "transitionFinding" => {
            (&["findings:write", "findings:verify"], "findings", "(id: ID, ifMatch: 1, input: {to: IN_PROGRESS})")
        }
        "linkTicket" => (&["tasks:claim"], "tasks", "(taskId: ID, system: \"jira\", key: \"X-1\")"),
        "importReport" => (&["imports:write"], "", "(tenant: TENANT, content: \"{}\", format: NUCLEI)"),
        "riskAcceptances" => (&["findings:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "riskAcceptance" => (&["findings:read"], "risk-acceptances", "(id: ID)"),
        "requestRiskAcceptance" => {
            let arguments =
                "(tenant: TENANT, input: {findings: [\"01900000-0000-7000-8000-000000000000\"], reason: \"x\",
                standstillDays: 1, costPerDay: 1, fixCost: 1, expiresAt: \"2026-12-24T12:00:00Z\"})";
            (&["risk:request"], "", arguments)
        }
        "approveRiskAcceptance" => (&["risk:approve"], "risk-acceptances", "(id: ID, ifMatch: 1)"),
        "refuseRiskAcceptance" | "revokeRiskAcceptance" => {
            (&["risk:approve"], "risk-acceptances", "(id: ID, ifMatch: 1, input: {reason: \"x\"})")
        }
        "clients" => (&["clients:manage"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "client" => (&["clients:manage"], "clients", "(id: ID)"),
        "createClient" => {
            let arguments = "(input: {name: \"x\", purpose: \"x\", tenants: [TENANT], scopes: [\"clients:manage\"]})";
            (&["clients:manage"], "", arguments)
        }
        "updateClient" => (&["clients:manage"], "clients", "(id: ID, ifMatch: 1, input: {name: \"x\"})"),
        "rotateClientSecret" => (&["clients:manage"], "clients", "(id: ID, ifMatch: 2)"),
        "revokeClientTokens" => (&["clients:manage"], "clients", "(id: ID)"),
        "grants" => (&["grants:manage"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "grant" => (&["grants:manage"], "grants", "(id: ID)"),
        "createGrant" => {
            let arguments = "(tenant: TENANT, input: {issuer: \"x\", subject: \"x\", scopes: [\"grants:manage\"]})";
            (&["grants:manage"], "", arguments)
        }
        "updateGrant" => (&["grants:manage"], "grants", "(id: ID, ifMatch: 1, input: {})"),
        "revokeGrant" => (&["grants:manage"], "grants", "(id: ID)"),
        "tenantSettings" => (ANY, "", "(tenant: TENANT)"),
        "updateTenantSettings" => (&["tenants:manage"], "", "(tenant: TENANT, ifMatch: 1, input: {language: EN})"),
        "retest" => (&["findings:read"], "retests", "(id: ID)"),
        "recordRetest" => {
            let arguments = "(findingId: ID, ifMatch: 1, input: {method: SCAN, result: NOT_FIXED})";
            (&["findings:verify"], "findings", arguments)
        }
        "bulkFindings" => {
            let arguments = "(input: {ids: [ID], transition: {to: CONFIRMED}})";
            (&["findings:write", "findings:verify"], "", arguments)
        }
        "comment" => (&["findings:read", "tasks:read"], "comments", "(id: ID)"),
        "commentOnFinding" => (&["findings:write"], "findings", "(findingId: ID, input: {text: \"x\"})"),
        "commentOnTask" => (&["tasks:write", "tasks:claim"], "tasks", "(taskId: ID, input: {text: \"x\"})"),
        "updateComment" => (COMMENTING, "comments", "(id: ID, ifMatch: 1, input: {text: \"x\"})"),
        "deleteComment" => (COMMENTING, "comments", "(id: ID, ifMatch: 1)"),
        "attachment" => (&["evidence:read"], "attachments", "(id: ID)"),
        "deleteAttachment" => (&["evidence:write"], "attachments", "(id: ID, ifMatch: 1)"),
        other => of_inventory(other),
    };
    Sample { scopes, resource, arguments }
}

/// The fields that are about assets and services.
fn of_inventory(field: &str) -> (&'static [&'static str], &'static str, &'static str) {
    match field {
        "assets" => (&["assets:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "asset" => (&["assets:read"], "assets", "(id: ID)"),
        "createAsset" => (&["assets:write"], "", "(tenant: TENANT, input: {name: \"x\"})"),
        "updateAsset" => (&["assets:write"], "assets", "(id: ID, ifMatch: 1, input: {name: \"x\"})"),
        "reviewAsset" | "restoreAsset" => (&["assets:write"], "assets", "(id: ID, ifMatch: 1)"),
        "retireAsset" => (&["assets:write"], "assets", "(id: ID, ifMatch: 1, input: {reason: \"x\"})"),
        "mergeAsset" => (&["assets:write"], "assets", "(id: ID, ifMatch: 1, into: ID)"),
        "importAssets" => (&["assets:write"], "", "(tenant: TENANT, content: \"[]\", format: JSON)"),
        "businessServices" => (&["assets:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "businessService" => (&["assets:read"], "services", "(id: ID)"),
        "createBusinessService" => (&["assets:write"], "", "(tenant: TENANT, input: {name: \"x\"})"),
        "updateBusinessService" => (&["assets:write"], "services", "(id: ID, ifMatch: 1, input: {name: \"x\"})"),
        "deleteBusinessService" => (&["assets:write"], "services", "(id: ID, ifMatch: 1)"),
        other => of_identity(other),
    }
}

/// The fields that are about what makes findings the same.
fn of_identity(field: &str) -> (&'static [&'static str], &'static str, &'static str) {
    match field {
        "findingAliases" => (&["findings:read"], "findings", "(first: 2, id: ID)"),
        "relatedFindings" => (&["findings:read"], "findings", "(first: 2, id: ID)"),
        "explainFindings" => (&["findings:read"], "findings", "(id: ID, other: ID)"),
        "fingerprintRule" => (&["findings:read"], "sources", "(sourceId: ID)"),
        "previewFingerprintRule" => (&["findings:read"], "sources", "(sourceId: ID, rule: {parts: [RULE_KEY]})"),
        "setFingerprintRule" => {
            (&["findings:write", "tenants:manage"], "sources", "(sourceId: ID, ifMatch: 7, input: {parts: [PORT]})")
        }
        "rerunFingerprintRule" => (&["findings:write", "tenants:manage"], "sources", "(sourceId: ID, ifMatch: 7)"),
        "mergeFinding" => {
            let arguments = "(id: ID, ifMatch: 1, input: {into: \"01900000-0000-7000-8000-00000000ffff\"})";
            (&["findings:write"], "findings", arguments)
        }
        "splitFinding" => (
            &["findings:write"],
            "findings",
            concat!(
                "(id: ID, ifMatch: 1, input: {fingerprints: [\"",
                "0000000000000000000000000000000000000000000000000000000000000000",
                "\"]})"
            ),
        ),
        work => of_work(work),
    }
}

/// The fields that are about tasks and tickets.
fn of_work(field: &str) -> (&'static [&'static str], &'static str, &'static str) {
    match field {
        "createTask" => (&["tasks:write"], "", "(tenant: TENANT, input: {title: \"x\"})"),
        "updateTask" => (&["tasks:write"], "tasks", "(id: ID, ifMatch: 1, input: {assignee: \"x\"})"),
        "transitionTask" => (&["tasks:write"], "tasks", "(id: ID, ifMatch: 1, input: {to: IN_PROGRESS})"),
        "claimTasks" => (&["tasks:claim"], "", "(tenant: [TENANT], input: {system: \"topdesk\", limit: 1})"),
        "renewLease" | "releaseLease" => (&["tasks:claim"], "tasks", "(taskId: ID, input: {system: \"x\", lease: ID})"),
        "unlinkTicket" => (&["tasks:claim"], "tasks", "(taskId: ID, system: \"jira\")"),
        "tickets" => (&["tasks:read"], "", "(first: 2, filter: {tenant: [TENANT]})"),
        "reportTickets" => {
            let arguments = "(tenant: [TENANT], input: {system: \"jira\", items: [{key: \"X-1\", state: \"Open\"}]})";
            (&["tasks:claim"], "", arguments)
        }
        "reconcileTickets" => (&["tasks:claim"], "", "(tenant: TENANT, input: {system: \"jira\", items: []})"),
        "ticketMapping" => (&["tasks:read"], "", "(tenant: TENANT, system: \"jira\")"),
        "previewTicketMapping" => (&["tasks:read"], "", "(tenant: TENANT, system: \"jira\", states: [])"),
        "updateTicketMapping" => {
            (&["tenants:manage"], "", "(tenant: TENANT, system: \"jira\", ifMatch: 0, states: [])")
        }
        new => panic!("{new}: the walk has no sample for it"),
    }
}

/// The schema as introspection tells it.
pub(super) struct Types(BTreeMap<String, Value>);

pub(super) struct Field {
    pub(super) operation: &'static str,
    pub(super) name: String,
    /// All that can be selected of it.
    selection: String,
}

impl Types {
    pub(super) async fn of(who: &Person) -> Self {
        let query = "{ __schema { types { name kind possibleTypes { name } fields { name
            type { ...T } args { name defaultValue type { kind } } } } } }
            fragment T on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }";
        let answer = who.graphql(query, json!({})).await;
        let types = answer["data"]["__schema"]["types"].as_array().expect("types");
        Self(types.iter().map(|kind| (kind["name"].as_str().expect("a name").to_owned(), kind.clone())).collect())
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        [("query", "Query"), ("mutation", "Mutation")]
            .into_iter()
            .flat_map(|(operation, root)| {
                let fields = self.0[root]["fields"].as_array().expect("fields");
                fields.iter().map(move |field| Field {
                    operation,
                    name: field["name"].as_str().expect("a name").to_owned(),
                    selection: self.selection(&inner(&field["type"]), &mut vec![]),
                })
            })
            .collect()
    }

    /// Every field of a type, every type within it once on each way down.
    fn selection(&self, name: &str, way: &mut Vec<String>) -> String {
        let kind = &self.0[name];
        if let Some(members) = kind["possibleTypes"].as_array().filter(|_| kind["kind"] != "OBJECT") {
            let member = |member: &Value| {
                let member = member["name"].as_str().expect("a name");
                // Aliases, since members have fields of one name and different types.
                let fields = self.members(member, way, &format!("{member}_"));
                format!("... on {member} {{ {fields} }}")
            };
            return format!("{{ __typename {} }}", members.iter().map(member).collect::<Vec<_>>().join(" "));
        }
        let Some(_) = kind["fields"].as_array() else { return String::new() };
        let mut way = way.clone();
        let members = self.members(name, &mut way, "");
        if members.is_empty() { "{ __typename }".to_owned() } else { format!("{{ {members} }}") }
    }

    fn members(&self, name: &str, way: &mut Vec<String>, prefix: &str) -> String {
        if way.iter().any(|above| above == name) {
            return "__typename".to_owned();
        }
        way.push(name.to_owned());
        let fields = self.0[name]["fields"].as_array().expect("fields");
        let member = |field: &Value| {
            let (name, kind) = (field["name"].as_str().expect("a name"), inner(&field["type"]));
            let alias = if prefix.is_empty() { String::new() } else { format!("{prefix}{name}: ") };
            format!("{alias}{name} {}", self.selection(&kind, &mut way.clone()))
        };
        let members = fields.iter().map(member).collect::<Vec<_>>().join(" ");
        way.pop();
        members
    }
}

/// The name of a type without its lists and exclamation marks.
fn inner(kind: &Value) -> String {
    let mut kind = kind;
    while kind["name"].is_null() {
        kind = &kind["ofType"];
    }
    kind["name"].as_str().expect("a name").to_owned()
}

impl Field {
    fn query(&self, id: &str, tenant: &str) -> Value {
        let arguments = sample(&self.name).arguments;
        let arguments = arguments.replace("ID", &format!("\"{id}\"")).replace("TENANT", &format!("\"{tenant}\""));
        json!({"query": format!("{} {{ {}{arguments} {} }}", self.operation, self.name, self.selection)})
    }

    pub(super) async fn ask(&self, who: &Person, id: &str, tenant: &str) -> Answer {
        who.write(Method::POST, "/graphql", None, self.query(id, tenant)).await
    }
}

/// Every code in the answer's errors.
fn codes(answer: &Answer) -> Vec<String> {
    let answer = answer.json();
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["extensions"]["code"].as_str().expect("a code").to_owned()).collect()
}

/// A world whose documents may ask for everything at once.
pub(super) async fn wide(kind: Kind) -> World {
    World::with(kind, |config| {
        let limits = &mut config.limits;
        (limits.graphql_complexity, limits.graphql_tokens, limits.graphql_aliases) = (100_000_000, 100_000, 10_000);
    })
    .await
}

async fn no_field_takes_a_stranger(kind: Kind) {
    let world = wide(kind).await;
    let types = Types::of(&world.lead().await).await;
    let strangers = strangers(&world).await;
    for field in types.fields() {
        for (name, stranger) in &strangers {
            let answer = field.ask(stranger, MISSING, "norrvik").await;
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (401, "unauthenticated".into()),
                "{} by {name}",
                field.name
            );
        }
    }
    world.end().await;
}

async fn every_field_needs_its_scope(kind: Kind) {
    let world = wide(kind).await;
    let types = Types::of(&world.lead().await).await;
    for field in types.fields() {
        let scopes = sample(&field.name).scopes;
        let too_little = with_scopes(&world, &all_but(scopes)).await;
        let answer = field.ask(&too_little, MISSING, "norrvik").await;
        let refused = codes(&answer).iter().any(|code| code == "forbidden");
        assert_eq!(refused, !scopes.is_empty(), "{}: {}", field.name, answer.text);
    }
    world.end().await;
}

async fn no_field_tells_foreign_from_missing(kind: Kind) {
    let world = wide(kind).await;
    let (norrvik, alvsund) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let lead = with_scopes(&world, ALL).await;
    for field in Types::of(&lead).await.fields() {
        let sample = sample(&field.name);
        if !sample.resource.is_empty() {
            let foreign = field.ask(&lead, alvsund.id(sample.resource), "norrvik").await;
            let missing = field.ask(&lead, MISSING, "norrvik").await;
            assert_eq!(without_trace(&foreign), without_trace(&missing), "{}", field.name);
            let own = field.ask(&lead, norrvik.id(sample.resource), "norrvik").await;
            assert_ne!(without_trace(&own), without_trace(&missing), "{}", field.name);
        } else if sample.arguments.contains("TENANT") {
            let foreign = field.ask(&lead, "", "alvsund").await;
            let missing = field.ask(&lead, "", "no-such-place").await;
            assert_eq!(codes(&foreign), ["unknown_tenant"], "{}", field.name);
            assert_eq!(without_trace(&foreign), without_trace(&missing), "{}", field.name);
        }
    }
    world.end().await;
}

/// Everything that can be selected at all holds nothing of another municipality.
async fn no_field_shows_a_foreign_row(kind: Kind) {
    let world = wide(kind).await;
    let (norrvik, alvsund) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let lead = with_scopes(&world, ALL).await;
    for field in Types::of(&lead).await.fields().into_iter().filter(|field| field.operation == "query") {
        let sample = sample(&field.name);
        let id = norrvik.one.get(sample.resource).map_or(MISSING, String::as_str);
        let answer = field.ask(&lead, id, "norrvik").await;
        assert_eq!(codes(&answer), Vec::<String>::new(), "{}: {}", field.name, answer.text);
        assert_eq!(alvsund.leaked_in(&answer.text), Default::default(), "{}", field.name);
        // Counts hold no id, and words are everybody's.
        let counts = ["labels", "findingCounts", "previewTicketMapping", "previewFingerprintRule"];
        let own = counts.contains(&field.name.as_str()) || !norrvik.leaked_in(&answer.text).is_empty();
        assert!(own, "{} shows nothing of its own: {}", field.name, answer.text);
    }
    world.end().await;
}
