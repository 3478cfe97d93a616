//! Which methods a path knows: what the answer to any other one says.

use super::problem::Problem;
use actix_web::{HttpRequest, HttpResponse, dev::ResourceDef, http::header, web::Data};
use domain::Code;
use utoipa::openapi::{OpenApi, path::PathItem};

/// The paths of the document with their methods.
pub(crate) struct Methods(Vec<(ResourceDef, Vec<&'static str>)>);

impl Methods {
    /// Those of the document.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        Self(paths.map(|(path, item)| (ResourceDef::new(path.as_str()), known(item))).collect())
    }

    fn at(&self, path: &str) -> Option<String> {
        let known = self.0.iter().find(|(known, _)| known.is_match(path));
        known.map(|(_, methods)| methods.join(", "))
    }
}

fn known(item: &PathItem) -> Vec<&'static str> {
    let operations = [
        ("GET", &item.get),
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
