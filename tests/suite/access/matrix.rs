//! Every permission, every role, every write: what the document says, and nothing else.

use crate::support::{Kind, Person, World, document::Operation, fixture, on_both_stores};
use crate::wall::{MISSING, rest};
use domain::Permission;
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(every_write_takes_the_permissions_of_the_document_and_no_others, roles_write_what_they_are_for);

/// People as municipalities have them, with their scopes.
const ROLES: &[(&str, &str)] = &[
    ("viewer", "findings:read assets:read tasks:read"),
    ("editor", "findings:read findings:write assets:read tasks:read tasks:claim"),
    ("verifier", "findings:read findings:verify evidence:read"),
    ("system owner", "findings:read risk:request"),
    ("board", "findings:read risk:approve"),
    ("ticketing", "tasks:read tasks:claim"),
    ("siem", "feed:read findings:read assets:read tasks:read"),
    ("scanner", "imports:write"),
    ("auditor", "audit:read"),
    ("access manager", "grants:manage clients:manage"),
    ("administrator", "tenants:manage"),
];

fn writes() -> Vec<Operation> {
    Operation::all().into_iter().filter(|operation| operation.method != "get" && !operation.is_public()).collect()
}

/// Whether the wall lets the caller try. What the rules then say of an empty body or a missing id is another matter.
async fn is_let_in(who: &Person, operation: Operation) -> bool {
    let path = rest::path(operation, MISSING);
    let method: Method = operation.method.to_uppercase().parse().expect("a method");
    let body = rest::body(operation).unwrap_or_default();
    let answer = who.write(method, &path, Some("\"1-0\""), body).await;
    assert_ne!(answer.status.as_u16(), 401);
    !(answer.status == 403 && answer.code() == "forbidden")
}

fn is_enough(operation: Operation, held: &[&str]) -> bool {
    operation.scopes().iter().any(|set| set.iter().all(|scope| held.contains(scope)))
}

async fn every_write_takes_the_permissions_of_the_document_and_no_others(kind: Kind) {
    let world = World::new(kind).await;
    let writes = writes();
    assert!(writes.len() >= 10, "the document lists what changes something");
    for permission in Permission::ALL {
        let scope = permission.as_str();
        let who = world.person(scope, &[world.norrvik], scope).await;
        for operation in &writes {
            let expected = is_enough(*operation, &[scope]);
            assert_eq!(is_let_in(&who, *operation).await, expected, "{scope} and {}", operation.id());
        }
    }
    world.end().await;
}

/// In the municipality where somebody has the role, and never in the other, where they only look.
async fn roles_write_what_they_are_for(kind: Kind) {
    let world = World::new(kind).await;
    let importer = world.person("importer", &[world.alvsund], "imports:write").await;
    importer.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    let reader = world.person("reader", &[world.alvsund], "findings:read tasks:read").await;
    let id = async |resource: &str| -> String {
        let items: Vec<Value> = reader.get(&format!("/v1/{resource}?limit=1")).await.expect(200).items();
        items[0]["id"].as_str().expect("an id").to_owned()
    };
    let (finding, task) = (id("findings").await, id("tasks").await);
    for (role, scopes) in ROLES {
        let who = world.person(role, &[world.norrvik], scopes).await;
        let held: Vec<&str> = scopes.split_whitespace().collect();
        for operation in writes() {
            assert_eq!(is_let_in(&who, operation).await, is_enough(operation, &held), "{role}: {}", operation.id());
        }
        let own = |path: &str, body: Value| (path.to_owned(), body);
        for (path, body) in [
            own(&format!("/v1/findings/{finding}/transition"), json!({"to": "confirmed"})),
            own(&format!("/v1/tasks/{task}/tickets/jira"), json!({"key": "X-1"})),
        ] {
            let method = if path.contains("tickets") { Method::PUT } else { Method::POST };
            let answer = who.write(method, &path, Some("\"1-0\""), body).await;
            assert!([403, 404].contains(&answer.status.as_u16()), "{role} reached Älvsund: {}", answer.text);
        }
    }
    world.end().await;
}
