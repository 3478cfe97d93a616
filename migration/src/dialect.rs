//! The differences between the two stores, in one place.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// Runs statements, one string each, after putting the store's own types in
/// for `{id}` (UUID), `{time}` (instant in UTC), `{json}` and `{bytes}`.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    for statement in statements {
        manager.get_connection().execute_unprepared(&translate(statement, backend)).await?;
    }
    Ok(())
}

fn translate(statement: &str, backend: DbBackend) -> String {
    // SQLite keeps instants as the RFC 3339 text that chrono writes, always in UTC, which sorts as time does.
    let types = match backend {
        DbBackend::Sqlite => [("{id}", "blob"), ("{time}", "text"), ("{json}", "text"), ("{bytes}", "blob")],
        _ => [("{id}", "uuid"), ("{time}", "timestamptz"), ("{json}", "jsonb"), ("{bytes}", "bytea")],
    };
    types.iter().fold(statement.to_owned(), |sql, (name, own)| sql.replace(name, own))
}

/// Puts tenant tables behind row-level security on PostgreSQL: forced, so that
/// the owner is bound as well. SQLite has none; there the types are the wall.
pub(crate) async fn wall(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for table in tables {
        // The sub-select is evaluated once per query, not once per row.
        let policy = "tenant_id = ANY ((SELECT app_tenants())::uuid[])";
        let statements = format!(
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
             ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
             CREATE POLICY tenant_wall ON {table} USING ({policy}) WITH CHECK ({policy});"
        );
        manager.get_connection().execute_unprepared(&statements).await?;
    }
    Ok(())
}

/// Drops tables, the last made first.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    for table in tables.iter().rev() {
        manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
    }
    Ok(())
}
