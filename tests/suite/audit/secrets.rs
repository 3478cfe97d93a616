//! Secrets that people send to the wrong place come out nowhere: not in the log, the audit or an error.

use crate::support::{
    Kind, Person, TestStore, look, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use reqwest::Method;
use serde_json::json;

on_both_stores!(a_planted_secret_comes_out_nowhere);

/// No part of it occurs by chance.
const SECRET: &str = "planted-Secret-7f3d9a51";

/// Requests with the secret in every place that a client may put one into by mistake.
fn requests(who: &Person) -> Vec<reqwest::RequestBuilder> {
    let nobody = Person::at(who.base(), "");
    let token = format!("{}x", who.token);
    let id = "01900000-0000-7000-8000-000000000000";
    let body = json!({"client_secret": SECRET, "password": SECRET, "assignee": SECRET});
    let patch = |who: &Person| who.request(Method::PATCH, &format!("/v1/findings/{id}")).header("if-match", "\"1-0\"");
    let get = |who: &Person, path: String| who.request(Method::GET, &path);
    vec![
        Person::at(who.base(), SECRET).request(Method::GET, "/v1/me"),
        Person::at(who.base(), &token).request(Method::GET, "/v1/me"),
        get(&nobody, "/v1/me".into()).header("authorization", format!("Basic {SECRET}")),
        get(&nobody, "/v1/me".into()).header("authorization", SECRET),
        get(&nobody, "/v1/me".into()).header("cookie", format!("session={SECRET}")),
        get(&nobody, format!("/v1/findings?access_token={SECRET}")),
        get(who, format!("/v1/findings?access_token={SECRET}")),
        get(who, format!("/v1/findings?cursor={SECRET}")),
        get(who, format!("/v1/findings?tenant={SECRET}")),
        get(who, format!("/v1/findings/{SECRET}")),
        get(who, format!("/v1/findings/{SECRET}/evidence")),
        get(who, format!("/v1/tenants/{SECRET}")),
        get(who, format!("/{SECRET}")),
        get(who, format!("/v1/{SECRET}?token={SECRET}")),
        get(who, "/v1/me".into()).header("x-request-id", format!("<{SECRET}>")),
        get(who, "/v1/tasks".into()).header("x-api-key", SECRET),
        patch(who).json(&body),
        patch(&nobody).json(&body),
        patch(who).header("content-type", "text/plain").body(SECRET),
        who.request(Method::POST, "/v1/imports").body(SECRET),
        who.request(Method::POST, "/graphql").json(&json!({"query": "{ tasks { nodes { id } } }", "variables": {"token": SECRET}})),
        who.request(Method::POST, "/graphql")
            .json(&json!({"query": "query($token: String) { findings(after: $token) { nodes { id } } }", "variables": {"token": SECRET}})),
        who.request(Method::POST, "/graphql").json(&json!({"query": "{ me { issuer } }", "token": SECRET})),
    ]
}

async fn a_planted_secret_comes_out_nowhere(kind: Kind) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let scope = "findings:read findings:write imports:write evidence:read";
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", scope]));
    let log = store.folder.path().join("log");
    let mut command = fynd(&store);
    command.env("FYND_LOG_LEVEL", "info").stderr(std::fs::File::create(&log).expect("a file"));
    let mut server = Process::start_as(command, free_port()).await;
    let who = Person::at(&server.base, &token);
    let mut refused = 0;
    for request in requests(&who) {
        let answer = who.send(request).await;
        if answer.status.is_client_error() || answer.text.contains("\"errors\":[{\"message\"") {
            refused += 1;
            assert!(!answer.text.contains(SECRET), "{}", answer.text);
        }
        assert!(!format!("{:?}", answer.headers).contains(SECRET), "{:?}", answer.headers);
    }
    assert!(refused >= 20, "only {refused} were refused");
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0));
    let log = std::fs::read_to_string(&log).expect("the log");
    assert!(log.lines().count() > 20, "the log is there: {log}");
    let columns = "concat_ws(' ', action, resource_type, code, detail, outcome)";
    let audit = look(&store, &format!("SELECT {columns} FROM audit")).await;
    assert!(audit.iter().any(|row| row.starts_with("authenticate")), "{audit:#?}");
    assert!(audit.iter().any(|row| row.starts_with("GET /v1/findings/{id}")), "{audit:#?}");
    let (signature, audit) = (token.rsplit('.').next().expect("a signature"), audit.join("\n"));
    for secret in [SECRET, signature] {
        assert!(!log.contains(secret), "in the log: {log}");
        assert!(!audit.contains(secret), "in the audit: {audit}");
    }
    store.remove().await;
}
