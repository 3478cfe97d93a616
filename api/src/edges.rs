//! What browsers are told: what they may do with an answer, and which pages
//! may read it (CORS, by an allow-list of exact origins, without credentials).

use crate::Config;
use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        Method, Uri,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};

/// Nothing in data is to be run, shown or framed.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// A year.
const TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Retry-After, RateLimit, RateLimit-Policy, X-Next-Cursor, X-Request-Id, Location, \
     Idempotency-Replayed, Preference-Applied",
);
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const FIELDS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Content-Encoding, Accept-Language, If-Match, If-None-Match, Prefer, X-Request-Id, \
     Idempotency-Key, Last-Event-ID",
);
/// Ten minutes: how long a browser may go by a preflight's answer.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("600");

/// What the answer to one request is to say.
pub(crate) struct Edges {
    /// The origin of the page that asks, if it is on the list.
    origin: Option<HeaderValue>,
    https: bool,
}

impl Edges {
    pub(crate) fn of(request: &ServiceRequest, config: &Config) -> Self {
        Self { origin: allowed(request, config), https: config.is_https() }
    }

    /// Adds the fields that every answer has; a page's own content policy stays.
    pub(crate) fn finish(&self, headers: &mut HeaderMap) {
        let fixed = [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (RESOURCE_POLICY, "same-origin"),
            (header::VARY, "Authorization, Accept, Accept-Encoding, Accept-Language, Origin"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
            headers.insert(header::CONTENT_SECURITY_POLICY, DATA_POLICY);
        }
        if self.https {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, TRANSPORT);
        }
        if let Some(origin) = &self.origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

/// The answer to a browser that asks whether a page on the list may ask.
pub(crate) fn preflight(request: &ServiceRequest, config: &Config) -> Option<HttpResponse> {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && allowed(request, config).is_some();
    asks.then(|| {
        HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, FIELDS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE))
            .finish()
    })
}

fn allowed(request: &ServiceRequest, config: &Config) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    config.cors_origins.iter().any(|known| known.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// Refuses what no browser would send as its `Origin` (RFC 6454, section 6.2), and what would let in everybody.
///
/// # Errors
/// One sentence that names the origin.
pub(crate) fn check_origins(origins: &[String]) -> Result<(), String> {
    match origins.iter().find(|origin| !is_origin(origin)) {
        None => Ok(()),
        Some(wrong) => Err(format!(
            "cors_origins takes exact origins such as `https://dashboard.example`, in lower case and without a path or \
             the usual port, not `{wrong}`"
        )),
    }
}

fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let usual = if scheme == "https" { 443 } else { 80 };
    matches!(scheme, "http" | "https")
        && text == format!("{scheme}://{authority}")
        && text == text.to_lowercase()
        && !text.contains(['*', '@'])
        && !authority.host().is_empty()
        && authority.port_u16() != Some(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_exact() {
        for good in
            ["https://dashboard.example", "http://127.0.0.1:3000", "http://[::1]:3000", "https://a.example:8443"]
        {
            assert_eq!(check_origins(&[good.into()]), Ok(()), "{good}");
        }
        for bad in [
            "*",
            "null",
            "",
            "dashboard.example",
            "https://*.example",
            "https://dashboard.example/",
            "https://dashboard.example/path",
            "https://dashboard.example?",
            "https://Dashboard.example",
            "https://me@dashboard.example",
            "https://dashboard.example:443",
            "http://dashboard.example:80",
            "file://dashboard.example",
            "https://",
        ] {
            assert!(check_origins(&["https://dashboard.example".into(), bad.into()]).is_err(), "{bad}");
        }
    }
}
