//! The walk over REST.

use super::{Filled, MISSING, a_change, all_but, filled, with_scopes, without_trace};
use crate::support::{ALL, Answer, Kind, Person, World, document::Operation, on_both_stores, strangers::strangers};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    no_operation_takes_a_stranger,
    every_operation_needs_its_scopes_and_no_others,
    no_operation_tells_foreign_from_missing,
    no_list_shows_a_foreign_row,
);

/// What an operation sends beside the path. A new one that changes something fails the walk until it is here.
pub(crate) fn body(operation: Operation) -> Option<Value> {
    match operation.id() {
        "patchFinding" => Some(a_change()),
        "transitionFinding" => Some(json!({"to": "confirmed"})),
        "mergeFinding" => Some(json!({"into": "01900000-0000-7000-8000-00000000ffff"})),
        "splitFinding" => Some(json!({"fingerprints": ["0".repeat(64)]})),
        "putFingerprintRule" => Some(json!({"parts": ["rule_key", "port"]})),
        "previewFingerprintRule" => Some(json!({"rule": {"parts": ["rule_key"]}})),
        "linkTicket" => Some(json!({"key": "X-1"})),
        "postTask" => Some(json!({"title": "Byt brandvägg"})),
        "patchTask" => Some(a_change()),
        "transitionTask" => Some(json!({"to": "in_progress"})),
        "claimTasks" => Some(json!({"system": "topdesk", "limit": 1})),
        "renewLease" | "releaseLease" => Some(json!({"system": "jira", "lease": MISSING})),
        "reportTickets" => Some(json!({"system": "jira", "items": [{"key": "X-1", "state": "Open"}]})),
        "reconcileTickets" => Some(json!({"system": "jira", "items": []})),
        "putTicketMapping" | "previewTicketMapping" => Some(json!({"states": []})),
        "postImport" => {
            Some(json!({"template-id": "x", "host": "h.norrvik.example", "info": {"name": "x", "severity": "low"}}))
        }
        "postAsset" | "postService" => Some(json!({"name": "Löner"})),
        "patchAsset" => Some(json!({"owner_unit": "HR"})),
        "reviewAsset" | "restoreAsset" => Some(json!({})),
        "retireAsset" => Some(json!({"reason": "Skrotad"})),
        "mergeAsset" => Some(json!({"into": MISSING})),
        "postAssetImport" => Some(json!([{"ip": "192.0.2.250"}])),
        "patchService" => Some(json!({"cost_per_day": 350_000})),
        "deleteService" => Some(json!({})),
        "postClient" => Some(json!({"name": "Koppling", "purpose": "Provar", "scopes": ["clients:manage"]})),
        "patchClient" => Some(json!({"purpose": "Provar mer"})),
        "postClientSecret" => Some(json!({})),
        "postGrant" => {
            Some(json!({"issuer": "https://id.norrvik.example", "subject": "åsa", "scopes": ["grants:manage"]}))
        }
        "patchTenantSettings" => Some(json!({"language": "en"})),
        // A finding that is missing, since one that is there is in one acceptance at a time.
        "postRiskAcceptance" => Some(json!({"findings": [MISSING], "reason": "Byts ut.", "standstill_days": 1,
            "cost_per_day": 1, "fix_cost": 1, "expires_at": "2026-12-24T12:00:00Z"})),
        "postRiskAcceptanceApproval" => Some(json!({})),
        "postRiskAcceptanceRefusal" | "postRiskAcceptanceRevocation" => Some(json!({"reason": "Annat beslut."})),
        "patchSource" => Some(json!({"kind": "edr"})),
        "patchGrant" => Some(json!({"valid_to": "2026-12-24T00:00:00Z"})),
        // They say all in their path.
        "deleteGrant"
        | "postClientRevocation"
        | "deleteComment"
        | "deleteAttachment"
        | "unlinkTicket"
        | "rerunFingerprintRule" => Some(Value::Null),
        "postRetest" => Some(json!({"method": "scan", "result": "not_fixed"})),
        "bulkFindings" => Some(json!({"ids": [MISSING], "transition": {"to": "confirmed"}})),
        "postFindingComment" | "postTaskComment" | "patchComment" | "postAttachment" => Some(json!({"text": "x"})),
        changes => {
            assert_eq!(operation.method, "get", "{changes}: the walk has no sample for it");
            None
        }
    }
}

/// Operations that anybody may call, with the reason for each. Nothing else is public.
const PUBLIC: &[(&str, &str)] = &[
    ("postToken", "who has no token yet asks here, with credentials of its own"),
    ("postRevoke", "takes the client's own credentials, not a token"),
    ("getAuthorizationServer", "says where tokens are to be had (RFC 8414)"),
    ("getProtectedResource", "says whose tokens are taken (RFC 9728)"),
];

/// The operations behind the wall: all but those.
pub(super) fn walled() -> Vec<Operation> {
    let (public, mut walled): (Vec<_>, Vec<_>) = Operation::all().into_iter().partition(Operation::is_public);
    // What an operation deletes is there for all the others.
    walled.sort_by_key(|operation| operation.method == "delete");
    let public: std::collections::BTreeSet<_> = public.iter().map(Operation::id).collect();
    assert_eq!(public, PUBLIC.iter().map(|(id, _)| *id).collect());
    walled
}

pub(crate) fn path(operation: Operation, id: &str) -> String {
    let path = operation.path.replace("{id}", id).replace("{system}", "jira");
    // What cannot be asked without a parameter.
    match operation.id() {
        "explainFinding" => format!("{path}?other={id}"),
        "postAssetImport" => format!("{path}?format=json"),
        _ => path,
    }
}

/// The resource that an action in a path is about.
pub(crate) fn resource_path(path: &str) -> &str {
    let actions = [
        "/transition",
        "/secrets",
        "/revoke-tokens",
        "/approve",
        "/refuse",
        "/revoke",
        "/merge",
        "/split",
        "/preview",
        "/rerun",
        "/comments",
        "/attachments",
        "/retests",
        "/content",
        "/review",
        "/retire",
        "/restore",
    ];
    actions.iter().find_map(|action| path.strip_suffix(action)).unwrap_or(path)
}

pub(crate) fn resource(operation: Operation) -> &'static str {
    operation.path.split('/').nth(2).expect("a resource")
}

pub(super) async fn call(who: &Person, operation: Operation, path: &str, tag: &str) -> Answer {
    let method: Method = operation.method.to_uppercase().parse().expect("a method");
    match body(operation) {
        Some(Value::Null) => who.send(who.request(method, path).header("if-match", tag)).await,
        Some(body) => who.write(method, path, Some(tag), body).await,
        None => who.get(path).await,
    }
}

async fn no_operation_takes_a_stranger(kind: Kind) {
    let world = World::new(kind).await;
    let norrvik = filled(&world, "norrvik").await;
    let strangers = strangers(&world).await;
    for operation in walled() {
        let path = path(operation, norrvik.one.get(resource(operation)).map_or(MISSING, String::as_str));
        for (name, stranger) in &strangers {
            let answer = call(stranger, operation, &path, "\"1-0\"").await;
            assert_eq!(answer.status, 401, "{} by {name}", operation.id());
            assert_eq!(answer.code(), "unauthenticated");
            assert_eq!(without_trace(&answer)["detail"], "No valid token came with the request.");
        }
    }
    world.end().await;
}

/// What the document says that an operation needs is what it needs: one less is too little, and no more is asked for.
async fn every_operation_needs_its_scopes_and_no_others(kind: Kind) {
    let world = World::new(kind).await;
    let norrvik = filled(&world, "norrvik").await;
    let lead = with_scopes(&world, ALL).await;
    for operation in walled() {
        let path = path(operation, norrvik.one.get(resource(operation)).map_or("", String::as_str));
        let enough = operation.scopes();
        if !enough.is_empty() {
            let too_little = with_scopes(&world, &all_but(&enough.concat())).await;
            let answer = call(&too_little, operation, &path, "\"1-0\"").await;
            assert_eq!((answer.status.as_u16(), answer.code()), (403, "forbidden".into()), "{}", operation.id());
        }
        for set in enough {
            let exact = with_scopes(&world, &set.join(" ")).await;
            let tag = lead.get(resource_path(&path)).await.header("etag").unwrap_or_default().to_owned();
            let answer = call(&exact, operation, &path, &tag).await;
            let expected: &[u16] = match (operation.id(), set.as_slice()) {
                // It was confirmed by the call before, and who may verify may not confirm.
                ("transitionFinding", ["findings:verify"]) => &[409],
                // The finding is missing, which only who may ask is told; and what is approved is not refused.
                ("postRiskAcceptance", _) => &[422],
                ("postRiskAcceptanceRefusal", _) => &[409],
                // There is nothing to merge into and nothing to take out.
                ("mergeFinding" | "splitFinding", _) => &[422],
                // Who may only read its own imports is told that somebody else's is missing.
                ("getImport", ["imports:write"]) => &[404],
                // The comment is on a finding; and who may only write is told of no comments but its own.
                ("getComment", ["tasks:read"]) | ("patchComment" | "deleteComment", _) => &[404],
                // Nobody has claimed it.
                ("renewLease" | "releaseLease", _) => &[409],
                // There is nothing to merge into, which who may merge is told.
                ("mergeAsset", _) => &[422],
                _ => &[200, 201],
            };
            let status = answer.status.as_u16();
            assert!(expected.contains(&status), "{} {set:?}: {}", operation.id(), answer.text);
        }
    }
    world.end().await;
}

async fn no_operation_tells_foreign_from_missing(kind: Kind) {
    let world = World::new(kind).await;
    let (_norrvik, alvsund) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let lead = with_scopes(&world, ALL).await;
    for operation in walled() {
        // Those that name no municipality; in bulk a foreign finding is an outcome like a missing one, which is tried on its own.
        let named = ["getMe", "listLabels", "listTenants", "bulkFindings"].contains(&operation.id());
        if operation.path.contains("{id}") {
            let ask = async |id: &str| call(&lead, operation, &path(operation, id), "\"1-0\"").await;
            let (foreign, missing) = (ask(alvsund.id(resource(operation))).await, ask(MISSING).await);
            assert_eq!(foreign.status, 404, "{}: {}", operation.id(), foreign.text);
            assert_eq!(without_trace(&foreign), without_trace(&missing), "{}", operation.id());
        } else if !named {
            let ask = async |tenant: &str| {
                let path = path(operation, "");
                let sign = if path.contains('?') { '&' } else { '?' };
                call(&lead, operation, &format!("{path}{sign}tenant={tenant}"), "\"1-0\"").await
            };
            let (foreign, missing) = (ask("alvsund").await, ask("no-such-place").await);
            assert_eq!((foreign.status.as_u16(), foreign.code()), (404, "unknown_tenant".into()), "{}", operation.id());
            assert_eq!(without_trace(&foreign), without_trace(&missing), "{}", operation.id());
            let by_id = ask(&world.alvsund.to_string()).await;
            assert_eq!(without_trace(&by_id), without_trace(&missing), "{}", operation.id());
        }
    }
    world.end().await;
}

/// Every filter that takes an id, with a foreign one; and every list without a filter.
async fn no_list_shows_a_foreign_row(kind: Kind) {
    let world = World::new(kind).await;
    let (norrvik, alvsund) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let lead = with_scopes(&world, ALL).await;
    let lists = [
        "findings",
        "findings/facets",
        "assets",
        "services",
        "tasks",
        "tickets",
        "imports",
        "sources",
        "coverage",
        "changes?limit=1000",
        "tenants",
        "me",
        "clients",
        "grants?limit=500",
        "audit",
        "risk-acceptances",
    ];
    for list in lists {
        let answer = lead.get(&format!("/v1/{list}")).await.expect(200);
        assert_eq!(alvsund.leaked_in(&answer.text), Default::default(), "{list}");
        let own = list == "findings/facets" || !norrvik.leaked_in(&answer.text).is_empty();
        assert!(own, "{list} shows nothing of its own: {}", answer.text);
    }
    let filters = |filled: &Filled| {
        [("asset", "assets"), ("task", "tasks"), ("acceptance", "risk-acceptances")]
            .map(|(name, resource)| format!("/v1/findings?{name}={}", filled.id(resource)))
    };
    for (own, foreign) in filters(&norrvik).iter().zip(filters(&alvsund)) {
        assert!(!lead.get(own).await.expect(200).items().is_empty(), "{own}");
        assert!(lead.get(&foreign).await.expect(200).items().is_empty(), "{foreign}");
    }
    let tag = lead.get(&format!("/v1/findings/{}", norrvik.id("findings"))).await.etag();
    let transition = format!("/v1/findings/{}/transition", norrvik.id("findings"));
    let duplicate_of = async |id: &str| {
        let body = json!({"to": "duplicate", "justification": "same_as_other", "duplicate_of": id});
        lead.write(Method::POST, &transition, Some(&tag), body).await.expect(422)
    };
    let foreign = without_trace(&duplicate_of(alvsund.id("findings")).await);
    assert_eq!(foreign, without_trace(&duplicate_of(MISSING).await));
    world.end().await;
}
