"""Lets schemathesis meet real resources: ids that exist, the tag they have now, reports that can be read.

Without it nearly every generated request would end at a 404 or a 412, and what lies behind those would stay untried.
Only parts that a case holds as valid are filled in; whatever is generated to be wrong stays wrong.
"""

import json
import os
import random
import uuid
from collections import deque
from datetime import datetime, timedelta, timezone
from pathlib import Path

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

from refusals import is_meant

WORLD = json.loads(Path(os.environ["FUZZ_WORLD"]).read_text(encoding="utf-8"))
REPORTS = [path.read_bytes() for path in sorted(Path(os.environ["FUZZ_REPORTS"]).iterdir())]
INVENTORY = "name;fqdn;ip;criticality\nLönesystemet;lon.norrvik.example;192.0.2.10;high\nÅtkomst;atkomst.norrvik.example;;\n"
POOL = {kind: deque((id for id in ids if id not in WORLD["kept"]), maxlen=60) for kind, ids in WORLD["ids"].items()}
TENANTS = ["norrvik", "alvsund"]
LEASES = deque(maxlen=20)
CURSORS = {}
# What a field or parameter of this name holds, whatever the operation.
FIELDS = {
    "acceptance": "risk-acceptances", "add_asset_ids": "assets", "add_findings": "findings", "asset": "assets",
    "asset_ids": "assets", "attachment_id": "attachments", "blocked_by": "tasks", "duplicate_of": "findings",
    "finding": "findings", "findings": "findings", "ids": "findings", "other": "findings", "remove_asset_ids": "assets",
    "remove_findings": "findings", "scope_assets": "assets", "service": "services", "services": "services",
    "task": "tasks", "task_id": "tasks", "expires_at": "time", "valid_to": "time", "due_at": "time",
}
DICE = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
SESSION = requests.Session()
SESSION.headers["Authorization"] = f"Bearer {os.environ['FUZZ_TOKEN']}"


def is_right(case, location):
    """Whether this part of the case is there and generated to be valid."""
    components = case.meta.components if case.meta else {}
    return location in components and components[location].mode.is_positive


def one_of(kind):
    return DICE.choice(POOL[kind])


def known(kind, value):
    """An id that exists, in the place of a random one; one that came out of an answer stays (Fynd's are UUIDv7)."""
    try:
        made_here = uuid.UUID(str(value)).version == 7
    except ValueError:
        made_here = False
    return value if made_here or DICE.random() < 0.1 else one_of(kind)


def fill(value, kind):
    """The same in a body, whose fields say by their names what they hold."""
    if isinstance(value, dict):
        return {name: fill(inner, FIELDS.get(name)) for name, inner in value.items()}
    if isinstance(value, list):
        # Ids of one list are often asked to differ.
        filled = [fill(inner, kind) for inner in value]
        return list(dict.fromkeys(filled)) if kind and all(isinstance(inner, str) for inner in filled) else filled
    if kind == "time" and isinstance(value, str) and DICE.random() < 0.8:
        return (datetime.now(timezone.utc) + timedelta(days=DICE.randrange(1, 300))).isoformat()
    return known(kind, value) if kind in POOL and isinstance(value, str) else value


def resource(case):
    """Where the thing is read whose tag a change has to name: the path without the verb at its end."""
    parts = case.formatted_path.strip("/").split("/")
    if parts[1] == "sources" and len(parts) > 3:
        return "/" + "/".join(parts[:4])
    if parts[1] == "tenants":
        return case.formatted_path
    return "/" + "/".join(parts[:3])


def tag(case, url):
    """The ETag that the thing has now, or nothing if it cannot be read."""
    query = {"tenant": case.query["tenant"]} if "tenant" in case.query else None
    answer = SESSION.get(url + resource(case), params=query, timeout=30)
    return answer.headers.get("ETag")


def upload(case):
    """Something that can be read where a file is taken: mostly whole, sometimes cut off in the middle."""
    if case.path == "/v1/imports":
        whole = DICE.choice(REPORTS)
    elif case.path == "/v1/assets/import":
        whole = INVENTORY.encode()
    else:
        return
    # Past the case's own books, which would take bytes for a violation of their schema.
    object.__setattr__(case, "body", whole if DICE.random() < 0.8 else whole[: DICE.randrange(len(whole))])
    case._sync_validated_hashes()


def one_way(body, *ways):
    """Of fields that exclude each other, those of one way only."""
    chosen = DICE.choice(ways)
    for way in ways:
        for name in way:
            if name not in chosen:
                body.pop(name, None)
    return {name: value for name, value in chosen.items() if value is not None}


def token_form(body):
    """What a client sends that knows its secret."""
    client = WORLD["client"]
    for name in ("client_assertion", "client_assertion_type", "scope", "tenant", "token_type_hint"):
        body.pop(name, None)
    body |= {"client_id": client["client"]["id"], "client_secret": client["secret"]}
    body |= {"grant_type": "client_credentials"} if "grant_type" in body else {"token": "made up"}


# Rules between fields of one body, which a schema does not say: the fields that go together.
def grant(body):
    principal, login = {"principal_id": WORLD["principal"]}, {"issuer": "https://login.example", "subject": "a@b.example"}
    body |= one_way(body, principal, login, {"issuer": "https://login.example", "role": "Läsare"}, {"organisation": None})
    body.pop("valid_from", None)


def bulk(body):
    body |= one_way(body, {"ids": [one_of("findings")]}, {"filter": {"severity": ["low"]}, "dry_run": True}, {"items": None})
    body |= one_way(body, {"patch": {"tags": ["fuzz"]}}, {"transition": {"to": "confirmed"}})
    body.pop("expected_count", None)


def acceptance(body):
    body |= {"standstill_days": 3, "cost_per_day": 1000, "currency": "SEK"}
    body.pop("services", None)


def bounds(body):
    if not body.get("complete"):
        for name in ("keys_from", "keys_before", "confirm_missing"):
            body.pop(name, None)


def names_ticket(body):
    for item in body["items"]:
        item.setdefault("key", f"IT-{DICE.randrange(9)}")


def client(body):
    for name in ("public_jwks", "tenants"):
        body.pop(name, None)


TOGETHER = {
    "/oauth/revoke": token_form, "/oauth/token": token_form, "/v1/clients": client, "/v1/clients/{id}": client,
    "/v1/findings/bulk": bulk, "/v1/grants": grant, "/v1/risk-acceptances": acceptance, "/v1/tickets/reconcile": bounds,
    "/v1/tickets/status": names_ticket,
}


def body(case):
    if case.media_type == "application/octet-stream":
        upload(case)
    if not isinstance(case.body, dict):
        return
    filled = fill(case.body, None)
    if "into" in filled:
        filled["into"] = known(case.path.split("/")[2], filled["into"])
    if DICE.random() < 0.8 and case.path in TOGETHER:
        TOGETHER[case.path](filled)
    if case.path.endswith(("/lease/renew", "/lease/release")) and LEASES:
        lease = DICE.choice(LEASES)
        case.path_parameters["id"] = lease["task"]
        filled |= {"lease": lease["lease"], "system": lease["system"]}
    case.body = filled


def query(case):
    for name, value in list(case.query.items()):
        if name == "tenant":
            case.query[name] = TENANTS[:1] if isinstance(value, list) else DICE.choice(TENANTS)
        elif name in FIELDS:
            case.query[name] = fill(value, FIELDS[name])
        elif name == "principal":
            case.query[name] = [WORLD["principal"]] if isinstance(value, list) else WORLD["principal"]
    if "wait" in case.query:
        # Nobody has half a minute for each of thousands.
        case.query["wait"] = DICE.choice([0, 0, 0, 1])
    if case.path == "/v1/changes" and ("severity" in case.query or "status" in case.query):
        # Both are about findings.
        case.query.pop("types", None)
    if "cursor" in case.query:
        # A cursor goes with the query it came from.
        case.query.pop("since", None)
        if (kept := CURSORS.get(case.operation.label)) and DICE.random() < 0.7:
            case.query = dict(DICE.choice(kept))
        elif DICE.random() < 0.8:
            del case.query["cursor"]


@schemathesis.hook
def before_call(context, case, kwargs):
    url = case.operation.base_url.rstrip("/")
    segments = case.path.split("/")
    if is_right(case, ParameterLocation.PATH) and "id" in case.path_parameters and segments[2] in POOL:
        case.path_parameters["id"] = known(segments[2], case.path_parameters["id"])
    if is_right(case, ParameterLocation.BODY) and DICE.random() < 0.9:
        body(case)
    if is_right(case, ParameterLocation.QUERY):
        query(case)
    if is_right(case, ParameterLocation.HEADER) and "If-Match" in case.headers and DICE.random() < 0.9:
        case.headers["If-Match"] = tag(case, url) or case.headers["If-Match"]
    if case.path.startswith("/oauth/"):
        # The client says in the form who it is, and in one way only.
        case.headers.pop("Authorization", None)
    if case.method != "GET" and case.path_parameters.get("id") in WORLD["kept"]:
        # The fuzzer does not take away what it stands on.
        case.path_parameters["id"] = one_of(segments[2])


@schemathesis.hook
def after_call(context, case, response):
    """Remembers what answers tell: new ids, leases, cursors."""
    kind = case.path.rstrip("/").rsplit("/", 1)[-1]
    if not 200 <= response.status_code < 300 or "json" not in response.headers.get("content-type", [""])[0]:
        return
    told = response.json()
    if not isinstance(told, dict):
        return
    if case.path == "/v1/tasks/claim":
        system = case.body.get("system") if isinstance(case.body, dict) else None
        LEASES.extend({"task": item["task"]["id"], "lease": item["lease"], "system": system} for item in told["items"])
    elif kind in POOL and response.status_code == 201 and "id" in told:
        POOL[kind].append(told["id"])
    elif case.method == "GET" and told.get("next_cursor"):
        kept = CURSORS.setdefault(case.operation.label, deque(maxlen=10))
        kept.append({**case.query, "cursor": told["next_cursor"]})


@schemathesis.hook
def filter_failure(context, failure, case, response):
    return not is_meant(failure, case, response)
