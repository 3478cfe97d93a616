//! How each code is provoked, over REST and over GraphQL.

use super::{
    document,
    scene::{Scene, acceptance_of, id, tag},
};
use crate::{
    support::{Person, generated_report},
    wall::MISSING,
};
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

/// A code, who provokes it, and the requests that do so each by itself.
pub(super) struct Case {
    pub(super) code: &'static str,
    pub(super) who: Person,
    pub(super) requests: Vec<RequestBuilder>,
}

fn case(code: &'static str, who: &Person, requests: Vec<RequestBuilder>) -> Case {
    Case { code, who: who.clone(), requests }
}

/// A request with a body, and the version that it is meant for.
fn send(who: &Person, method: Method, path: &str, version: Option<&str>, body: Value) -> RequestBuilder {
    let request = who.request(method, path).json(&body);
    match version {
        Some(version) => request.header(header::IF_MATCH, version),
        None => request,
    }
}

fn get(who: &Person, path: &str) -> RequestBuilder {
    who.request(Method::GET, path)
}

/// A document without variables.
fn ask(who: &Person, query: &str) -> RequestBuilder {
    document(who, query, json!({}))
}

pub(super) fn of_requests(scene: &Scene) -> Vec<Case> {
    let Scene { world, lead, reader, findings, .. } = scene;
    let anyone = &world.bearer("no token");
    let long = json!({"query": "{ me { issuer } }", "title": "x".repeat(2 << 20)});
    let other_kind =
        |path: &str| lead.request(Method::POST, path).header(header::CONTENT_TYPE, "text/plain").body("{}");
    let packed = lead.request(Method::POST, "/v1/imports").header("content-encoding", "zstd").body("not packed");
    let finding = format!("/v1/findings/{}", id(&findings[0]));
    let update = |who, id: &str, version: &str| {
        ask(who, &format!("mutation {{ updateFinding(id: \"{id}\" {version} input: {{assignee: \"x\"}}) {{ id }} }}"))
    };
    let patch = |who, path: &str, version| send(who, Method::PATCH, path, version, json!({"assignee": "x"}));
    vec![
        case("unauthenticated", anyone, vec![get(anyone, "/v1/findings"), ask(anyone, "{ me { issuer } }")]),
        case(
            "forbidden",
            reader,
            vec![patch(reader, &finding, Some("\"1-0\"")), update(reader, MISSING, "ifMatch: 1")],
        ),
        case(
            "not_found",
            lead,
            vec![get(lead, &format!("/v1/findings/{MISSING}")), update(lead, MISSING, "ifMatch: 1")],
        ),
        case(
            "method_not_allowed",
            lead,
            vec![send(lead, Method::PUT, "/v1/findings", None, json!({})), get(lead, "/graphql")],
        ),
        case("bad_request", lead, vec![packed]),
        case(
            "invalid_parameter",
            lead,
            vec![get(lead, "/v1/findings?nothing=1"), ask(lead, "{ findings(first: 501) { nodes { id } } }")],
        ),
        case(
            "invalid_body",
            lead,
            vec![
                send(lead, Method::POST, "/v1/tasks", None, json!({"title": ""})),
                ask(lead, "mutation { createTask(input: {title: \"\"}) { id } }"),
            ],
        ),
        case("precondition_required", lead, vec![patch(lead, &finding, None), update(lead, id(&findings[0]), "")]),
        case(
            "stale",
            lead,
            vec![patch(lead, &finding, Some("\"999999-0\"")), update(lead, id(&findings[0]), "ifMatch: 999999")],
        ),
        case(
            "payload_too_large",
            lead,
            vec![
                send(lead, Method::POST, "/v1/tasks", None, long.clone()),
                send(lead, Method::POST, "/graphql", None, long),
            ],
        ),
        case("unsupported_media_type", lead, vec![other_kind("/v1/tasks"), other_kind("/graphql")]),
    ]
}

/// What lists and keys are refused for.
pub(super) fn of_lists_and_keys(scene: &Scene) -> Vec<Case> {
    let Scene { lead, both, cursor, .. } = scene;
    let list = "nodes { id }";
    let key = send(lead, Method::POST, "/v1/tasks", None, json!({"title": "Två"})).header("idempotency-key", "scene");
    vec![
        case(
            "cursor_invalid",
            lead,
            vec![
                get(lead, "/v1/findings?cursor=abc"),
                ask(lead, &format!("{{ findings(after: \"abc\") {{ {list} }} }}")),
            ],
        ),
        case(
            "cursor_filter_mismatch",
            lead,
            vec![
                get(lead, &format!("/v1/findings?severity=high&cursor={cursor}")),
                ask(lead, &format!("{{ findings(filter: {{severity: [HIGH]}}, after: \"{cursor}\") {{ {list} }} }}")),
            ],
        ),
        case(
            "tenant_required",
            both,
            vec![
                send(both, Method::POST, "/v1/tasks", None, json!({"title": "x"})),
                ask(both, "mutation { createTask(input: {title: \"x\"}) { id } }"),
            ],
        ),
        case(
            "unknown_tenant",
            lead,
            vec![
                get(lead, "/v1/findings?tenant=nowhere"),
                ask(lead, &format!("{{ findings(filter: {{tenant: [\"nowhere\"]}}) {{ {list} }} }}")),
            ],
        ),
        case(
            "idempotency_mismatch",
            lead,
            vec![key, ask(lead, "mutation { createTask(input: {title: \"Två\"}, idempotencyKey: \"scene\") { id } }")],
        ),
        case("not_acceptable", lead, vec![get(lead, "/v1/findings").header(header::ACCEPT, "text/html")]),
    ]
}

pub(super) fn of_findings(scene: &Scene) -> Vec<Case> {
    let Scene { lead, findings, claimed, acceptance, comment, attachment, .. } = scene;
    let move_to = |code, of: &Value, to: &str| {
        let query = format!(
            "mutation {{ transitionFinding(id: \"{}\", ifMatch: {}, input: {{to: {}}}) {{ id }} }}",
            id(of),
            of["seq"],
            to.to_uppercase()
        );
        let path = format!("/v1/findings/{}/transition", id(of));
        case(code, lead, vec![send(lead, Method::POST, &path, Some(&tag(of)), json!({"to": to})), ask(lead, &query)])
    };
    let acceptance_step = |step: &str, field: &str| {
        let path = format!("/v1/risk-acceptances/{}/{step}", id(acceptance));
        let query = format!(
            "mutation {{ {field}(id: \"{}\", ifMatch: {}, input: {{reason: \"x\"}}) {{ id }} }}",
            id(acceptance),
            acceptance["seq"]
        );
        vec![send(lead, Method::POST, &path, Some(&tag(acceptance)), json!({"reason": "x"})), ask(lead, &query)]
    };
    let again = "mutation($input: RiskAcceptanceInput!) { requestRiskAcceptance(input: $input) { id } }";
    let accepted = json!({"id": acceptance["findings"][0]["finding_id"]});
    let wish = json!({"input": {"findings": [accepted["id"]], "reason": "x", "standstillDays": 1, "costPerDay": 1, "fixCost": 1,
        "expiresAt": "2026-12-24T12:00:00Z"}});
    let comment_path = format!("/v1/comments/{}", id(comment));
    let recomment = format!(
        "mutation {{ updateComment(id: \"{}\", ifMatch: {}, input: {{text: \"x\"}}) {{ id }} }}",
        id(comment),
        comment["seq"]
    );
    let file = format!("/v1/attachments/{}", id(attachment));
    let unfile =
        format!("mutation {{ deleteAttachment(id: \"{}\", ifMatch: {}) {{ id }} }}", id(attachment), attachment["seq"]);
    let bulk = |filter: Value, upper: &str| {
        let body = json!({"filter": filter, "transition": {"to": "confirmed"}, "expected_count": 7});
        let query = format!(
            "mutation {{ bulkFindings(input: {{filter: {upper}, transition: {{to: CONFIRMED}}, expectedCount: 7}}) {{ count }} }}"
        );
        vec![send(lead, Method::POST, "/v1/findings/bulk", None, body), ask(lead, &query)]
    };
    let room = format!("/v1/findings/{}/attachments?filename=y.txt", id(&findings[0]));
    let large = lead.request(Method::POST, &room).header(header::CONTENT_TYPE, "text/plain").body("x".repeat(20_000));
    vec![
        move_to("transition_refused", &findings[0], "verified_fixed"),
        move_to("justification_required", &findings[0], "false_positive"),
        move_to("acceptance_required", &findings[0], "risk_accepted"),
        move_to("same_person", claimed, "verified_fixed"),
        case("acceptance_state", lead, acceptance_step("revoke", "revokeRiskAcceptance")),
        case(
            "already_in_acceptance",
            lead,
            vec![
                send(lead, Method::POST, "/v1/risk-acceptances", None, acceptance_of(&accepted)),
                document(lead, again, wish),
            ],
        ),
        case(
            "comment_deleted",
            lead,
            vec![
                send(lead, Method::PATCH, &comment_path, Some(&tag(comment)), json!({"text": "x"})),
                ask(lead, &recomment),
            ],
        ),
        case(
            "attachment_in_use",
            lead,
            vec![lead.request(Method::DELETE, &file).header(header::IF_MATCH, tag(attachment)), ask(lead, &unfile)],
        ),
        case("quota_exceeded", lead, vec![large]),
        case("count_mismatch", lead, bulk(json!({"source": ["other"]}), "{source: [\"other\"]}")),
        case("too_many", lead, bulk(json!({"status": ["new"]}), "{status: [NEW]}")),
    ]
}

pub(super) fn of_work(scene: &Scene) -> Vec<Case> {
    let Scene { world, lead, manager, tasks, .. } = scene;
    let link = |code, task: &Value, system: &str, key: &str| {
        let path = format!("/v1/tasks/{}/tickets/{system}", id(task));
        let query = format!(
            "mutation {{ linkTicket(taskId: \"{}\", system: \"{system}\", key: \"{key}\") {{ id }} }}",
            id(task)
        );
        case(code, lead, vec![send(lead, Method::PUT, &path, None, json!({ "key": key })), ask(lead, &query)])
    };
    let claimed = tasks.last().expect("a task");
    let renew = format!("/v1/tasks/{}/lease/renew", id(claimed));
    let renewal = format!(
        "mutation {{ renewLease(taskId: \"{}\", input: {{system: \"jira\", lease: \"{MISSING}\"}}) {{ id }} }}",
        id(claimed)
    );
    let now = world.now();
    let list = json!({"system": "rt", "items": [], "complete": true, "listed_at": now, "apply": true});
    let compared =
        "mutation($at: DateTime!) { reconcileTickets(input: {system: \"rt\", items: [], complete: true, listedAt: $at,
        apply: true}) { matched } }";
    let client = json!({"name": "x", "purpose": "x", "scopes": ["findings:read"]});
    let new_client =
        "mutation { createClient(input: {name: \"x\", purpose: \"x\", scopes: [\"findings:read\"]}) { secret } }";
    vec![
        link("ticket_already_linked", &tasks[0], "rt", "Y-1"),
        link("ticket_taken", &tasks[5], "rt", "X-0"),
        link("lease_held", claimed, "jira", "Z-1"),
        case(
            "lease_lost",
            lead,
            vec![
                send(lead, Method::POST, &renew, None, json!({"system": "jira", "lease": MISSING})),
                ask(lead, &renewal),
            ],
        ),
        case(
            "reconcile_implausible",
            lead,
            vec![
                send(lead, Method::POST, "/v1/tickets/reconcile", None, list),
                document(lead, compared, json!({ "at": now })),
            ],
        ),
        case(
            "exceeds_own_rights",
            manager,
            vec![send(manager, Method::POST, "/v1/clients", None, client), ask(manager, new_client)],
        ),
    ]
}

pub(super) fn of_assets_and_imports(scene: &Scene) -> Vec<Case> {
    let Scene { lead, assets, .. } = scene;
    let asset = |code, method: Method, path: String, of: Option<&Value>, body: Value, query: String| {
        let version = of.map(tag);
        case(code, lead, vec![send(lead, method, &path, version.as_deref(), body), ask(lead, &query)])
    };
    let name = json!({"name": "x", "identifiers": [{"kind": "hostname", "value": "a1"}]});
    let named = "mutation { createAsset(input: {name: \"x\", identifiers: [{kind: HOSTNAME, value: \"a1\"}]}) { id } }";
    let (one, two, merged) = (&assets[0], &assets[1], &assets[2]);
    let merge = format!(
        "mutation {{ mergeAsset(id: \"{}\", ifMatch: {}, into: \"{}\") {{ id }} }}",
        id(one),
        one["seq"],
        id(two)
    );
    let rename = format!(
        "mutation {{ updateAsset(id: \"{}\", ifMatch: {}, input: {{name: \"x\"}}) {{ id }} }}",
        id(merged),
        merged["seq"]
    );
    let report = |query: &str, more: &str, content: &str| {
        let import =
            "mutation($content: String!) { importReport(content: $content MORE) { id } }".replace("MORE", more);
        vec![
            lead.request(Method::POST, &format!("/v1/imports?{query}"))
                .header("prefer", "wait=60")
                .body(content.to_owned()),
            document(lead, &import, json!({ "content": content })),
        ]
    };
    // A day later twenty of fifty are gone.
    let later = String::from_utf8(generated_report(30)).expect("text").replace("1793000000", "1793086400");
    vec![
        asset("identifier_taken", Method::POST, "/v1/assets".into(), None, name, named.to_owned()),
        asset(
            "too_many_identifiers",
            Method::POST,
            format!("/v1/assets/{}/merge", id(one)),
            Some(one),
            json!({"into": two["id"]}),
            merge,
        ),
        asset(
            "asset_merged",
            Method::PATCH,
            format!("/v1/assets/{}", id(merged)),
            Some(merged),
            json!({"name": "x"}),
            rename,
        ),
        case("unknown_format", lead, report("", "", "hej")),
        case("report_refused", lead, report("format=nessus", "format: NESSUS", "<a>")),
        case(
            "coverage_implausible",
            lead,
            report("source=other&coverage=complete", "source: \"other\" coverage: COMPLETE", &later),
        ),
    ]
}

pub(super) fn of_documents(scene: &Scene) -> Vec<Case> {
    let lead = &scene.lead;
    let dear = "{ findings(first: 500) { nodes { related { related { id } } } } }";
    let hash = json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0".repeat(64)}}});
    let batch = lead.request(Method::POST, "/graphql").json(&json!([{"query": "{ me { issuer } }"}]));
    vec![
        case("query_too_complex", lead, vec![ask(lead, dear)]),
        case("invalid_query", lead, vec![ask(lead, "{ nothing }"), ask(lead, "{"), batch]),
        case("persisted_query_not_found", lead, vec![lead.request(Method::POST, "/graphql").json(&hash)]),
    ]
}

/// At a service that does not tell its schema.
pub(super) fn introspection(lead: &Person) -> Case {
    case("introspection_disabled", lead, vec![ask(lead, "{ __schema { __typename } }"), get(lead, "/graphiql")])
}

/// By a client that has sent all it may.
pub(super) fn too_often(lead: &Person) -> Case {
    case("rate_limited", lead, vec![get(lead, "/v1/me"), ask(lead, "{ me { issuer } }")])
}
