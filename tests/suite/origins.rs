//! What browsers are told: the security fields of every answer, and which pages may read it.

use crate::support::{Answer, Kind, Person, TestStore, World, process::fynd};
use api::Config;
use reqwest::Method;
use serde_json::json;

async fn world(change: impl FnOnce(&mut Config)) -> World {
    World::with(Kind::Sqlite, change).await
}

const DASHBOARD: &str = "https://dashboard.example";

async fn from(person: &Person, method: Method, path: &str, origin: &str) -> Answer {
    person.send(person.request(method, path).header("origin", origin)).await
}

async fn preflight(person: &Person, path: &str, origin: &str) -> Answer {
    let request = person.request(Method::OPTIONS, path).header("origin", origin);
    let request = request.header("access-control-request-method", "PATCH");
    person.send(request.header("access-control-request-headers", "authorization,content-type,if-match")).await
}

fn is_hardened(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
    let policy = answer.header("content-security-policy").expect("a content policy");
    assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(answer.header("vary").is_some_and(|vary| vary.ends_with("Origin")));
}

#[tokio::test]
async fn every_answer_is_hardened() {
    let world = world(|_| ()).await;
    let lead = world.lead().await;
    let data = "default-src 'none'; frame-ancestors 'none'";
    for (path, status) in [
        ("/v1/me", 200),
        ("/v1/findings?nothing=1", 400),
        ("/nothing", 404),
        ("/healthz", 200),
        ("/openapi.json", 200),
        ("/docs/nothing.js", 404),
    ] {
        let answer = lead.get(path).await.expect(status);
        is_hardened(&answer);
        assert_eq!(answer.header("content-security-policy"), Some(data), "{path}");
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
    }
    for path in ["/docs", "/docs/init.js", "/graphiql", "/graphiql/graphiql.js"] {
        let answer = world.bearer("").get(path).await.expect(200);
        is_hardened(&answer);
        assert!(answer.header("content-security-policy").is_some_and(|policy| policy.contains("script-src 'self';")));
    }
    let answer = lead.write(Method::POST, "/graphql", None, json!({"query": "{ me { issuer } }"})).await.expect(200);
    is_hardened(&answer);
    is_hardened(&world.bearer("").get("/v1/me").await.expect(401));
    world.end().await;
}

#[tokio::test]
async fn browsers_are_held_to_tls_where_there_is_tls() {
    let world = world(|config| config.public_url = "https://fynd.norrvik.example".into()).await;
    for path in ["/v1/me", "/docs", "/healthz"] {
        let answer = world.bearer("").get(path).await;
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"), "{path}");
    }
    world.end().await;
}

#[tokio::test]
async fn pages_on_the_list_may_read_and_others_may_not() {
    let world = world(|config| config.cors_origins = vec!["https://first.example".into(), DASHBOARD.into()]).await;
    let lead = world.lead().await;
    for (path, status) in [("/v1/me", 200), ("/v1/nothing", 404)] {
        let answer = from(&lead, Method::GET, path, DASHBOARD).await.expect(status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(DASHBOARD));
        let exposed = "ETag, Link, Retry-After, RateLimit, RateLimit-Policy, X-Next-Cursor, X-Request-Id, Location, \
                       Idempotency-Replayed, Preference-Applied";
        assert_eq!(answer.header("access-control-expose-headers"), Some(exposed));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let allowed = preflight(&world.bearer(""), "/v1/findings/x", DASHBOARD).await.expect(204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(DASHBOARD));
    assert!(allowed.header("access-control-allow-methods").is_some_and(|methods| methods.contains("PATCH")));
    let fields = allowed.header("access-control-allow-headers").expect("fields").to_lowercase();
    assert!(["authorization", "content-type", "if-match"].iter().all(|field| fields.contains(field)), "{fields}");
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    is_hardened(&allowed);
    for origin in [
        "https://evil.example",
        "http://dashboard.example",
        "https://dashboard.example:8443",
        "https://dashboard.example.evil.example",
        "null",
        "*",
        "",
    ] {
        let answer = from(&lead, Method::GET, "/v1/me", origin).await.expect(200);
        let refused = preflight(&world.bearer(""), "/v1/me", origin).await.expect(405);
        for answer in [answer, refused] {
            assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{origin}");
        }
    }
    world.end().await;
}

#[tokio::test]
async fn a_server_that_could_be_misused_does_not_start_or_says_so() {
    let store = TestStore::empty(Kind::Sqlite).await;
    for wrong in ["*", "https://*.example", "https://dashboard.example/"] {
        let output =
            fynd(&store).arg("serve").env("FYND_CORS_ORIGINS", format!("[\"{wrong}\"]")).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("cors_origins") && said.contains(wrong), "{said}");
    }
    let warning = |listen: &str, public_url: &str| {
        let mut config = Config::load(None).expect("the defaults");
        config.listen = listen.parse().expect("an address");
        config.public_url = public_url.into();
        config.warning().is_some()
    };
    assert!(warning("0.0.0.0:8080", "http://fynd.norrvik.example"));
    assert!(warning("[::]:8080", "http://fynd.norrvik.example"));
    assert!(!warning("0.0.0.0:8080", "https://fynd.norrvik.example"));
    assert!(!warning("127.0.0.1:8080", "http://127.0.0.1:8080"));
    assert!(Config::load(None).expect("the defaults").listen.ip().is_loopback());
}
