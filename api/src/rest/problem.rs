//! Errors as `application/problem+json` (RFC 9457), with a code from the one table.

use super::language;
use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use domain::{
    Code, Violation, coverage::Implausible, tenant_settings::Language, ticket::reconcile::ImplausiblyMissing,
};
use serde::Serialize;
use utoipa::ToSchema;

/// An error on its way out.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Problem {
    /// What happened.
    pub code: Code,
    /// What happened in this case.
    pub detail: String,
    /// Where in the input.
    pub violations: Vec<Violation>,
    /// How much a complete report would mark gone.
    pub implausible: Option<Implausible>,
    /// How many tickets a complete list would unlink.
    pub missing: Option<ImplausiblyMissing>,
}

/// The body of an error (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDetails {
    /// A page that explains the code.
    #[schema(example = "/problems/not_found")]
    r#type: String,
    /// What happened, in one sentence, the same for every case of the code.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code.
    code: &'static str,
    /// What happened in this case.
    detail: String,
    /// Where in the input, if it is about places.
    errors: Vec<Violation>,
    /// Of `coverage_implausible`: open findings that the report would mark gone; what `confirm_gone` takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_mark_gone: Option<i64>,
    /// Of `coverage_implausible`: open findings in the report's scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_scope: Option<i64>,
    /// Of `reconcile_implausible`: tickets that the list would unlink; what `confirm_missing` takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_unlink: Option<i64>,
    /// Of `reconcile_implausible`: our tickets that the list is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    linked: Option<i64>,
    /// The request's id in the service's log.
    trace_id: Option<String>,
}

/// The HTTP status of a code. Only edges know it.
pub(crate) const fn status(code: Code) -> StatusCode {
    match code {
        Code::BadRequest
        | Code::InvalidParameter
        | Code::InvalidCursor
        | Code::CursorMismatch
        | Code::TenantRequired
        | Code::TooMany
        | Code::IncludeTooLarge
        | Code::QueryTooComplex
        | Code::PersistedQueryNotFound
        | Code::InvalidQuery => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::SamePerson | Code::ExceedsOwnRights => StatusCode::FORBIDDEN,
        Code::NotFound | Code::UnknownTenant | Code::IntrospectionDisabled => StatusCode::NOT_FOUND,
        Code::CursorExpired => StatusCode::GONE,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Code::TransitionRefused
        | Code::AcceptanceRequired
        | Code::AcceptanceState
        | Code::AlreadyInAcceptance
        | Code::TicketAlreadyLinked
        | Code::TicketTaken
        | Code::CommentDeleted
        | Code::QuotaExceeded
        | Code::AttachmentInUse
        | Code::CountMismatch
        | Code::LeaseHeld
        | Code::LeaseLost
        | Code::CoverageImplausible
        | Code::ReconcileImplausible
        | Code::IdentifierTaken
        | Code::AssetMerged
        | Code::TooManyIdentifiers
        | Code::IdempotencyMismatch
        | Code::IdempotencyInProgress
        | Code::ImportRunning => StatusCode::CONFLICT,
        Code::Stale => StatusCode::PRECONDITION_FAILED,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::InvalidBody | Code::JustificationRequired | Code::UnknownFormat | Code::ReportRefused => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Code::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The code of a status that the framework answered by itself.
pub(crate) fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::Forbidden,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::NOT_ACCEPTABLE => Code::NotAcceptable,
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        status if status.is_server_error() => Code::Internal,
        _ => Code::BadRequest,
    }
}

impl Problem {
    /// A problem with the code's own sentence.
    pub(crate) fn of(code: Code) -> Self {
        Self::new(code, code.title())
    }

    /// A problem with a code and a sentence.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), violations: Vec::new(), implausible: None, missing: None }
    }

    /// The answer, with the request's id and its title in the reader's language.
    pub(crate) fn response(&self, trace_id: Option<String>, language: Language) -> HttpResponse {
        let status = status(self.code);
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        response.insert_header((header::CONTENT_LANGUAGE, language::name(language)));
        match self.code {
            Code::Unauthenticated => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Code::Unavailable => {
                response.insert_header((header::RETRY_AFTER, "2"));
            }
            // The shortest wait; who refuses knows better and says so.
            Code::RateLimited => {
                response.insert_header((header::RETRY_AFTER, "1"));
            }
            _ => {}
        }
        let details = ProblemDetails {
            r#type: format!("/problems/{}", self.code.as_str()),
            title: self.code.title_in(language),
            status: status.as_u16(),
            code: self.code.as_str(),
            detail: self.detail.clone(),
            errors: self.violations.clone(),
            would_mark_gone: self.implausible.map(|counts| counts.would_mark_gone),
            in_scope: self.implausible.map(|counts| counts.in_scope),
            would_unlink: self.missing.map(|counts| counts.would_unlink),
            linked: self.missing.map(|counts| counts.linked),
            trace_id,
        };
        // A struct of texts always serialises.
        let body = serde_json::to_vec(&details).unwrap_or_default();
        response.content_type("application/problem+json").body(body)
    }
}

impl From<service::Error> for Problem {
    fn from(error: service::Error) -> Self {
        let code = error.code();
        match error {
            service::Error::Refused(refused) => refused.into(),
            service::Error::Implausible(counts) => {
                let Implausible { would_mark_gone, in_scope } = counts;
                let detail = format!("{would_mark_gone} of {in_scope} open findings in the scope would be marked gone");
                Self { implausible: Some(counts), ..Self::new(code, detail) }
            }
            service::Error::ImplausiblyMissing(counts) => {
                let ImplausiblyMissing { would_unlink, linked } = counts;
                let detail = format!("{would_unlink} of {linked} linked tickets would be unlinked");
                Self { missing: Some(counts), ..Self::new(code, detail) }
            }
            // The answer that was given before goes out instead.
            service::Error::AnsweredBefore => Self::of(code),
            // The log is where the reason belongs; the caller sees the code.
            internal => {
                tracing::error!(error = %internal, code = code.as_str(), "a request failed");
                Self::of(code)
            }
        }
    }
}

impl From<domain::Error> for Problem {
    fn from(error: domain::Error) -> Self {
        Self { violations: error.violations, ..Self::new(error.code, error.detail) }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status(self.code)
    }

    fn error_response(&self) -> HttpResponse {
        self.response(None, Language::En)
    }
}
