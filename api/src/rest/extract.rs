//! Reading a request: the caller, the body, the conditions.

use super::{Problem, idempotency, json::Json, respond::Fields};
use crate::{
    application::{State, Worker},
    limits::Visit,
};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    body::BodyStream,
    dev::Payload,
    error::PayloadError,
    http::header::{self, HeaderName},
    web::{Bytes, Data},
};
use domain::{Code, Violation};
use futures_util::future::{FutureExt, LocalBoxFuture, Ready, ready};
use serde::de::DeserializeOwned;
use service::{Auth, Caller, Store};

/// The caller, from its token. Taking it *is* the authentication, and is what the caller is charged for; once.
pub(crate) struct As(pub(crate) Caller);

impl FromRequest for As {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (visit, request) = (Visit::of(request), request.clone());
        if let Some(known) = visit.outcome() {
            return ready(known.and_then(|caller| answering(&request, caller))).boxed_local();
        }
        let given = authorization(&request);
        let state = request.app_data::<Data<State>>().cloned();
        let worker = request.app_data::<Data<Worker>>().cloned();
        async move {
            let (Some(state), Some(worker)) = (state, worker) else { return Err(Problem::of(Code::Internal)) };
            let given = given.ok_or_else(|| Problem::of(Code::Unauthenticated))?;
            let found = given.caller(&state.auth, &worker.0).await.map_err(Problem::from);
            if let Ok(caller) = &found {
                // For the audit, should the request be refused.
                request.extensions_mut().insert(caller.clone());
            }
            visit.admit(&state, found).and_then(|caller| answering(&request, caller))
        }
        .boxed_local()
    }
}

/// The caller, who answers for the request once if it may come twice.
fn answering(request: &HttpRequest, caller: Caller) -> Result<As, Problem> {
    if let Some(once) = idempotency::of(request) {
        caller.answers_once(once)?;
    }
    Ok(As(caller))
}

/// What the one `Authorization` header says.
pub(crate) enum Authorization {
    /// `Bearer`, or `Token` as TAXII clients have it.
    Token(String),
    /// A client's id and secret, for tools that cannot do OAuth.
    Basic(String, String),
}

impl Authorization {
    /// Reads the value of the header field.
    pub(crate) fn of(value: &str) -> Option<Self> {
        let (scheme, rest) = value.split_once(' ')?;
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "token" => Some(Self::Token(rest.trim().to_owned())),
            "basic" => super::oauth::of_basic(rest).map(|(client, secret)| Self::Basic(client, secret)),
            _ => None,
        }
    }

    /// Who that is right now, on these connections.
    ///
    /// # Errors
    /// `unauthenticated`, `unavailable`.
    pub(crate) async fn caller(&self, auth: &Auth, store: &Store) -> service::Result<Caller> {
        let caller = match self {
            Self::Token(token) => auth.authenticate(token).await?,
            Self::Basic(client, secret) => auth.authenticate_basic(client, secret).await?,
        };
        Ok(caller.on(store))
    }
}

/// The one `Authorization` header; several are none.
pub(crate) fn authorization(request: &HttpRequest) -> Option<Authorization> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let value = headers.next()?.to_str().ok()?;
    if headers.next().is_some() {
        return None;
    }
    Authorization::of(value)
}

/// The two halves of `Authorization: Basic`, if that is what the header is.
pub(crate) fn basic(request: &HttpRequest) -> Option<(String, String)> {
    match authorization(request)? {
        Authorization::Basic(client, secret) => Some((client, secret)),
        Authorization::Token(_) => None,
    }
}

/// A JSON body. An unknown field, a wrong type or a missing field is named by its pointer. It may be `MIB` MiB large; 0 is
/// the limit that the operator has set.
pub(crate) struct Body<T, const MIB: usize = 0>(pub(crate) T);

impl<T: DeserializeOwned + 'static, const MIB: usize> FromRequest for Body<T, MIB> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        // Unpacking comes before the limit can count; only reports, which are spooled, may be packed.
        let is_encoded = request.headers().contains_key(header::CONTENT_ENCODING);
        let once = idempotency::of(request);
        let own = (MIB > 0).then(|| payload.take());
        let set = Bytes::from_request(request, payload);
        async move {
            if is_encoded {
                return Err(Problem::new(Code::UnsupportedMediaType, "the body must come without `Content-Encoding`"));
            }
            if !is_json {
                return Err(Problem::new(Code::UnsupportedMediaType, "the body must be `application/json`"));
            }
            let bytes = match own {
                Some(own) => within(own, MIB * 1024 * 1024).await,
                None => set.await,
            };
            let bytes = bytes.map_err(|error| match error.as_response_error().status_code() {
                actix_web::http::StatusCode::PAYLOAD_TOO_LARGE => Problem::of(Code::PayloadTooLarge),
                _ => Problem::new(Code::BadRequest, "the body did not arrive whole"),
            })?;
            if let Some(once) = once {
                once.asks(&bytes);
            }
            parse(&bytes).map(Self)
        }
        .boxed_local()
    }
}

async fn within(payload: Payload, limit: usize) -> Result<Bytes, actix_web::Error> {
    match actix_web::body::to_bytes_limited(BodyStream::new(payload), limit).await {
        Ok(bytes) => Ok(bytes?),
        Err(_) => Err(PayloadError::Overflow.into()),
    }
}

fn is_json(request: &HttpRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.parse::<mime::Mime>().ok());
    kind.is_some_and(|kind| {
        kind.type_() == "application" && (kind.subtype() == "json" || kind.suffix() == Some(mime::JSON))
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| wrong(String::new(), error.to_string()))?;
    serde_path_to_error::deserialize(json).map_err(|error| wrong(pointer(error.path()), error.into_inner().to_string()))
}

fn wrong(pointer: String, detail: String) -> Problem {
    let violations = vec![Violation::new(pointer, detail.clone())];
    Problem { violations, ..Problem::new(Code::InvalidBody, detail) }
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

/// A path's last part as an id; what is no id is the id of nothing.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: std::str::FromStr> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|id| id.parse().ok());
        ready(id.map(Self).ok_or_else(|| Problem::of(Code::NotFound)))
    }
}

/// `If-Match`: the version that a change is meant for.
pub(crate) struct IfMatch(pub(crate) i64);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let version = service::etag::required_version(text(request, &header::IF_MATCH));
        ready(version.map(Self).map_err(Into::into))
    }
}

/// `If-None-Match`: what the client has already.
pub(crate) struct Seen(pub(crate) Option<String>);

impl FromRequest for Seen {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(text(request, &header::IF_NONE_MATCH).map(str::to_owned))))
    }
}

impl Seen {
    /// The tags that are of this choice of fields, as the service knows them.
    pub(crate) fn tags(&self, fields: &Fields) -> Option<String> {
        let tags = self.0.as_deref()?.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'));
        Some(tags.filter_map(|tag| fields.own(tag)).collect::<Vec<_>>().join(","))
    }
}

fn text<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}
