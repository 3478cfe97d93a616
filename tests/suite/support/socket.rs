//! A client of `graphql-transport-ws`.

use super::Person;
use futures_util::{SinkExt, StreamExt};
use reqwest::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// How a connection ended: the code and the words.
pub(crate) type End = Option<(u16, String)>;

impl Socket {
    /// A connection that has said nothing yet.
    pub(crate) async fn open(base: &str) -> Self {
        let address = format!("{}/graphql/ws", base.replace("http", "ws"));
        let mut request = address.into_client_request().expect("an address");
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("graphql-transport-ws"));
        let (socket, _) = connect_async(request).await.expect("a connection");
        Self(socket)
    }

    /// A connection of somebody.
    pub(crate) async fn of(who: &Person) -> Self {
        let mut socket = Self::open(who.base()).await;
        let payload = json!({"Authorization": format!("Bearer {}", who.token)});
        socket.say(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.hear().await.expect("an answer")["type"], "connection_ack");
        socket
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("it is sent");
    }

    /// Begins an operation.
    pub(crate) async fn ask(&mut self, id: &str, query: &str, variables: Value) {
        self.say(json!({"type": "subscribe", "id": id, "payload": {"query": query, "variables": variables}})).await;
    }

    /// The next message; none, with the reason, once the connection has ended.
    pub(crate) async fn hear(&mut self) -> Result<Value, End> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(30), self.0.next()).await.expect("a message in time");
            match next {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map(|frame| (frame.code.into(), frame.reason.to_string())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}
