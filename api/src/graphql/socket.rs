//! `/graphql/ws`: subscriptions over WebSocket (`graphql-transport-ws`).
//!
//! The token comes in the payload of `connection_init`, as `{"Authorization": "Bearer …"}`, or in the header field of the
//! same name; never in the address. It is looked at again for every step. What waits to be sent is bounded by the
//! socket: nothing is read of the feed meanwhile.

use super::imports;
use crate::{
    application::{State, Worker},
    rest::{Authorization, Problem, authorization},
};
use actix_web::{
    HttpRequest, HttpResponse,
    rt::time::interval,
    web::{Data, Payload},
};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason};
use async_graphql::{
    Data as SessionData, Error,
    futures_util::{Stream, StreamExt, future::BoxFuture, stream},
    http::{ClientMessage, WebSocket, WebSocketProtocols, WsMessage},
};
use domain::Code;
use schema::{Budget, Connected, FyndSchema, Reader, Session};
use service::{Caller, Store};
use std::{
    any::Any,
    cell::Cell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to say who it is.
const INIT: Duration = Duration::from_secs(10);
/// How often a connection is asked for a sign of life.
const PING: Duration = Duration::from_secs(20);
/// How long it may stay silent.
const SILENT: Duration = Duration::from_secs(60);

/// Opens a connection.
pub(super) async fn open(
    request: HttpRequest,
    body: Payload,
    state: Data<State>,
    worker: Data<Worker>,
    schema: Data<FyndSchema>,
) -> Result<HttpResponse, Problem> {
    let refused = |error: actix_web::Error| Problem::new(Code::BadRequest, error.to_string());
    let (response, session, messages) =
        actix_ws::handle_with_protocols(&request, body, &[PROTOCOL]).map_err(refused)?;
    if !response.headers().contains_key(actix_web::http::header::SEC_WEBSOCKET_PROTOCOL) {
        return Err(Problem::new(Code::BadRequest, format!("the WebSocket must speak `{PROTOCOL}`")));
    }
    let most = state.config.limits.body_bytes;
    let messages = messages.max_frame_size(most).aggregate_continuations().max_continuation_size(most);
    let connected = Connected::new((**schema).clone(), imports(&state));
    let token = Token { state, store: worker.0.clone(), given: authorization(&request) };
    actix_web::rt::spawn(run(session, messages, connected, token));
    Ok(response)
}

/// Serves a connection until either side ends it.
async fn run(session: actix_ws::Session, messages: AggregatedMessageStream, connected: Connected, token: Token) {
    let (heard, mut out) = (Rc::new(Cell::new(Instant::now())), session.clone());
    let mut ending = token.state.ending.subscribe();
    let known = Arc::new(std::sync::OnceLock::new());
    let said = known.clone();
    let came = said_by_client(messages, session, heard.clone());
    let socket = WebSocket::from_message_stream(connected, came, WebSocketProtocols::GraphQLWS);
    let mut socket = Box::pin(socket.on_connection_init(async move |payload| {
        let reader = token.said(&payload).await?;
        let _ = said.set(());
        let mut data = SessionData::default();
        data.insert::<Session>(Arc::new(reader));
        Ok(data)
    }));
    let (mut pings, until) = (interval(PING), tokio::time::Instant::now() + INIT);
    let reason = loop {
        let next = tokio::select! {
            next = tokio::time::timeout_at(if known.get().is_some() { far() } else { until }, socket.next()) => next,
            _ = pings.tick() => {
                if heard.get().elapsed() > SILENT || out.ping(b"").await.is_err() {
                    break None;
                }
                continue;
            }
            _ = ending.wait_for(|ends| *ends) => break Some((CloseCode::Away, "the service is stopping".to_owned())),
        };
        match next {
            Ok(Some(WsMessage::Text(text))) => {
                if out.text(text).await.is_err() {
                    break None;
                }
            }
            Ok(Some(WsMessage::Close(1002, words))) if known.get().is_none() => {
                break Some((CloseCode::Other(4403), words));
            }
            Ok(Some(WsMessage::Close(code, words))) => break Some((CloseCode::from(code), words)),
            Ok(None) => break None,
            Err(_) => break Some((CloseCode::Other(4408), "nobody has said who this is".to_owned())),
        }
    };
    let reason = reason.map(|(code, words)| CloseReason { code, description: Some(words.chars().take(100).collect()) });
    let _ = out.close(reason).await;
}

/// Never, as far as a connection goes.
fn far() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(86_400)
}

/// What the client says; pings are answered on the way.
fn said_by_client(
    messages: AggregatedMessageStream,
    session: actix_ws::Session,
    heard: Rc<Cell<Instant>>,
) -> impl Stream<Item = serde_json::Result<ClientMessage>> {
    stream::unfold((messages, session, heard), async |(mut messages, mut session, heard)| {
        loop {
            let message = messages.recv().await?.ok()?;
            heard.set(Instant::now());
            match message {
                AggregatedMessage::Text(text) => {
                    return Some((ClientMessage::from_bytes(text.as_bytes()), (messages, session, heard)));
                }
                AggregatedMessage::Ping(data) => session.pong(&data).await.ok()?,
                AggregatedMessage::Pong(_) => {}
                AggregatedMessage::Binary(_) | AggregatedMessage::Close(_) => return None,
            }
        }
    })
}

/// The token of a connection.
struct Token {
    state: Data<State>,
    store: Store,
    given: Option<Authorization>,
}

impl Token {
    /// The reader that a client says it is, if that proves true.
    async fn said(self, payload: &serde_json::Value) -> Result<Known, Error> {
        let named = |name: &str| payload.get(name).and_then(serde_json::Value::as_str);
        let said = named("Authorization").or_else(|| named("authorization")).and_then(Authorization::of);
        let nobody = || Error::new(Code::Unauthenticated.title());
        let known = Known { state: self.state, store: self.store, given: said.or(self.given).ok_or_else(nobody)? };
        service::change::Reader::caller(&known).await.map_err(|error| Error::new(error.code().title()))?;
        Ok(known)
    }
}

/// A reader who has proved who it is.
struct Known {
    state: Data<State>,
    store: Store,
    given: Authorization,
}

impl service::change::Reader for Known {
    fn caller(&self) -> BoxFuture<'_, service::Result<Caller>> {
        Box::pin(self.given.caller(&self.state.auth, &self.store))
    }
}

impl Reader for Known {
    fn admit(&self, caller: &Caller) -> service::Result<(Budget, Box<dyn Any + Send + Sync>)> {
        let (state, principal) = (self.state.clone(), caller.principal());
        let place = self.state.limits.operation(caller)?;
        Ok((Budget::new(move |cost| state.limits.spend(principal, cost)), Box::new(place)))
    }
}
