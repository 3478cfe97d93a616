//! Opening a store, with one clear sentence for each way it can fail.

use super::{Pools, Store, schema};
use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, str::FromStr, time::Duration};

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite://path/to/file` or `postgres://user:password@host:port/database`.
    pub url: String,
    /// Connections per pool: of each server thread on PostgreSQL, of all readers on SQLite.
    pub connections: u32,
    /// How long a request waits for a connection.
    pub acquire_timeout: Duration,
}

/// Why a store could not be opened. Never shows the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of no kind that is known.
    #[error("the database URL must begin with `sqlite:` or `postgres:`")]
    Url,
    /// SQLite could not open or make the file.
    #[error("the store {path} cannot be opened: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file is there but is no whole SQLite database.
    #[error("the store {path} is broken: {reason}")]
    Broken {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// PostgreSQL did not answer or refused.
    #[error("the database cannot be reached: {0}")]
    Database(String),
    /// The role is one that row-level security does not bind.
    #[error("the database role must not be used to serve: {0}")]
    Role(String),
    /// The tables are not those of this version.
    #[error("{0}")]
    Schema(String),
}

impl Store {
    /// Opens a store that is ready to serve: SQLite is brought up to date,
    /// PostgreSQL must have been (`fynd migrate`), and its role must be bound
    /// by row-level security.
    ///
    /// # Errors
    /// [`OpenError`], each with one clear sentence.
    pub async fn open(options: StoreOptions) -> Result<Self, OpenError> {
        let store = if options.url.starts_with("sqlite:") {
            schema::bring_sqlite_up_to_date(&options).await?;
            Self::over(sqlite(&options)?, options)
        } else {
            let store = Self::over(postgres(&options)?, options);
            schema::check_postgres(&store).await?;
            store
        };
        Ok(store)
    }

    fn over(pools: Pools, options: StoreOptions) -> Self {
        Self { pools, options, statements: Default::default(), pulse: Default::default() }
    }
}

pub(super) fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, OpenError> {
    let options = SqliteConnectOptions::from_str(url).map_err(|_| OpenError::Url)?;
    Ok(options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What was acknowledged survives a power cut as well.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        // Rows cross from SQLite's own thread in fewer hand-overs.
        .row_buffer_size(512)
        .pragma("cache_size", "-16384")
        .optimize_on_close(true, None))
}

/// The file of a SQLite URL, for messages.
pub(super) fn file_of(url: &str) -> String {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    Path::new(path.split('?').next().unwrap_or(path)).display().to_string()
}

pub(super) fn sqlite(options: &StoreOptions) -> Result<Pools, OpenError> {
    let connect = sqlite_options(&options.url)?;
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(options.acquire_timeout)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(connect.clone())
    };
    Ok(Pools::Sqlite { readers: pool(options.connections), writer: pool(1) })
}

/// How long a connection may rest before it is asked whether it is still there.
const IDLE: Duration = Duration::from_secs(10);

pub(super) fn postgres(options: &StoreOptions) -> Result<Pools, OpenError> {
    if !options.url.starts_with("postgres:") && !options.url.starts_with("postgresql:") {
        return Err(OpenError::Url);
    }
    let connect = PgConnectOptions::from_str(&options.url).map_err(|_| OpenError::Url)?;
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(options.acquire_timeout)
        // A connection just used is there; asking it first would cost every request a round trip.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(connect.application_name("fynd"));
    Ok(Pools::Postgres(pool))
}
