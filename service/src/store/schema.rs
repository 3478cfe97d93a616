//! Bringing the tables up to date, and checking that they are.

use super::{OpenError, Pools, Store, StoreOptions, open};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use std::collections::BTreeSet;

/// Brings the tables of `url` up to date. On PostgreSQL the URL is the owner's,
/// and `server_role` (if named) is granted what the server needs: to read and
/// write rows, but not to touch the tables, nor to change or delete what was
/// recorded.
///
/// # Errors
/// [`OpenError`] if the store cannot be reached or a statement fails.
pub async fn migrate(url: &str, server_role: Option<&str>) -> Result<(), OpenError> {
    let db = connect(url).await?;
    Migrator::up(&db, None).await.map_err(|e| OpenError::Database(e.to_string()))?;
    if let (Some(role), DbBackend::Postgres) = (server_role, db.get_database_backend()) {
        for statement in grants(role) {
            db.execute_unprepared(&statement).await.map_err(|e| OpenError::Database(e.to_string()))?;
        }
    }
    db.close().await.map_err(|e| OpenError::Database(e.to_string()))
}

/// Takes every migration back: all tables and all that is in them. For tests.
///
/// # Errors
/// [`OpenError`] if the store cannot be reached or a statement fails.
pub async fn roll_back(url: &str) -> Result<(), OpenError> {
    let db = connect(url).await?;
    Migrator::down(&db, None).await.map_err(|e| OpenError::Database(e.to_string()))?;
    db.close().await.map_err(|e| OpenError::Database(e.to_string()))
}

async fn connect(url: &str) -> Result<DatabaseConnection, OpenError> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    if url.starts_with("sqlite:") {
        let own = open::sqlite_options(url)?;
        options.map_sqlx_sqlite_opts(move |_| own.clone());
    }
    Database::connect(options).await.map_err(|e| reason(url, &e.to_string()))
}

fn reason(url: &str, reason: &str) -> OpenError {
    if !url.starts_with("sqlite:") {
        return OpenError::Database(reason.to_owned());
    }
    let path = open::file_of(url);
    if reason.contains("not a database") || reason.contains("malformed") {
        OpenError::Broken { path, reason: "it is no SQLite database, or a damaged one".into() }
    } else {
        OpenError::File { path, reason: reason.to_owned() }
    }
}

fn grants(role: &str) -> Vec<String> {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    vec![
        format!("GRANT USAGE ON SCHEMA public TO {role}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"),
        format!("GRANT EXECUTE ON FUNCTION app_tenants() TO {role}"),
        format!("GRANT EXECUTE ON FUNCTION refresh_statistics() TO {role}"),
        format!("GRANT EXECUTE ON FUNCTION forget_events(uuid, bigint, bigint) TO {role}"),
        // What was recorded stays recorded.
        format!("REVOKE UPDATE, DELETE ON event, audit, audit_seal, audit_head FROM {role}"),
        format!("REVOKE INSERT, UPDATE, DELETE ON seaql_migrations FROM {role}"),
    ]
}

pub(super) async fn bring_sqlite_up_to_date(options: &StoreOptions) -> Result<(), OpenError> {
    let path = open::file_of(&options.url);
    let db = connect(&options.url).await?;
    let applied = Migrator::up(&db, None).await.map_err(|e| match reason(&options.url, &e.to_string()) {
        broken @ OpenError::Broken { .. } => broken,
        _ if e.to_string().contains("is missing") => newer(&path),
        _ if e.to_string().contains("readonly") => {
            OpenError::File { path: path.clone(), reason: "it cannot be written to".into() }
        }
        _ => OpenError::Broken { path: path.clone(), reason: e.to_string() },
    });
    db.close().await.map_err(|e| reason(&options.url, &e.to_string()))?;
    applied
}

fn newer(store: &str) -> OpenError {
    OpenError::Schema(format!(
        "the store {store} was made by a newer version of fynd; use that version, or restore a backup"
    ))
}

pub(super) async fn check_postgres(store: &Store) -> Result<(), OpenError> {
    let Pools::Postgres(pool) = &store.pools else { return Ok(()) };
    let db = sea_orm::SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone());
    check_role(&db).await?;
    check_version(&db).await?;
    check_rights(&db).await
}

const ROLE: &str = "SELECT rolsuper, rolbypassrls,
    EXISTS (SELECT 1 FROM pg_class c WHERE c.relname = 'finding' AND pg_get_userbyid(c.relowner) = current_user) AS owns
    FROM pg_roles WHERE rolname = current_user";

async fn check_role(db: &DatabaseConnection) -> Result<(), OpenError> {
    let failed = |e: sea_orm::DbErr| OpenError::Database(e.to_string());
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, ROLE)).await.map_err(failed)?;
    let Some(row) = row else { return Err(OpenError::Role("it does not exist".into())) };
    for (column, what) in [
        ("rolsuper", "it is a superuser, whom row-level security does not bind"),
        ("rolbypassrls", "it has BYPASSRLS"),
        ("owns", "it owns the tables; use a role that `fynd migrate --server-role NAME` granted its rights"),
    ] {
        if row.try_get::<bool>("", column).map_err(failed)? {
            return Err(OpenError::Role(what.into()));
        }
    }
    Ok(())
}

/// A migration that was run without `--server-role` leaves what it made without rights.
const RIGHTS: &str = "SELECT bool_and(has_table_privilege(oid, 'SELECT'))
    AND has_function_privilege('app_tenants()', 'EXECUTE') AND has_function_privilege('refresh_statistics()', 'EXECUTE')
    AS complete FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";

async fn check_rights(db: &DatabaseConnection) -> Result<(), OpenError> {
    let failed = |e: sea_orm::DbErr| OpenError::Database(e.to_string());
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, RIGHTS)).await.map_err(failed)?;
    let complete = row.map(|row| row.try_get::<bool>("", "complete")).transpose().map_err(failed)?;
    if complete == Some(true) {
        return Ok(());
    }
    let reason = "it lacks rights on some tables; run `fynd migrate --server-role NAME` with the owner's URL";
    Err(OpenError::Role(reason.into()))
}

async fn check_version(db: &DatabaseConnection) -> Result<(), OpenError> {
    let select = Statement::from_string(DbBackend::Postgres, "SELECT version FROM seaql_migrations");
    let behind = || {
        OpenError::Schema(
            "the tables are missing or of an older version: run `fynd migrate` with the owner's URL".into(),
        )
    };
    let rows = db.query_all_raw(select).await.map_err(|_| behind())?;
    let applied: BTreeSet<String> = rows.iter().filter_map(|row| row.try_get("", "version").ok()).collect();
    let known: BTreeSet<String> = Migrator::migrations().iter().map(|m| m.name().to_owned()).collect();
    if !applied.is_superset(&known) {
        return Err(behind());
    }
    if applied.len() > known.len() {
        return Err(newer("in PostgreSQL"));
    }
    Ok(())
}
