//! Which methods a path knows: what the answer to any other one says.

use super::problem::Problem;
use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BodySize, BodyStream, BoxBody, EitherBody, MessageBody, SizedStream},
    dev::{ResourceDef, ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web::{Bytes, Data},
};
use domain::Code;
use futures_util::stream;
use std::collections::HashMap;
use utoipa::openapi::{OpenApi, path::PathItem};

/// The paths of the document with their methods.
pub(crate) struct Methods {
    all: Vec<(ResourceDef, Vec<&'static str>)>,
    /// Those without a parameter, which come before the same path with one: `/tasks/claim` before `/tasks/{id}`.
    fixed: HashMap<String, Vec<&'static str>>,
}

impl Methods {
    /// Those of the document.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let paths = || document.paths.paths.iter();
        let fixed = paths().filter(|(path, _)| !path.contains('{'));
        Self {
            all: paths().map(|(path, item)| (ResourceDef::new(path.as_str()), known(item))).collect(),
            fixed: fixed.map(|(path, item)| (path.clone(), known(item))).collect(),
        }
    }

    fn at(&self, path: &str) -> Option<String> {
        let known = self.all.iter().find(|(known, _)| known.is_match(path));
        known.map(|(_, methods)| methods.join(", "))
    }

    /// What a fixed path allows instead of a method that it does not know.
    fn instead(&self, method: &Method, path: &str) -> Option<String> {
        let known = self.fixed.get(path)?;
        (*method != Method::OPTIONS && !known.contains(&method.as_str())).then(|| known.join(", "))
    }
}

/// Refuses an unknown method of a fixed path, and answers HEAD with what GET says, without its body
/// (RFC 9110, section 9.3.2); the server leaves that out.
///
/// # Errors
/// Those of what it wraps.
pub(crate) async fn guard<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let methods = request.app_data::<Data<Methods>>().cloned();
    if let Some(allowed) = methods.and_then(|methods| methods.instead(request.method(), request.path())) {
        let refused = ServiceResponse::new(request.into_parts().0, not_allowed(&allowed));
        return Ok(refused.map_into_right_body());
    }
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
    }
    let answer = next.call(request).await?;
    Ok(if is_head {
        answer.map_body(|_, body| EitherBody::right(bare(body.size())))
    } else {
        answer.map_into_left_body()
    })
}

/// Nothing, of the size that there would be: what nobody reads is not made either.
fn bare(size: BodySize) -> BoxBody {
    let nothing = stream::empty::<Result<Bytes, Error>>();
    match size {
        BodySize::None => BoxBody::new(()),
        BodySize::Sized(size) => BoxBody::new(SizedStream::new(size, nothing)),
        BodySize::Stream => BoxBody::new(BodyStream::new(nothing)),
    }
}

fn known(item: &PathItem) -> Vec<&'static str> {
    let operations = [
        ("GET", &item.get),
        ("HEAD", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    operations.into_iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| name).collect()
}

/// The answer where no operation fits: an unknown path, or an unknown method of a known one.
pub(crate) async fn no_such_operation(request: HttpRequest, methods: Data<Methods>) -> HttpResponse {
    match methods.at(request.path()) {
        None => HttpResponse::from_error(Problem::of(Code::NotFound)),
        Some(allowed) => not_allowed(&allowed),
    }
}

/// The answer to a method that a page or the GraphQL endpoint does not know.
pub(crate) async fn only(allowed: &'static str) -> HttpResponse {
    not_allowed(allowed)
}

fn not_allowed(allowed: &str) -> HttpResponse {
    let mut response = HttpResponse::from_error(Problem::of(Code::MethodNotAllowed));
    if let Ok(allowed) = header::HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
