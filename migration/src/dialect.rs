//! The differences between the two stores, in one place.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, Statement},
};

/// Runs statements, one string each, after putting the store's own types in
/// for `{id}` (UUID), `{time}` (instant in UTC), `{json}`, `{bytes}` and `{code_points}` (text in that order).
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
        DbBackend::Sqlite => {
            [("{id}", "blob"), ("{time}", "text"), ("{json}", "text"), ("{bytes}", "blob"), ("{code_points}", "text")]
        }
        _ => [
            ("{id}", "uuid"),
            ("{time}", "timestamptz"),
            ("{json}", "jsonb"),
            ("{bytes}", "bytea"),
            ("{code_points}", "text COLLATE \"C\""),
        ],
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

/// Lets the owner see and change every tenant's rows, for a migration that fills columns; nobody else is let in by
/// this. Needs a migration in a transaction, which ends with [`raise_wall`].
pub(crate) async fn lower_wall(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    force(manager, tables, "NO FORCE").await
}

/// Binds the owner again.
pub(crate) async fn raise_wall(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    force(manager, tables, "FORCE").await
}

async fn force(manager: &SchemaManager<'_>, tables: &[&str], word: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for table in tables {
        let statement = format!("ALTER TABLE {table} {word} ROW LEVEL SECURITY");
        manager.get_connection().execute_unprepared(&statement).await?;
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

/// Makes a SQLite table anew with `old` in its own CREATE TABLE exchanged for `new`: the way
/// to change what its ALTER TABLE cannot. Rows and indexes stay. Needs a migration in a transaction.
///
/// The rows are put aside and come back into a table of the same name, rather than the new
/// table being renamed: with foreign keys deferred to the commit, rows of other tables that
/// point here are then in order again, and no reference is rewritten by a rename.
pub(crate) async fn rebuild(manager: &SchemaManager<'_>, table: &str, old: &str, new: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let query = format!("SELECT type, sql FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL");
    let (mut create, mut others) = (String::new(), Vec::new());
    for row in connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, query)).await? {
        let sql: String = row.try_get("", "sql")?;
        if row.try_get::<String>("", "type")? == "table" { create = sql } else { others.push(sql) }
    }
    if !create.contains(old) {
        return Err(DbErr::Migration(format!("the table {table} is not made as expected: {create}")));
    }
    let aside = [
        "PRAGMA defer_foreign_keys = ON".to_owned(),
        format!("CREATE TABLE rebuilt AS SELECT * FROM {table}"),
        format!("DROP TABLE {table}"),
        create.replacen(old, new, 1),
        format!("INSERT INTO {table} SELECT * FROM rebuilt"),
        "DROP TABLE rebuilt".to_owned(),
    ];
    for statement in aside.into_iter().chain(others) {
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
}
