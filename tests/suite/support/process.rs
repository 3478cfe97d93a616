//! The real binary as a process of its own, to be killed.

use super::TestStore;
use std::{
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
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
        .env("FYND_LIMITS_REQUESTS_PER_MINUTE", "0")
        .env("FYND_LIMITS_TENANT_REQUESTS_PER_MINUTE", "0")
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
        Self::start_with(store, port, &[]).await
    }

    /// Starts the server with these settings in its environment.
    pub(crate) async fn start_with(store: &TestStore, port: u16, settings: &[(&str, &str)]) -> Self {
        let mut command = fynd(store);
        command.envs(settings.iter().copied());
        Self::start_as(command, port).await
    }

    /// Starts the server as this command.
    pub(crate) async fn start_as(mut command: Command, port: u16) -> Self {
        let listen = format!("127.0.0.1:{port}");
        command.args(["serve", "--listen", &listen]);
        let child = command.spawn().expect("it starts");
        let process = Self { child, base: format!("http://{listen}") };
        let began = Instant::now();
        while reqwest::get(format!("{}/healthz", process.base)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "the server does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        process
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().expect("kill runs").success());
    }

    /// How the server has ended; fails if it does not.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the server does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The most memory that the server has held so far, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// The time that processors have worked for the server so far, by hundredths of a second: what else the machine does
    /// is no part of it.
    #[cfg(target_os = "linux")]
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        // What comes before the last bracket is the name, and the state.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number"));
        Duration::from_millis(ticks.sum::<u64>() * 10)
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
