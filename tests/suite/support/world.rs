//! A server with two municipalities, and people who speak HTTP to it.

use super::{Kind, TestStore, document};
use api::{Application, Config};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Scopes, TenantId, TenantSlug};
use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use service::{
    Auth, Clock, Store,
    auth::NewToken,
    housekeeping::{self, HousekeepingOptions},
    platform::Platform,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// All scopes there are.
pub(crate) const ALL: &str = "findings:read findings:write findings:verify evidence:read evidence:write assets:read \
                              assets:write tasks:read tasks:write tasks:claim risk:request risk:approve imports:write \
                              feed:read clients:manage grants:manage audit:read tenants:manage";

/// A running server with the municipalities Norrvik and Älvsund.
pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) auth: Arc<Auth>,
    pub(crate) store: Store,
    pub(crate) norrvik: TenantId,
    pub(crate) alvsund: TenantId,
    pub(crate) test_store: TestStore,
    now: Arc<Mutex<DateTime<Utc>>>,
    config: Config,
    running: Running,
}

/// A server in a thread of its own.
struct Running {
    stop: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

/// Somebody with a token.
#[derive(Clone)]
pub(crate) struct Person {
    base: String,
    pub(crate) token: String,
    client: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl World {
    /// A world on a new store.
    pub(crate) async fn new(kind: Kind) -> Self {
        Self::with(kind, |_| ()).await
    }

    /// A world with other settings.
    pub(crate) async fn with(kind: Kind, change: impl FnOnce(&mut Config)) -> Self {
        let test_store = TestStore::new(kind).await;
        let now = Arc::new(Mutex::new("2026-11-24T08:00:00Z".parse().expect("a time")));
        let mut config = config(&test_store);
        change(&mut config);
        let (running, base, auth, store) = start(config.clone(), now.clone()).await;
        let platform = Platform::new(auth.service().store.clone());
        let add = async |slug, name| {
            let slug = TenantSlug::parse(slug).expect("a slug");
            platform.add_tenant(&slug, name, auth.service().clock.now()).await.expect("a tenant")
        };
        let (norrvik, alvsund) = (add("norrvik", "Norrvik").await, add("alvsund", "Älvsund").await);
        Self { base, auth, store, norrvik, alvsund, test_store, now, config, running }
    }

    /// Stops the server, lets time pass, and starts it again: tokens stay good, the address is another.
    pub(crate) async fn down_for(self, time: TimeDelta) -> Self {
        let now = self.now.clone();
        self.while_down(async |_| *now.lock().expect("the clock") += time).await
    }

    /// Stops the server, does something to its store, and starts it again.
    pub(crate) async fn while_down(self, work: impl AsyncFnOnce(&TestStore)) -> Self {
        let Self { norrvik, alvsund, test_store, now, config, running, .. } = self;
        running.end().await;
        work(&test_store).await;
        let (running, base, auth, store) = start(config.clone(), now.clone()).await;
        Self { base, auth, store, norrvik, alvsund, test_store, now, config, running }
    }

    /// Does what time asks for, now rather than within seconds.
    pub(crate) async fn keep_house(&self) {
        let options = HousekeepingOptions { imports: self.config.import_options() };
        housekeeping::run(self.auth.service(), options).await.expect("the house is kept");
    }

    /// What the clock says.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        *self.now.lock().expect("the clock")
    }

    /// Moves the clock.
    pub(crate) fn advance(&self, by: TimeDelta) {
        *self.now.lock().expect("the clock") += by;
    }

    /// Somebody with these scopes in these municipalities.
    pub(crate) async fn person(&self, name: &str, tenants: &[TenantId], scopes: &str) -> Person {
        let scopes = Scopes::parse(scopes).expect("scopes");
        let ttl = Duration::from_secs(365 * 24 * 3600);
        let new = NewToken { subject: name.into(), tenants: tenants.to_vec(), scopes, ttl };
        self.bearer(&self.auth.issue(new, "cli").await.expect("a token"))
    }

    /// Somebody with this very token.
    pub(crate) fn bearer(&self, token: &str) -> Person {
        Person::at(&self.base, token)
    }

    /// Norrvik's security lead, who may do everything there.
    pub(crate) async fn lead(&self) -> Person {
        self.person("lead", &[self.norrvik], ALL).await
    }

    /// Stops the server, does something to its store, and removes that.
    pub(crate) async fn end_with(self, work: impl AsyncFnOnce(&TestStore)) {
        self.running.end().await;
        work(&self.test_store).await;
        self.test_store.remove().await;
    }

    /// Stops the server and removes the store.
    pub(crate) async fn end(self) {
        let _ = self.running.stop.send(());
        self.test_store.remove().await;
    }
}

impl Running {
    async fn end(self) {
        self.stop.send(()).expect("the server runs");
        tokio::task::spawn_blocking(|| self.thread.join().expect("the server ends")).await.expect("a thread");
    }
}

/// A server that serves. It has a runtime of its own, as the binary has.
async fn start(config: Config, now: Arc<Mutex<DateTime<Utc>>>) -> (Running, String, Arc<Auth>, Store) {
    let clock = Clock::from_fn(move || *now.lock().expect("the clock"));
    let (ready, started) = tokio::sync::oneshot::channel();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let application = Application::build(config, clock).await.expect("the server starts");
            let server = application.handle();
            let address = application.address();
            let told = (address, application.auth().clone(), application.store().clone());
            ready.send(told).ok().expect("somebody waits");
            actix_web::rt::spawn(async move {
                let _ = actix_web::rt::task::spawn_blocking(move || stopped.recv()).await;
                server.stop(false).await;
            });
            application.run().await.expect("the server runs");
        });
    });
    let (address, auth, store) = started.await.expect("the server starts");
    (Running { stop, thread }, format!("http://{address}"), auth, store)
}

fn config(store: &TestStore) -> Config {
    let mut config = Config::load(None).expect("the defaults");
    config.database_url.clone_from(&store.url);
    config.listen = "127.0.0.1:0".parse().expect("an address");
    config.key_file = store.folder.path().join("fynd.key");
    config.attachments.url = format!("file:{}", store.folder.path().join("attachments").display());
    config.workers = 1;
    config.imports.lease_seconds = 1;
    // The clock stands still, so nothing would come back; who tests the limits sets them.
    config.limits.requests_per_minute = 1_000_000;
    config.limits.tenant_requests_per_minute = 1_000_000;
    config.limits.graphql_cost_per_minute = 1_000_000_000;
    config.limits.oauth_per_minute = 100_000;
    config.limits.client_concurrent_requests = 0;
    // Tests seal by hand, when nothing else changes.
    config.audit.seal_seconds = 3600;
    config
}

impl Person {
    /// Somebody with this token at this server.
    pub(crate) fn at(base: &str, token: &str) -> Self {
        Self { base: base.to_owned(), token: token.to_owned(), client: reqwest::Client::new() }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// Sends the request; the answer is held against the document.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let (method, url) = (request.method().clone(), request.url().clone());
        let response = self.client.execute(request).await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer { status, headers, text: response.text().await.expect("a body") };
        document::check(&method, &url, &answer);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn write(&self, method: Method, path: &str, tag: Option<&str>, body: Value) -> Answer {
        let mut request = self.request(method, path).json(&body);
        if let Some(tag) = tag {
            request = request.header(header::IF_MATCH, tag);
        }
        self.send(request).await
    }

    pub(crate) async fn import(&self, query: &str, report: Vec<u8>) -> Answer {
        let patient = self.request(Method::POST, &format!("/v1/imports?{query}")).header("prefer", "wait=60");
        self.send(patient.body(report)).await
    }

    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> Value {
        let body = serde_json::json!({"query": query, "variables": variables});
        self.write(Method::POST, "/graphql", None, body).await.json()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text))
    }

    /// The items of a page.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.json()["items"].as_array().unwrap_or_else(|| panic!("no page: {}", self.text)).clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("no ETag: {} {}", self.status, self.text)).to_owned()
    }

    /// Fails unless the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The code of a problem.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}
