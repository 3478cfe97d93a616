//! One open transaction, and SeaORM's way to run statements on it.

use super::{Access, Pools, Pulse, Store};
use crate::Result;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Executor, Postgres, Sqlite, Transaction};
use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Mutex;
use uuid::Uuid;

/// An open transaction. Dropped without a commit it is rolled back.
pub(crate) struct Connection {
    transaction: Mutex<Open>,
    backend: DbBackend,
    statements: Arc<AtomicU64>,
    /// Whom a commit wakes.
    pulse: Option<Arc<Pulse>>,
}

enum Open {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

impl Connection {
    /// Begins a transaction; on PostgreSQL the scope of row-level security is set in the same round trip.
    pub(super) async fn begin(store: &Store, access: Access, tenants: &[Uuid]) -> Result<Self> {
        let (transaction, backend) = match &store.pools {
            Pools::Postgres(pool) => {
                let (pool, open) = (pool.clone(), open_scope(access, tenants));
                // In a task of its own: a request that is given up in the middle of BEGIN would
                // put the connection back with a transaction that nobody ends.
                let begin = tokio::spawn(async move { pool.begin_with(AssertSqlSafe(open)).await });
                (Open::Postgres(begin.await.map_err(crate::Error::internal)??), DbBackend::Postgres)
            }
            Pools::Sqlite { readers, writer } => {
                let begin = match access {
                    Access::Read => readers.begin_with("BEGIN").await?,
                    Access::Write => writer.begin_with("BEGIN IMMEDIATE").await?,
                };
                (Open::Sqlite(begin), DbBackend::Sqlite)
            }
        };
        let pulse = (access == Access::Write).then(|| store.pulse.clone());
        Ok(Self { transaction: Mutex::new(transaction), backend, statements: store.statements.clone(), pulse })
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self.transaction.into_inner() {
            Open::Postgres(transaction) => transaction.commit().await?,
            Open::Sqlite(transaction) => transaction.commit().await?,
        }
        if let Some(pulse) = self.pulse {
            pulse.nudge();
        }
        Ok(())
    }

    /// Opens the transaction to these tenants instead of those that it was begun over.
    pub(crate) async fn open_to(&self, tenants: &[Uuid]) -> Result<()> {
        if self.is_postgres() {
            self.execute_unprepared(&scope_of(tenants)).await?;
        }
        Ok(())
    }

    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self.backend, DbBackend::Postgres)
    }
}

/// `SET LOCAL` ends with the transaction, which is the only form safe with a
/// pool. Tenants are typed ids, so the literal cannot carry a quote.
fn open_scope(access: Access, tenants: &[Uuid]) -> String {
    let begin = match access {
        Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
    };
    format!("{begin}; {}", scope_of(tenants))
}

fn scope_of(tenants: &[Uuid]) -> String {
    let mut sql = String::from("SET LOCAL app.tenants = '");
    for (at, tenant) in tenants.iter().enumerate() {
        let separator = if at > 0 { "," } else { "" };
        // Writing to a String does not fail.
        let _ = write!(sql, "{separator}{tenant}");
    }
    sql.push('\'');
    sql
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

/// Runs `$run` on the transaction, whichever store it is of.
macro_rules! on_transaction {
    ($self:ident, $statement:ident, $query:ident, $connection:ident => $run:expr) => {{
        $self.statements.fetch_add(1, Ordering::Relaxed);
        let values = SqlxValues($statement.values.unwrap_or(Values(Vec::new())));
        match &mut *$self.transaction.lock().await {
            Open::Postgres(transaction) => {
                let $query = sqlx::query_with(AssertSqlSafe($statement.sql), values);
                let $connection = &mut **transaction;
                $run
            }
            Open::Sqlite(transaction) => {
                let $query = sqlx::query_with(AssertSqlSafe($statement.sql), values);
                let $connection = &mut **transaction;
                $run
            }
        }
    }};
}

#[sea_orm::prelude::async_trait::async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> std::result::Result<ExecResult, DbErr> {
        on_transaction!(self, statement, query, connection => query.execute(connection).await.map(Into::into).map_err(failed))
    }

    async fn execute_unprepared(&self, sql: &str) -> std::result::Result<ExecResult, DbErr> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let sql = AssertSqlSafe(sql.to_owned());
        match &mut *self.transaction.lock().await {
            Open::Postgres(transaction) => (&mut **transaction).execute(sql).await.map(Into::into).map_err(failed),
            Open::Sqlite(transaction) => (&mut **transaction).execute(sql).await.map(Into::into).map_err(failed),
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> std::result::Result<Option<QueryResult>, DbErr> {
        on_transaction!(self, statement, query, connection => {
            query.fetch_optional(connection).await.map(|row| row.map(Into::into)).map_err(failed)
        })
    }

    async fn query_all_raw(&self, statement: Statement) -> std::result::Result<Vec<QueryResult>, DbErr> {
        on_transaction!(self, statement, query, connection => {
            let rows = query.fetch_all(connection).await.map_err(failed)?;
            Ok(rows.into_iter().map(Into::into).collect())
        })
    }
}
