//! The real binary as a process of its own, to be killed.

use super::TestStore;
use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running `fynd serve`.
pub(crate) struct Process {
    child: Child,
    pub(crate) base: String,
}

/// The binary that `cargo build --workspace` puts beside the tests.
pub(crate) fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("this test's own path");
    let binary = test.ancestors().nth(2).expect("the build folder").join("fynd");
    assert!(binary.is_file(), "{} is missing: run the tests with `tests/run`", binary.display());
    binary
}

/// A command of the binary on this store.
pub(crate) fn fynd(store: &TestStore) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(store.folder.path())
        .env("FYND_DATABASE_URL", &store.url)
        .env("FYND_IMPORTS_LEASE_SECONDS", "1")
        .env("FYND_LOG_LEVEL", "warn")
        .stdin(Stdio::null());
    command
}

/// What a command prints.
#[track_caller]
pub(crate) fn printed(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Process {
    /// Starts the server and waits until it answers.
    pub(crate) async fn start(store: &TestStore, port: u16) -> Self {
        let listen = format!("127.0.0.1:{port}");
        let child = fynd(store).args(["serve", "--listen", &listen]).spawn().expect("it starts");
        let process = Self { child, base: format!("http://{listen}") };
        let began = Instant::now();
        while reqwest::get(format!("{}/healthz", process.base)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "the server does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        process
    }

    /// `kill -9`, which is also what dropping it does.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already only if the server itself failed, which the test then says.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
