//! The commands of the binary, as a stranger runs them.

use crate::support::{
    Kind, TestStore, fixture, on_both_stores,
    process::{free_port, fynd, printed},
};

on_both_stores!(a_stranger_sets_up_imports_and_is_told_what_is_wrong);

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

/// The command fails with one clear line that says this.
#[track_caller]
fn refused(command: &mut std::process::Command, said: &str) {
    let output = command.output().expect("it runs");
    assert!(!output.status.success(), "{command:?}");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(text.contains(said), "{command:?} says {text}");
    assert!(!text.contains("panicked"), "{text}");
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
