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
    # The id of something that is not there, is another municipality's, or is in no state for this.
    ("invalid_body", r"is no [a-z ]+ of this (municipality|finding|task)|there is no such organisation"),
    ("invalid_body", "is no fingerprint of a finding that was merged|is a duplicate itself|was merged into another"),
    ("invalid_body", "is the asset itself|not merged into itself|is taken out of use"),
    # A moment that is over already or lies ahead, or a grant that would grow.
    ("invalid_body", "is over already|must be later than|can be (shortened|narrowed) only"),
    ("invalid_parameter", "lies in the future"),
    # Lists kept by others: currencies (ISO 4217), time zones (IANA), keys (RFC 7517).
    ("invalid_body", "of ISO 4217|of the IANA time zone|RFC 7517"),
    # What an identifier's value looks like depends on its kind.
    ("invalid_body", "is no (ip|mac|fqdn|hostname|cloud_id|edr_id|serial|repository)|many machines have"),
    # Between two places of one request.
    ("invalid_body", "names neither|name one holder|takes one of `|is needed unless|says why the task waits"),
    ("invalid_body", "is the reason of a severity|must not have more time|is the bound of a list|outside of the range|says when the list was begun"),
    ("invalid_body", "goes with |is to be added as well|in `remove_findings` as well|here or in `tenant`, not in both"),
    ("invalid_parameter", "cannot be asked for in the past|goes with `coverage=complete`|together with `unwatched_days`"),
    ("justification_required", ""),
]
# What the document could say of single fields and does not: each line is a debt of the document's.
DEBTS = [
    ("invalid_body", "holds a control character|on one line|takes one line of"),
    ("invalid_parameter", "holds a control character|on one line|takes one line of|a name, not a path"),
    ("invalid_parameter", "has an empty value in its list"),
    ("invalid_body", "is no scope|names no scope|is empty|takes 64 hexadecimal|names a part twice|an http or https URL"),
    ("unsupported_media_type", "^`Content-Type` takes one of"),
]


def is_meant(failure, case, response):
    """Whether a failure is one of those."""
    if isinstance(failure, RejectedPositiveData):
        # The schemas say less than the rules yet (control characters, scopes, identifiers): FUZZ_STRICT=1 shows where.
        return not STRICT or refused_by_rule(response)
    if isinstance(failure, JsonSchemaError):
        return left_out(failure, case)
    if isinstance(failure, (MalformedJson, MissingContentType)):
        return minimal(response)
    return False


def left_out(failure, case):
    """Whether an answer lacks only what `fields` did not ask for: its schema is that of the whole."""
    missing = re.fullmatch(r'"(\w+)" is a required property', failure.validation_message)
    asked = case.query.get("fields")
    names = asked.split(",") if isinstance(asked, str) else asked or []
    return bool(missing and names) and missing[1] not in names


def minimal(response):
    """Whether there is no body because the request preferred none (RFC 7240), which no schema says."""
    return response.headers.get("preference-applied") == ["return=minimal"] and not response.content


def refused_by_rule(response):
    """Whether everything that the answer complains of is such a rule: one that is not makes it a failure again."""
    try:
        problem = response.json()
    except ValueError:
        return False
    patterns = [pattern for code, pattern in RULES + DEBTS if code == problem.get("code")]
    complaints = [error["detail"] for error in problem.get("errors", [])] or [problem.get("detail", "")]
    return all(any(re.search(pattern, complaint) for pattern in patterns) for complaint in complaints)
