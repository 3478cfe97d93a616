//! The one table of error codes: what happened and what to do about it. REST
//! and GraphQL carry the same codes; only an edge knows HTTP.

mod swedish;

use crate::tenant_settings::Language;
use serde::Serialize;

macro_rules! codes {
    ($($name:ident $code:literal $title:literal $remedy:literal;)*) => {
        /// What went wrong, as a stable code. The table is documented at `/problems/{code}`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it stands in answers: snake_case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What happened, in one sentence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// [`Code::title`] in a language.
            pub const fn title_in(self, language: Language) -> &'static str {
                match language {
                    Language::En => self.title(),
                    Language::Sv => swedish::title(self),
                }
            }

            /// What the caller can do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

codes! {
    Unauthenticated "unauthenticated" "No valid token came with the request."
        "Send `Authorization: Bearer <token>` with a token that is not expired, revoked or meant for another service.";
    Forbidden "forbidden" "The caller's rights do not cover this."
        "See `GET /v1/me` for what the token may do where, and ask the municipality for a grant.";
    NotFound "not_found" "There is no such thing, or the caller may not see it."
        "Check the id. What a caller may not see is answered as missing.";
    MethodNotAllowed "method_not_allowed" "This path does not know this method."
        "See the `Allow` header and `/docs`.";
    NotAcceptable "not_acceptable" "The answer cannot be given in a form that `Accept` allows."
        "Accept `application/json`.";
    BadRequest "bad_request" "The request could not be read."
        "See `detail` for the place.";
    InvalidParameter "invalid_parameter" "A query parameter is unknown or has a value that it cannot have."
        "See `errors[]`, which names the parameter and the values it takes.";
    InvalidBody "invalid_body" "A field of the body is missing, unknown or has a value that it cannot have."
        "See `errors[]`, whose pointers (RFC 6901) name the fields.";
    InvalidCursor "cursor_invalid" "The cursor was not issued by this service for this caller."
        "Start again without a cursor.";
    CursorMismatch "cursor_filter_mismatch" "The cursor belongs to another query."
        "Repeat the query that the cursor came from, or start again without a cursor.";
    CursorExpired "cursor_expired" "Changes after the cursor are no longer kept."
        "Read the whole state again without a cursor, then go on from its last `next_cursor`.";
    TenantRequired "tenant_required" "The token spans several municipalities and the request names none."
        "Add `tenant=<slug or id>`.";
    UnknownTenant "unknown_tenant" "The request names a municipality that the caller has no rights in."
        "See `GET /v1/tenants` for those that it has.";
    PreconditionRequired "precondition_required" "A change must say which version it changes."
        "Send `If-Match` with the `ETag` that the resource was read with.";
    Stale "stale" "The resource has changed since it was read."
        "Read it again, look at what changed, and repeat the change with the new `ETag`.";
    IdempotencyMismatch "idempotency_mismatch" "The key came before with another request."
        "Give each request a key of its own; repeat a request with its key as it was.";
    IdempotencyInProgress "idempotency_in_progress" "A request with this key is still being answered."
        "Wait a moment and repeat it.";
    TransitionRefused "transition_refused" "It cannot go from its status to that one."
        "See the table of transitions in the documentation of the operation.";
    JustificationRequired "justification_required" "A dismissal needs a justification of its kind."
        "Send one of the justifications that `detail` names.";
    AcceptanceRequired "acceptance_required" "A risk is accepted only through an approved acceptance."
        "Request a risk acceptance and have another person approve it.";
    SamePerson "same_person" "This duty takes two people: who claims a fix does not verify it, and who asks for an acceptance does not approve it."
        "Have somebody else do it.";
    AcceptanceState "acceptance_state" "The acceptance is not in a state in which this can be done."
        "Read it again and see `detail`.";
    AlreadyInAcceptance "already_in_acceptance" "A finding is in another acceptance that is asked for or in force."
        "Leave out the findings that `errors[]` points to, or have the other acceptance refused or revoked.";
    TicketAlreadyLinked "ticket_already_linked" "The task has another ticket in that system already."
        "Use the ticket that `detail` names, or close the new one as a duplicate.";
    TicketTaken "ticket_taken" "The ticket belongs to another task."
        "Use a ticket of its own for each task; `detail` names the owner.";
    CommentDeleted "comment_deleted" "The comment was deleted and cannot change any more."
        "Say it in a new comment.";
    AttachmentInUse "attachment_in_use" "The attachment is the evidence of a retest."
        "Keep it: what a retest rests on is not deleted.";
    CountMismatch "count_mismatch" "There are more or fewer than the request expects."
        "Repeat the dry run, look at what it tells, and repeat its `count` in `expected_count`.";
    TooMany "too_many" "The filter holds more than one command takes."
        "Narrow the filter; `detail` names how many it holds.";
    IncludeTooLarge "include_too_large" "The page and what it includes are more than one answer holds."
        "Ask for a smaller `limit`, or include less.";
    QuotaExceeded "quota_exceeded" "The municipality's room for attachments is used up."
        "Delete attachments that are no longer needed, or have the operator raise `attachments.tenant_bytes`.";
    LeaseHeld "lease_held" "Somebody else has claimed the task and may be making its ticket."
        "Claim tasks with `POST /v1/tasks/claim`, or wait until the lease of this one ends.";
    LeaseLost "lease_lost" "The lease has ended, or belongs to somebody else."
        "Claim again; what was claimed may have gone to somebody else.";
    IdentifierTaken "identifier_taken" "The identifier belongs to another asset."
        "Change the asset that `detail` names, or merge the two if they are one.";
    TooManyIdentifiers "too_many_identifiers" "The merged asset would have more identifiers than an asset may."
        "Remove those that are no longer its own, of either asset, and merge again.";
    AssetMerged "asset_merged" "The asset was merged into another one and does not change any more."
        "Change the asset that `detail` names.";
    PayloadTooLarge "payload_too_large" "The body is larger than the limit."
        "Split the report, or have the operator raise `imports.max_bytes` (of an attachment: `attachments.max_bytes`). Of a tracker's list: compare it range by range.";
    UnsupportedMediaType "unsupported_media_type" "The body is of a type or encoding that is not read here."
        "See the documentation of the operation for the types it takes.";
    UnknownFormat "unknown_format" "The report's format could not be recognised."
        "Name it with `format=nessus|sarif|nuclei`.";
    ReportRefused "report_refused" "The report is not whole or not of its format; nothing of it was stored."
        "See `detail` for the place. Export the report again and repeat.";
    CoverageImplausible "coverage_implausible" "The report claims to be complete and would mark more than a fifth of its scope gone."
        "See `would_mark_gone` and `in_scope`. If it really is complete, repeat it with `confirm_gone=<would_mark_gone>`.";
    ReconcileImplausible "reconcile_implausible" "The list claims to be complete and lacks more than a fifth of the linked tickets."
        "See `would_unlink` and `linked`. If they really are gone, repeat it with `confirm_missing` = `would_unlink`.";
    ImportRunning "import_running" "The very same report is being imported right now."
        "Wait for the import that `detail` names.";
    QueryTooComplex "query_too_complex" "The GraphQL query asks for more than the limits allow."
        "See `message` for the limit, and ask for fewer or less nested fields, or smaller pages.";
    InvalidQuery "invalid_query" "The GraphQL document is not valid."
        "See `message` and `locations`; the schema is at `/graphql/schema.graphql`.";
    IntrospectionDisabled "introspection_disabled" "The schema is not told by this service."
        "Ask the operator for the schema, or to set `graphql_introspection`; `__typename` is always answered.";
    PersistedQueryNotFound "persisted_query_not_found" "The service does not have the document of this hash."
        "Send the document with its hash once; documents are kept for each client, and only for a while.";
    RateLimited "rate_limited" "More requests came than the limit allows."
        "Wait for the seconds in `Retry-After`, then go on more slowly; see the `RateLimit` fields.";
    ExceedsOwnRights "exceeds_own_rights" "Nobody gives more than they hold themselves."
        "Leave out the scopes that `detail` names, or have somebody give them who holds them.";
    Unavailable "unavailable" "The service cannot answer right now."
        "Repeat the request after the time in `Retry-After`.";
    Internal "internal" "Something went wrong inside the service."
        "Repeat the request; if it stays, give the operator the `trace_id`.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_snake_case() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{} stands twice", code.as_str());
            assert!(code.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", code.as_str());
        }
    }
}
