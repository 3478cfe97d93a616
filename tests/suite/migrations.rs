//! Migrations up, down and up again; and the wall in the catalogue.

use crate::support::{Kind, TestStore, on_both_stores};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;

on_both_stores!(migrations_go_up_down_and_up_again);

async fn migrations_go_up_down_and_up_again(kind: Kind) {
    let store = TestStore::empty(kind).await;
    service::store::migrate(&store.owner_url, None).await.expect("up");
    service::store::roll_back(&store.owner_url).await.expect("down");
    service::store::migrate(&store.owner_url, None).await.expect("up again");
    service::store::migrate(&store.owner_url, None).await.expect("nothing left to do");
    store.remove().await;
}

/// Tables outside the wall, with the reason for each.
const OUTSIDE: &[(&str, &str)] = &[
    ("auth_epoch", "one number"),
    ("client", "who may ask for tokens, before it is known where"),
    ("client_secret", "keyed digests of secrets"),
    ("client_tenant", "where a client may ask for tokens"),
    ("cve", "what anybody may know about a CVE"),
    ("cve_feed", "when that was last loaded"),
    ("grant", "says who may enter, so it is read before anyone has"),
    ("organisation", "names of municipalities and providers"),
    ("person", "names of people, which an erasure empties"),
    ("person_principal", "who is behind a principal"),
    ("principal", "who there is, before it is known where"),
    ("revoked_token", "ids of tokens"),
    ("seaql_migrations", "the migrations' own book-keeping"),
    ("signing_key", "public keys, and sealed private ones"),
    ("tenant", "names of municipalities"),
    ("used_assertion", "ids of assertions, so that none is used twice"),
];

#[tokio::test]
async fn every_other_table_is_behind_forced_row_level_security() {
    let store = TestStore::new(Kind::Postgres).await;
    let mut connection = PgConnection::connect(&store.owner_url).await.expect("PostgreSQL answers");
    let query = "SELECT relname::text, relrowsecurity AND relforcerowsecurity FROM pg_class
                 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let tables: Vec<(String, bool)> = sqlx::query_as(query).fetch_all(&mut connection).await.expect("tables");
    let outside: BTreeSet<&str> = OUTSIDE.iter().map(|(table, _)| *table).collect();
    let open: BTreeSet<&str> = tables.iter().filter(|(_, walled)| !walled).map(|(name, _)| name.as_str()).collect();
    assert_eq!(open, outside);
    assert!(tables.len() > open.len() + 10);
    connection.close().await.expect("closed");
    store.remove().await;
}

#[tokio::test]
async fn the_database_alone_keeps_the_wall() {
    let store = TestStore::new(Kind::Postgres).await;
    let mut owner = PgConnection::connect(&store.owner_url).await.expect("PostgreSQL answers");
    let setup = "INSERT INTO organisation VALUES ('01900000-0000-7000-8000-00000000000a', 'municipality', 'N', now());
        INSERT INTO tenant VALUES ('01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-00000000000a', 'a', 'A', now()),
            ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-00000000000a', 'b', 'B', now());
        INSERT INTO source VALUES ('01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000011', 'x', 'x', now()),
            ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000012', 'x', 'x', now());";
    sqlx::raw_sql(setup).execute(&mut owner).await.expect("set up by a superuser");
    let mut server = PgConnection::connect(&store.url).await.expect("the server's role");
    let count = "SELECT count(*) FROM source";
    let unscoped: i64 = sqlx::query_scalar(count).fetch_one(&mut server).await.expect("a count");
    assert_eq!(unscoped, 0, "no scope, no rows");
    let mut tx = server.begin().await.expect("begin");
    sqlx::raw_sql("SET LOCAL app.tenants = '01900000-0000-7000-8000-000000000001'")
        .execute(&mut *tx)
        .await
        .expect("scope");
    let scoped: i64 = sqlx::query_scalar(count).fetch_one(&mut *tx).await.expect("a count");
    assert_eq!(scoped, 1);
    let foreign = "INSERT INTO source VALUES ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000013', 'y', 'y', now())";
    assert!(sqlx::raw_sql(foreign).execute(&mut *tx).await.is_err(), "a row for another tenant is refused");
    drop(tx);
    let after: i64 = sqlx::query_scalar(count).fetch_one(&mut server).await.expect("a count");
    assert_eq!(after, 0, "the scope ends with its transaction");
    let rewrite = "UPDATE audit SET action = 'nothing'";
    assert!(sqlx::raw_sql(rewrite).execute(&mut server).await.is_err(), "what was recorded stays recorded");
    server.close().await.expect("closed");
    owner.close().await.expect("closed");
    store.remove().await;
}
