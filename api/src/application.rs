//! The server, built the same way by `main` and by the tests.

use crate::{
    config::Config,
    graphql,
    limits::{self, Limits},
    pages,
    rest::{
        self, idempotency,
        methods::{self, Methods},
        middleware, prefer,
    },
};
use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware::{Compress, from_fn},
    web::{self, Data},
};
use service::{
    Auth, Clock, Store,
    attachment::Storage,
    audit,
    auth::{AuthOptions, Vault, VaultError},
    enrich::Feeds,
    housekeeping::{self, HousekeepingOptions},
    import::ImportOptions,
    outbound::Outbound,
    store::{OpenError, StoreOptions},
};
use std::{any::Any, net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::watch;
use utoipa_actix_web::AppExt;

/// A server that listens and is ready to run.
pub struct Application {
    server: Server,
    address: SocketAddr,
    auth: Arc<Auth>,
    store: Store,
    housekeeping: HousekeepingOptions,
    feeds: Feeds,
    seal_every: Duration,
    ending: watch::Sender<bool>,
}

/// What every request can reach.
pub(crate) struct State {
    pub(crate) auth: Arc<Auth>,
    pub(crate) config: Config,
    pub(crate) imports: ImportOptions,
    pub(crate) limits: Limits,
    /// Whether the server is stopping, so that what goes on has to end.
    pub(crate) ending: watch::Sender<bool>,
}

/// The connections of one server thread.
pub(crate) struct Worker(pub(crate) Store);

/// How long a connection that is being closed may take over it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why the server did not start: one clear sentence each.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The store key.
    #[error(transparent)]
    Key(#[from] VaultError),
    /// The address.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, String),
    /// A setting that only the service can judge.
    #[error("{0}")]
    Setting(String),
    /// The signing keys or the grants.
    #[error("the store cannot be used: {0}")]
    Auth(#[from] service::Error),
}

impl Application {
    /// Opens the store, takes the address and makes the server; nothing is served before [`Application::run`].
    ///
    /// # Errors
    /// [`StartError`], each with one clear sentence.
    pub async fn build(config: Config, clock: Clock) -> Result<Self, StartError> {
        let listener = std::net::TcpListener::bind(config.listen)
            .map_err(|error| StartError::Listen(config.listen, reason(&error)))?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(config.listen, error.to_string()))?;
        let attachments = Storage::open(config.attachment_options()).map_err(StartError::Setting)?;
        let auth = Arc::new(start(&config, clock).await?.with_attachments(attachments));
        let store = auth.service().store.clone();
        let imports = config.import_options();
        let housekeeping = HousekeepingOptions { imports };
        housekeeping::run(auth.service(), housekeeping).await?;
        auth.offer_grants().await?;
        if let Some(warning) = config.warning() {
            tracing::warn!(listen = %address, public_url = config.public_url, warning);
        }
        let limits = Limits::new(&config.limits, &auth.service().clock);
        let ending = watch::Sender::new(false);
        let state =
            Data::new(State { auth: auth.clone(), config: config.clone(), imports, limits, ending: ending.clone() });
        let server = serve(listener, &config, state, store.clone())
            .map_err(|error| StartError::Listen(config.listen, error.to_string()))?;
        let seal_every = Duration::from_secs(config.audit.seal_seconds);
        let outbound = Outbound::new(&config.outbound.allow).map_err(StartError::Setting)?;
        let feeds = Feeds::new(outbound, config.feed_options());
        Ok(Self { server, address, auth, store, housekeeping, feeds, seal_every, ending })
    }

    /// The address that was taken, with the real port where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Issues and verifies tokens.
    pub fn auth(&self) -> &Arc<Auth> {
        &self.auth
    }

    /// The store. For tests, which count its statements.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A handle that stops the server.
    pub fn handle(&self) -> actix_web::dev::ServerHandle {
        self.server.handle()
    }

    /// Serves until SIGINT, SIGTERM or its handle stops it; then lets running requests end and closes the store.
    ///
    /// # Errors
    /// If the server's threads fail.
    pub async fn run(self) -> std::io::Result<()> {
        let keeper = actix_web::rt::spawn(keep_house(self.auth.clone(), self.housekeeping));
        let late = actix_web::rt::spawn(catch_up(self.auth.clone(), self.housekeeping));
        let outside = actix_web::rt::spawn(follow_issuers(self.auth.clone()));
        let feeds = actix_web::rt::spawn(follow_feeds(self.auth.clone(), self.feeds));
        let sealer = actix_web::rt::spawn(seal(self.auth.clone(), self.seal_every));
        let clocks = actix_web::rt::spawn(housekeeping::follow_clocks(self.auth.service().clone()));
        let signals = actix_web::rt::spawn(end_streams(self.ending));
        let ended = self.server.await;
        clocks.abort();
        signals.abort();
        keeper.abort();
        late.abort();
        outside.abort();
        feeds.abort();
        sealer.abort();
        // Refusals of the last minute, and all that is not sealed yet.
        seal_step(&self.auth, true, None).await;
        tell_heads(&self.auth).await;
        self.store.close().await;
        ended
    }
}

/// Opens the store and reads the keys: what the server and the commands have in common.
pub(crate) async fn start(config: &Config, clock: Clock) -> Result<Auth, StartError> {
    let options = StoreOptions {
        url: config.database_url.clone(),
        connections: config.database_connections,
        acquire_timeout: config.acquire_timeout(),
    };
    let store = Store::open(options).await?;
    let vault =
        if config.key.is_empty() { Vault::from_file(&config.key_file)? } else { Vault::from_base64(&config.key)? };
    let options = AuthOptions {
        issuer: config.public_url.clone(),
        audience: config.audience.clone(),
        algorithm: config.signing_algorithm,
        token_life: Duration::from_secs(config.token_seconds),
        issuers: config.issuers.clone(),
    };
    let outbound = Outbound::new(&config.outbound.allow).map_err(StartError::Setting)?;
    Ok(Auth::start(store, clock, Arc::new(vault), options, &outbound).await?)
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => "the port is in use; choose another one with --listen".into(),
        std::io::ErrorKind::PermissionDenied => "the port needs more rights; choose one above 1023".into(),
        _ => error.to_string(),
    }
}

fn serve(
    listener: std::net::TcpListener,
    config: &Config,
    state: Data<State>,
    store: Store,
) -> std::io::Result<Server> {
    let schema = Data::new(graphql::schema(&config.limits, config.graphql_introspection));
    let document = Data::new(pages::Document(rest::document_json()));
    let methods = Data::new(Methods::of(&rest::document()));
    let body_bytes = config.limits.body_bytes;
    let shutdown = config.limits.shutdown_seconds;
    let server = HttpServer::new(move || {
        let store = store.clone();
        let (app, _) = App::new()
            .into_utoipa_app()
            .data_factory(move || {
                let store = store.clone();
                async move { store.for_worker().await.map(Worker) }
            })
            .app_data(state.clone())
            .app_data(schema.clone())
            .app_data(document.clone())
            .app_data(methods.clone())
            .app_data(web::PayloadConfig::new(body_bytes))
            .configure(rest::routes)
            .split_for_parts();
        app.configure(graphql::routes)
            .configure(pages::routes)
            .default_service(web::to(methods::no_such_operation))
            .wrap(from_fn(idempotency::once))
            .wrap(from_fn(prefer::minimal))
            .wrap(from_fn(methods::guard))
            .wrap(Compress::default())
            .wrap(from_fn(limits::guard))
            .wrap(from_fn(middleware::answer))
    });
    let stalled = Duration::from_secs(config.limits.stalled_seconds);
    let server = server
        // Who hangs up waits for nothing any more, and its place is free.
        .h1_allow_half_closed(false)
        .on_connect(move |connection, _| cut_stalled(connection, stalled))
        .client_request_timeout(Duration::from_secs(config.limits.head_seconds))
        .client_disconnect_timeout(LAST_WORDS)
        .keep_alive(Duration::from_secs(config.limits.keep_alive_seconds));
    let workers = if config.workers == 0 { std::thread::available_parallelism()?.get() } else { config.workers };
    Ok(server.workers(workers).shutdown_timeout(shutdown).listen(listener)?.run())
}

/// Ends what goes on when the server is told to stop, which would wait for it.
async fn end_streams(ending: watch::Sender<bool>) {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => return tracing::warn!(%error, "streams will keep the service from stopping at once"),
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    ending.send_replace(true);
}

/// Has the system cut a connection whose client takes nothing: what is written waits in the socket meanwhile, and the
/// answer behind it for the socket (RFC 5482).
fn cut_stalled(connection: &dyn Any, after: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>()
        && let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(after))
    {
        tracing::debug!(%error, "a connection that stalls will not be cut");
    }
}

/// How soon a municipality that was added reaches the offers of outside issuers.
const OFFER_EVERY: Duration = Duration::from_secs(60);

async fn follow_issuers(auth: Arc<Auth>) {
    auth.warm_up().await;
    loop {
        actix_web::rt::time::sleep(OFFER_EVERY).await;
        auth.renew_old_keys();
        if let Err(error) = auth.offer_grants().await {
            tracing::warn!(%error, "the offers of outside issuers could not be looked at");
        }
    }
}

/// How many steps of sealing look at the last hour alone before one looks at everything.
const STEPS: u32 = 700;

async fn seal(auth: Arc<Auth>, every: Duration) {
    let mut told = None;
    for step in (0..STEPS).cycle() {
        actix_web::rt::time::sleep(every).await;
        let now = auth.service().clock.now();
        // What was recorded long ago and committed late is found in time as well.
        seal_step(&auth, false, (step > 0).then_some(now - Duration::from_secs(3600))).await;
        if told.replace(now.date_naive()) != Some(now.date_naive()) {
            tell_heads(&auth).await;
        }
    }
}

async fn tell_heads(auth: &Auth) {
    if let Err(error) = audit::tell_heads(auth.service()).await {
        tracing::warn!(%error, "the heads of the audit could not be told");
    }
}

async fn seal_step(auth: &Auth, all: bool, since: Option<domain::Timestamp>) {
    if let Err(error) = audit::write_noted(auth.service(), all).await {
        tracing::warn!(%error, "refusals could not be written to the audit yet");
    }
    if let Err(error) = audit::seal(auth.service(), since).await {
        tracing::warn!(%error, "the audit could not be sealed yet");
    }
}

/// How often the house is kept; more often where imports are given up sooner.
const KEEP_EVERY: Duration = Duration::from_secs(10);

async fn keep_house(auth: Arc<Auth>, options: HousekeepingOptions) {
    loop {
        actix_web::rt::time::sleep(KEEP_EVERY.min(options.imports.lease / 2)).await;
        if let Err(error) = housekeeping::on_time(auth.service(), options).await {
            tracing::warn!(%error, "the house could not be kept");
        }
    }
}

async fn catch_up(auth: Arc<Auth>, options: HousekeepingOptions) {
    loop {
        actix_web::rt::time::sleep(KEEP_EVERY.min(options.imports.lease / 2)).await;
        if let Err(error) = housekeeping::catch_up(auth.service()).await {
            tracing::warn!(%error, "what is late could not be caught up with");
        }
    }
}

/// How often it is looked whether anything is known anew about CVEs.
const FEEDS_EVERY: Duration = Duration::from_secs(10);

async fn follow_feeds(auth: Arc<Auth>, feeds: Feeds) {
    loop {
        feeds.step(auth.service()).await;
        actix_web::rt::time::sleep(FEEDS_EVERY).await;
    }
}
