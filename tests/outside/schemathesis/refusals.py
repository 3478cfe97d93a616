"""What schemathesis calls a failure and is meant: each kind with its reason. Everything else stays a failure."""

import os
import re

from schemathesis.core.failures import MalformedJson
from schemathesis.openapi.checks import JsonSchemaError, MissingContentType, RejectedPositiveData

STRICT = os.environ.get("FUZZ_STRICT") == "1"

# A schema says what a request looks like. These rules are about the moment, about other data, or about two places at
# once, which no schema says: (code, how `detail` reads).
RULES = [
    # Which municipality is meant depends on the token.
    ("tenant_required", ""),
    # A cursor is signed; nobody can make one up.
    ("cursor_invalid", ""),
    ("cursor_filter_mismatch", ""),
    # Bytes are a report or they are not.
    ("unknown_format", ""),
    ("report_refused", ""),
    # The id of something that is not there, or is another municipality's.
    ("invalid_body", r"is no [a-z ]+ of this (municipality|finding|task)"),
    ("invalid_body", "is no fingerprint of a finding that was merged|is a duplicate itself|was merged into another"),
    # A moment that is over already, or a grant that would grow.
    ("invalid_body", "is over already|must be later than|can be shortened only"),
    # Lists kept by others: currencies (ISO 4217), time zones (IANA), what an address is.
    ("invalid_body", "is no currency of ISO 4217|is no time zone|is no (ip|mac|fqdn|hostname)|many machines have"),
    # Between two places of one request.
    ("invalid_body", "names neither|name one holder|takes one of `|is needed unless|says why the task waits"),
    ("invalid_body", "is the reason of a severity|must not have more time|is the bound of a list|outside of the range"),
    ("invalid_body", "goes with a dismissal only|is to be added as well|here or in `tenant`, not in both"),
    ("invalid_parameter", "cannot be asked for in the past|goes with `coverage=complete`"),
    ("justification_required", ""),
]


def is_meant(failure, case, response):
    """Whether a failure is one of those."""
    if isinstance(failure, RejectedPositiveData):
        # The schemas say less than the rules yet (control characters, scopes, identifiers): FUZZ_STRICT=1 shows where.
        return not STRICT or refused_by_rule(response)
    if isinstance(failure, JsonSchemaError):
        return is_part(failure, case)
    if isinstance(failure, (MalformedJson, MissingContentType)):
        return minimal(response)
    return False


def is_part(failure, case):
    """Whether what is missing was left out because `fields` did not name it: the schema is that of the whole answer."""
    return "fields" in (case.query or {}) and "is a required property" in failure.validation_message


def minimal(response):
    """Whether there is no body because the request preferred none (RFC 7240), which no schema says."""
    return response.headers.get("preference-applied") == ["return=minimal"] and not response.content


def refused_by_rule(response):
    """Whether everything that the answer complains of is such a rule: one that is not makes it a failure again."""
    try:
        problem = response.json()
    except ValueError:
        return False
    patterns = [pattern for code, pattern in RULES if code == problem.get("code")]
    complaints = [error["detail"] for error in problem.get("errors", [])] or [problem.get("detail", "")]
    return all(any(re.search(pattern, complaint) for pattern in patterns) for complaint in complaints)
