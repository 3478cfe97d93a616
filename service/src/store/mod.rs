//! The store: PostgreSQL or SQLite behind one type. Connections never leave
//! this module but as an open transaction, and those only reach `tenancy`,
//! `platform` and `audit`.

mod connection;
mod open;
mod pulse;
mod schema;

pub(crate) use connection::Connection;
pub use open::{OpenError, StoreOptions};
use pulse::Pulse;
pub use schema::{migrate, roll_back};

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use uuid::Uuid;

/// A store. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
    options: StoreOptions,
    statements: Arc<AtomicU64>,
    pulse: Arc<Pulse>,
}

#[derive(Clone)]
enum Pools {
    Postgres(sqlx::PgPool),
    /// SQLite takes one writer; readers go on beside it (WAL).
    Sqlite {
        readers: sqlx::SqlitePool,
        writer: sqlx::SqlitePool,
    },
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// One consistent look: nothing changes between two statements.
    Read,
    /// Changes; on SQLite it takes the writer's lock at once, since a reader that turns writer fails.
    Write,
}

impl Store {
    /// A store for one server thread, with connections of its own: a reply then
    /// never crosses threads (on PostgreSQL; SQLite has threads of its own).
    ///
    /// # Errors
    /// [`OpenError`] if the connection cannot be made.
    pub async fn for_worker(&self) -> Result<Self, OpenError> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(self.clone()),
            Pools::Postgres(_) => {
                let pools = open::postgres(&self.options)?;
                Ok(Self { pools, ..self.clone() })
            }
        }
    }

    /// Opens a transaction over the tenants given; over none of them for the platform's tables.
    pub(crate) async fn begin(&self, access: Access, tenants: &[Uuid]) -> crate::Result<Connection> {
        Connection::begin(self, access, tenants).await
    }

    /// Returns once the clock of one of these tenants is beyond the number that it has been read to.
    pub(crate) async fn beyond(&self, read_to: &BTreeMap<Uuid, i64>) {
        self.pulse.beyond(read_to).await;
    }

    /// How many statements this store has run, over all its clones. For tests and metrics.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Whether the store answers.
    pub async fn is_ready(&self) -> bool {
        match &self.pools {
            Pools::Postgres(pool) => sqlx::query("SELECT 1").execute(pool).await.is_ok(),
            Pools::Sqlite { readers, .. } => sqlx::query("SELECT 1").execute(readers).await.is_ok(),
        }
    }

    /// Gives a young PostgreSQL store its first statistics, which it would otherwise
    /// have to wait a minute for; see migration 6. Without them it is only slower.
    pub(crate) async fn refresh_statistics(&self) {
        let Pools::Postgres(pool) = &self.pools else { return };
        if let Err(error) = sqlx::query("SELECT refresh_statistics()").execute(pool).await {
            tracing::warn!(%error, "the store's statistics could not be refreshed");
        }
    }

    /// Closes all connections, so that a SQLite file is left whole and without its side files.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Postgres(pool) => pool.close().await,
            Pools::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}
