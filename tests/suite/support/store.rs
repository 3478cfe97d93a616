//! A store of its own for each test.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// Which store a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A store that is gone after the test.
pub(crate) struct TestStore {
    /// What the server connects with.
    pub(crate) url: String,
    /// What owns the tables.
    pub(crate) owner_url: String,
    pub(crate) folder: tempfile::TempDir,
    database: Option<(String, String)>,
}

/// The role that test servers run as: it neither owns the tables nor bypasses row-level security.
const SERVER: &str = "fynd_test_server";

impl TestStore {
    /// An empty store, brought up to date.
    pub(crate) async fn new(kind: Kind) -> Self {
        let store = Self::empty(kind).await;
        let role = (kind == Kind::Postgres).then_some(SERVER);
        service::store::migrate(&store.owner_url, role).await.expect("migrated");
        store
    }

    /// An empty store without tables.
    pub(crate) async fn empty(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        if kind == Kind::Sqlite {
            let url = format!("sqlite://{}", folder.path().join("fynd.db").display());
            return Self { owner_url: url.clone(), url, folder, database: None };
        }
        let admin = std::env::var("FYND_TEST_POSTGRES").expect("FYND_TEST_POSTGRES: run the tests with `tests/run`");
        let name = format!("t_{}", uuid::Uuid::now_v7().simple());
        let mut connection = PgConnection::connect(&admin).await.expect("PostgreSQL answers");
        // Several tests make the role at once; all but one may fail, and that is fine.
        let role = format!("CREATE ROLE {SERVER} LOGIN PASSWORD '{SERVER}'");
        let _ = sqlx::raw_sql(AssertSqlSafe(role)).execute(&mut connection).await;
        let create = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.expect("a database");
        let at = admin.rfind('@').expect("a host");
        let host = &admin[at + 1..admin.rfind('/').expect("a database")];
        let owner_url = format!("{}/{name}", &admin[..admin.rfind('/').expect("a database")]);
        let url = format!("postgres://{SERVER}:{SERVER}@{host}/{name}");
        Self { url, owner_url, folder, database: Some((admin, name)) }
    }

    /// Runs a statement as the owner of the tables: what no use case offers yet, or what an intruder would do.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.database.is_some() {
            let mut owner = PgConnection::connect(&self.owner_url).await.expect("PostgreSQL answers");
            sqlx::raw_sql(sql).execute(&mut owner).await.expect("a statement");
        } else {
            let mut owner = SqliteConnection::connect(&self.owner_url).await.expect("SQLite opens");
            sqlx::raw_sql(sql).execute(&mut owner).await.expect("a statement");
        }
    }

    /// Removes a database; a SQLite file goes with its folder.
    pub(crate) async fn remove(self) {
        if let Some((admin, name)) = self.database {
            let mut connection = PgConnection::connect(&admin).await.expect("PostgreSQL answers");
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await.expect("dropped");
        }
    }
}
