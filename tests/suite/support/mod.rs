//! The test world: a server in this process, with people who can do things.

pub(crate) mod document;
pub(crate) mod enrich;
pub(crate) mod process;
pub(crate) mod slow;
pub(crate) mod socket;
mod store;
pub(crate) mod strangers;
mod world;

pub(crate) use store::{Kind, TestStore};
pub(crate) use world::{ALL, Answer, Person, World};

/// Runs each of the tests on both stores.
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::support::Kind::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::support::Kind::Postgres).await;
            })*
        }
    };
}
pub(crate) use on_both_stores;

/// Waits until it is so: what changes about rights counts within five seconds, on every replica.
pub(crate) async fn within_five_seconds(what: &str, is_so: impl AsyncFn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "not within five seconds: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The texts of a query's only column, read past the service: what is really in the store.
pub(crate) async fn look(store: &TestStore, sql: &str) -> Vec<String> {
    use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, query_scalar};
    let sql = AssertSqlSafe(sql.to_owned());
    if store.owner_url.starts_with("sqlite:") {
        let mut owner = SqliteConnection::connect(&store.owner_url).await.expect("SQLite opens");
        query_scalar(sql).fetch_all(&mut owner).await.expect("rows")
    } else {
        let mut owner = PgConnection::connect(&store.owner_url).await.expect("PostgreSQL answers");
        query_scalar(sql).fetch_all(&mut owner).await.expect("rows")
    }
}

/// Fails unless every asset counts exactly its open findings by severity, and those that are overdue. Gives how many
/// assets count any.
pub(crate) async fn counted_exactly(store: &TestStore) -> usize {
    let of = |condition: &str| {
        format!(
            "(SELECT count(*) FROM finding f WHERE f.tenant_id = a.tenant_id AND f.asset_id = a.id AND {condition}
                AND f.status IN ('new', 'confirmed', 'in_progress', 'fix_claimed'))"
        )
    };
    let counts = [
        ("open_informational", of("f.severity = 0")),
        ("open_low", of("f.severity = 1")),
        ("open_medium", of("f.severity = 2")),
        ("open_high", of("f.severity = 3")),
        ("open_critical", of("f.severity = 4")),
        ("overdue_count", of("f.overdue")),
    ];
    let differs: Vec<String> = counts.iter().map(|(column, count)| format!("a.{column} <> {count}")).collect();
    let wrong = look(store, &format!("SELECT a.name FROM asset a WHERE {}", differs.join(" OR "))).await;
    assert!(wrong.is_empty(), "miscounted: {wrong:?}");
    let any: Vec<String> = counts.iter().map(|(column, _)| format!("a.{column} > 0")).collect();
    look(store, &format!("SELECT a.name FROM asset a WHERE {}", any.join(" OR "))).await.len()
}

/// A small fixture of this project.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// A Nessus report with this many findings, spread over hosts and plugins.
pub(crate) fn generated_report(findings: usize) -> Vec<u8> {
    use std::fmt::Write;
    let mut report = String::from("<?xml version=\"1.0\"?><NessusClientData_v2><Report name=\"Norrvik\">");
    for host in 0..findings.div_ceil(50) {
        let (a, b) = (host / 250, host % 250 + 1);
        write!(
            report,
            "<ReportHost name=\"h{host}.norrvik.example\"><HostProperties><tag name=\"host-fqdn\">h{host}.norrvik.example\
             </tag><tag name=\"host-ip\">10.{a}.0.{b}</tag><tag name=\"HOST_END_TIMESTAMP\">1793000000</tag></HostProperties>"
        )
        .expect("text");
        for item in (host * 50)..findings.min(host * 50 + 50) {
            let (plugin, severity) = (10_000 + item % 50 + (item / 50) % 7 * 50, item % 5);
            write!(
                report,
                "<ReportItem port=\"443\" svc_name=\"www\" protocol=\"tcp\" severity=\"{severity}\" pluginID=\"{plugin}\" \
                 pluginName=\"Påhittad brist {plugin}\" pluginFamily=\"General\"><description>Beskrivning {item}</description>\
                 <solution>Uppgradera.</solution><cve>CVE-2024-{}</cve></ReportItem>",
                1000 + plugin % 900
            )
            .expect("text");
        }
        report.push_str("</ReportHost>");
    }
    report.push_str("</Report></NessusClientData_v2>");
    report.into_bytes()
}

/// The root of the project.
pub(crate) fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a root").to_owned()
}
