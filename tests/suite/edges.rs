//! What a client does wrong, and what it is told.

use crate::support::{Answer, Kind, Person, World, fixture, on_both_stores};
use reqwest::{Method, header};
use serde_json::{Value, json};

on_both_stores!(
    an_unknown_path_or_method_is_a_problem,
    a_wrong_body_is_named,
    every_problem_is_explained,
    a_graphql_document_is_bounded,
    a_request_keeps_its_id,
    a_packed_report_is_whole_or_refused,
    a_tag_is_of_the_fields_shown,
);

fn is_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status.as_u16());
    assert_eq!(problem["trace_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(problem["type"], format!("/problems/{}", answer.code()));
}

async fn an_unknown_path_or_method_is_a_problem(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    for path in
        ["/nothing", "/v1", "/v1/nothing", "/v1/findings/x/y/z", "/v1/findings/", "/docs/../../etc/passwd", "/%00"]
    {
        let answer = lead.get(path).await.expect(404);
        assert_eq!(answer.code(), "not_found", "{path}");
        is_problem(&answer);
    }
    for (method, path, allowed) in [
        (Method::DELETE, "/v1/findings", "GET"),
        (Method::PUT, "/v1/findings/01900000-0000-7000-8000-000000000000", "PATCH"),
        (Method::DELETE, "/v1/tasks", "GET, HEAD, POST"),
        (Method::GET, "/graphql", "POST"),
        (Method::POST, "/healthz", "GET"),
    ] {
        let answer = lead.send(lead.request(method.clone(), path)).await.expect(405);
        is_problem(&answer);
        let allow = answer.header("allow").unwrap_or_else(|| panic!("{method} {path} without Allow"));
        assert!(allow.contains(allowed), "{method} {path}: {allow}");
    }
    world.end().await;
}

async fn patch(lead: &Person, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
    let tag = lead.get(path).await.etag();
    let request = lead.request(Method::PATCH, path).header(header::IF_MATCH, tag);
    lead.send(request.header(header::CONTENT_TYPE, kind).body(body)).await
}

async fn a_wrong_body_is_named(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let id = lead.get("/v1/findings").await.items()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/findings/{id}");
    let json = "application/json";
    for (kind, body, status, code, pointer) in [
        ("text/plain", "{}", 415, "unsupported_media_type", None),
        (json, "", 422, "invalid_body", None),
        (json, "{", 422, "invalid_body", None),
        (json, "{} {}", 422, "invalid_body", None),
        (json, r#"{"severity": "huge"}"#, 422, "invalid_body", Some("/severity")),
        (json, r#"{"tags": ["a", 7]}"#, 422, "invalid_body", Some("/tags/1")),
        (json, r#"{"seq": 7}"#, 422, "invalid_body", Some("/seq")),
        (json, r#"{"assignee": "a\u0000b"}"#, 422, "invalid_body", Some("/assignee")),
        (json, r#"{"assignee": "a\r\nb"}"#, 422, "invalid_body", Some("/assignee")),
        (json, r#"{"assignee": "x", "assignee": "y"}"#, 422, "invalid_body", None),
    ] {
        let answer = patch(&lead, &path, kind, body).await.expect(status);
        assert_eq!(answer.code(), code, "{body}");
        is_problem(&answer);
        if let Some(pointer) = pointer {
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}: {}", answer.text);
        }
    }
    let large = format!(r#"{{"assignee": "{}"}}"#, "x".repeat(2 << 20));
    assert_eq!(patch(&lead, &path, json, large).await.expect(413).code(), "payload_too_large");
    let deep = "[".repeat(1 << 19);
    assert_eq!(patch(&lead, &path, json, deep).await.expect(422).code(), "invalid_body");
    world.end().await;
}

/// Every code has its page, and the page says what the code says.
async fn every_problem_is_explained(kind: Kind) {
    let world = World::new(kind).await;
    let anyone = world.bearer("");
    for code in domain::Code::ALL {
        let page = anyone.get(&format!("/problems/{}", code.as_str())).await.expect(200);
        assert!(page.text.contains(code.title()) && page.text.contains(code.remedy()), "{}", page.text);
    }
    anyone.get("/problems/no_such_code").await.expect(404);
    world.end().await;
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

async fn a_graphql_document_is_bounded(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let ask = async |query: String| lead.graphql(&query, json!({})).await;
    let doubling: String =
        (0..40).map(|at| format!("fragment F{at} on Query {{ ...F{} ...F{} }} ", at + 1, at + 1)).collect();
    let deep = "asset { findings { ".repeat(8) + "id" + &" } }".repeat(8);
    for query in [
        format!("{{ ...F0 }} {doubling} fragment F40 on Query {{ me {{ issuer }} }}"),
        format!("{{ findings {{ nodes {{ {deep} }} }} }}"),
        "{ findings(first: 500) { nodes { asset { findings { id title asset { name } } } } } }".to_owned(),
        "{ findings(first: 2147483647) { nodes { id title } } }".to_owned(),
        "{".repeat(100_000),
        "{ me(x: ".to_owned() + &"[".repeat(100_000),
        (0..20_000).map(|at| format!("a{at}: me {{ issuer }} ")).fold("{ ".to_owned(), |all, one| all + &one) + "}",
    ] {
        assert_eq!(code(&ask(query.clone()).await), "query_too_complex", "{}", &query[..query.len().min(100)]);
    }
    for query in [
        "{ finding(id: \"x\") { id } }".to_owned(),
        "{ nothing }".to_owned(),
        "{".repeat(50),
        "{ me(x: ".to_owned() + &"[".repeat(50),
        String::new(),
    ] {
        let answer = ask(query).await;
        assert_eq!(code(&answer), "invalid_query");
        assert!(answer.to_string().len() < 20_000, "an error repeats what was sent");
    }
    let large = ask(format!("{{ me {{ issuer }} }} #{}", "x".repeat(2 << 20))).await;
    assert_eq!(large["code"], "payload_too_large");
    world.end().await;
}

async fn a_request_keeps_its_id(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let with = async |id: &str| lead.send(lead.request(Method::GET, "/v1/me").header("x-request-id", id)).await;
    assert_eq!(with("siem-42").await.header("x-request-id"), Some("siem-42"));
    for hostile in ["a b", "<script>", &"x".repeat(65), ""] {
        let given = with(hostile).await;
        assert_ne!(given.header("x-request-id"), Some(hostile));
        assert!(given.header("x-request-id").is_some_and(|id| id.parse::<uuid::Uuid>().is_ok()));
    }
    world.end().await;
}

async fn a_packed_report_is_whole_or_refused(kind: Kind) {
    let world = World::with(kind, |config| config.imports.max_bytes = 1 << 20).await;
    let lead = world.lead().await;
    let send = async |encoding: &str, body: Vec<u8>| {
        let request = lead.request(Method::POST, "/v1/imports?tenant=norrvik").header("content-encoding", encoding);
        lead.send(request.body(body)).await
    };
    let packed = zstd::encode_all(&fixture("nuclei/norrvik.jsonl")[..], 3).unwrap();
    assert_eq!(send("zstd", packed[..packed.len() - 9].to_vec()).await.expect(400).code(), "bad_request");
    assert_eq!(send("zstd", b"not packed at all".to_vec()).await.expect(400).code(), "bad_request");
    let bomb = zstd::encode_all(std::io::Read::take(std::io::repeat(b' '), 64 << 20), 3).unwrap();
    assert_eq!(send("zstd", bomb).await.expect(413).code(), "payload_too_large");
    send("zstd", packed).await.expect(201);
    let packed_json = lead.request(Method::POST, "/graphql").header("content-encoding", "gzip");
    let packed_json = packed_json.header(header::CONTENT_TYPE, "application/json").body(vec![0x1f, 0x8b]);
    assert_eq!(lead.send(packed_json).await.expect(415).code(), "unsupported_media_type");
    world.end().await;
}

async fn a_tag_is_of_the_fields_shown(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let id = lead.get("/v1/findings").await.items()[0]["id"].as_str().unwrap().to_owned();
    for path in ["/v1/findings".to_owned(), format!("/v1/findings/{id}"), "/v1/tasks".into(), "/v1/assets".into()] {
        let ask = async |fields: &str, tag: &str| {
            lead.send(lead.request(Method::GET, &format!("{path}{fields}")).header("if-none-match", tag)).await
        };
        let (all, some) = (lead.get(&path).await.etag(), lead.get(&format!("{path}?fields=id")).await.etag());
        assert_ne!(all, some);
        ask("", &all).await.expect(304);
        ask("?fields=id", &some).await.expect(304);
        ask("?fields=id", &format!("{all}, W/{some}")).await.expect(304);
        ask("", &some).await.expect(200);
        ask("?fields=id", &all).await.expect(200);
    }
    for path in ["/v1/me", "/v1/tenants", "/v1/tenants/norrvik"] {
        let tag = lead.get(path).await.etag();
        lead.send(lead.request(Method::GET, path).header("if-none-match", tag)).await.expect(304);
        let refused = lead.get(&format!("{path}?nothing=1")).await.expect(400);
        assert_eq!(refused.json()["errors"][0]["pointer"], "nothing");
    }
    let read = lead.get(&format!("/v1/findings/{id}?fields=id")).await.etag();
    lead.write(Method::PATCH, &format!("/v1/findings/{id}"), Some(&read), json!({"assignee": "Åsa"})).await.expect(200);
    world.end().await;
}
