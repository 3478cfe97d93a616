//! Clients that take their time: a request that is begun and not ended.

use super::{Person, World};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request whose rest has not been sent.
pub(crate) struct Slow {
    stream: TcpStream,
}

/// Longer than any limit that a test sets.
const PATIENCE: Duration = Duration::from_secs(20);

impl Slow {
    /// Connects and sends this much.
    pub(crate) async fn send(world: &World, text: &str) -> Self {
        let address = world.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(text.as_bytes()).await.expect("sent");
        Self { stream }
    }

    /// Sends the head of a POST with a body of this length, and the body's beginning.
    pub(crate) async fn post(world: &World, who: &Person, path: &str, length: usize, beginning: &str) -> Self {
        let head = format!("{}\r\n{beginning}", head(who, path, length));
        Self::send(world, &head).await
    }

    /// A GraphQL request that is in work until it is ended with [`Slow::end`].
    pub(crate) async fn question(world: &World, who: &Person) -> Self {
        let head = format!("{}Expect: 100-continue\r\n\r\n", head(who, "/graphql", QUESTION.len()));
        let mut slow = Self::send(world, &head).await;
        // The server asks for the body, so it has begun.
        let answer = slow.answer().await;
        assert!(answer.starts_with("HTTP/1.1 100"), "{answer}");
        slow
    }

    /// Sends the question itself; the answer's beginning.
    pub(crate) async fn end(mut self) -> String {
        self.stream.write_all(QUESTION.as_bytes()).await.expect("sent");
        self.answer().await
    }

    async fn answer(&mut self) -> String {
        let mut answer = vec![0; 4096];
        let length = tokio::time::timeout(PATIENCE, self.stream.read(&mut answer)).await.expect("in time");
        String::from_utf8_lossy(&answer[..length.expect("an answer")]).into_owned()
    }

    /// What the server says before it closes the connection; fails if it does not.
    pub(crate) async fn refused(mut self) -> String {
        let mut answer = Vec::new();
        let end = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut answer)).await;
        // A connection that is reset has ended as well.
        let _ = end.expect("the server closes the connection");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

const QUESTION: &str = r#"{"query": "{ me { issuer } }"}"#;

fn head(who: &Person, path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: fynd.example\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n",
        who.token
    )
}
