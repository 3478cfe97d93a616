//! The commands of the binary, as a stranger runs them.

use crate::support::{
    Kind, Person, TestStore, fixture, generated_report, look, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use reqwest::Method;
use std::time::{Duration, Instant};

on_both_stores!(
    a_stranger_sets_up_imports_and_is_told_what_is_wrong,
    a_server_told_to_end_ends_in_time_and_leaves_no_import_running,
);

async fn a_stranger_sets_up_imports_and_is_told_what_is_wrong(kind: Kind) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    assert!(printed(fynd(&store).args(["tenant", "list"])).contains("norrvik"));
    let file = store.folder.path().join("report.nessus");
    std::fs::write(&file, fixture("nessus/norrvik.nessus")).expect("written");
    let told = printed(fynd(&store).args(["import", "--tenant", "norrvik"]).arg(&file));
    assert!(told.contains("created"), "{told}");
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", "findings:read", "--ttl", "5m"]));
    assert_eq!(token.split('.').count(), 3);
    for (arguments, said) in [
        (vec!["tenant", "add", "norrvik", "Norrvik"], "taken"),
        (vec!["tenant", "add", "Norr vik", "Norrvik"], "slug"),
        (vec!["token", "--tenant", "nowhere", "--scope", "findings:read"], "nowhere"),
        (vec!["token", "--tenant", "norrvik", "--scope", "findings:raed"], "findings:raed"),
        (vec!["import", "--tenant", "norrvik", "missing.nessus"], "missing.nessus"),
        (vec!["--config", "missing.toml", "serve"], "missing.toml"),
    ] {
        refused(fynd(&store).args(&arguments), said);
    }
    refused(fynd(&store).env("FYND_LISTEN", "nonsense").arg("serve"), "LISTEN");
    refused(fynd(&store).env("FYND_COLOUR", "red").arg("serve"), "colour");
    let port = free_port();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).expect("taken");
    refused(fynd(&store).args(["serve", "--listen", &format!("127.0.0.1:{port}")]), "in use");
    store.remove().await;
}

async fn a_server_told_to_end_ends_in_time_and_leaves_no_import_running(kind: Kind) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let scopes = "imports:write findings:read";
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", scopes]));
    for (signal, findings) in [("TERM", 10_000), ("INT", 10_001)] {
        let mut server = Process::start(&store, free_port()).await;
        let sender = Person::at(&server.base, &token);
        let request = sender.request(Method::POST, "/v1/imports").header("prefer", "wait=0");
        let import = sender.send(request.body(generated_report(findings))).await.expect(202).json();
        assert_eq!(import["status"], "running");
        let told = Instant::now();
        server.signal(signal);
        assert_eq!(server.ended().await.code(), Some(0), "after SIG{signal}");
        assert!(told.elapsed() < Duration::from_secs(20), "SIG{signal}: {:?}", told.elapsed());
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let server = Process::start(&store, free_port()).await;
        let path = format!("/v1/imports/{}", import["id"].as_str().expect("an id"));
        let left = Person::at(&server.base, &token).get(&path).await.expect(200).json();
        assert!(left["status"] == "completed" || left["status"] == "interrupted", "SIG{signal}: {left}");
    }
    assert_eq!(look(&store, "SELECT status FROM import").await.len(), 2);
    store.remove().await;
}

/// The command fails with one clear line that says this.
#[track_caller]
fn refused(command: &mut std::process::Command, said: &str) {
    let output = command.output().expect("it runs");
    assert!(!output.status.success(), "{command:?}");
    let (told, failure) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // An import says on stdout what became of each file.
    assert!(told.contains(said) || failure.contains(said), "{command:?} says {told}{failure}");
    assert!(failure.starts_with("fynd: ") && failure.lines().count() == 1, "{command:?} says {failure}");
}

#[test]
fn the_demo_says_what_is_wrong_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("fynd.db"), b"this is no database, whatever its name says").expect("written");
    let mut broken = std::process::Command::new(crate::support::process::binary());
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    refused(broken.args(["demo", "--listen", &listen, "--keep"]).arg(folder.path()), "broken");
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).expect("taken");
    let mut taken = std::process::Command::new(crate::support::process::binary());
    refused(taken.args(["demo", "--listen", &listen]), "in use");
    let mut nowhere = std::process::Command::new(crate::support::process::binary());
    refused(nowhere.args(["demo", "--listen", &listen, "--keep", "/proc/nowhere"]), "/proc/nowhere");
}

#[tokio::test]
async fn the_server_refuses_a_role_that_the_wall_does_not_bind() {
    let store = TestStore::new(Kind::Postgres).await;
    let url = store.owner_url.clone();
    refused(fynd(&store).env("FYND_DATABASE_URL", &url).arg("serve"), "superuser");
    store.remove().await;
    let empty = TestStore::empty(Kind::Postgres).await;
    refused(fynd(&empty).arg("serve"), "fynd migrate");
    empty.remove().await;
}
