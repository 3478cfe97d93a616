"""The same for the GraphQL schema: ids that exist, the number a thing has now, and what of an error is meant.

schemathesis takes every `errors` in an answer for a failure. Here an error is an answer like any other, as long as it
carries a code that is explained at /problems/{code}; `internal` and errors without a code stay failures.
"""

import json
import os
import random
import re
from functools import cache
from pathlib import Path

import graphql
import requests
import schemathesis

WORLD = json.loads(Path(os.environ["FUZZ_WORLD"]).read_text(encoding="utf-8"))
POOL = {kind: [id for id in ids if id not in WORLD["kept"]] for kind, ids in WORLD["ids"].items()}
# What a field is about, by a word in its name or in the name of its argument; the first that fits.
ABOUT = {
    "riskacceptance": "risk-acceptances", "businessservice": "services", "comment": "comments", "retest": "retests",
    "attachment": "attachments", "finding": "findings", "asset": "assets", "task": "tasks", "lease": "tasks",
    "source": "sources", "client": "clients", "grant": "grants", "import": "imports", "service": "services",
    "ids": "findings", "duplicateof": "findings", "blockedby": "tasks",
}
UUID = re.compile("[0-9a-f-]{36}")
DICE = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
URL = os.environ["FUZZ_URL"]
SESSION = requests.Session()
SESSION.headers["Authorization"] = f"Bearer {os.environ['FUZZ_TOKEN']}"


def about(name):
    return next((kind for word, kind in ABOUT.items() if word in name.lower()), None)


def seq(kind, id):
    """The number that a thing has now, out of its ETag."""
    tag = SESSION.get(f"{URL}/v1/{kind}/{id}", timeout=30).headers.get("ETag", "")
    found = re.match(r'"(\d+)-', tag)
    return found[1] if found else "0"


class Fill(graphql.Visitor):
    """Gives the arguments of a root field what exists. Its own `id` comes before the number that it is asked for by."""

    def __init__(self, operation):
        super().__init__()
        self.roots, self.outer, self.id = operation.selection_set.selections, None, None

    def enter_field(self, node, *_):
        if node in self.roots:
            self.outer, self.id = about(node.name.value), None

    def enter_argument(self, node, *_):
        if node.name.value == "after" and DICE.random() < 0.9:
            # A cursor is signed; nobody can make one up.
            return graphql.REMOVE
        value = self.value(node.name.value, node.value)
        return type(node)(name=node.name, value=value) if value else None

    enter_object_field = enter_argument

    def value(self, name, value):
        """What stands there instead, if anything does."""
        if DICE.random() < 0.1:
            return None
        if name == "ifMatch":
            return graphql.IntValueNode(value=seq(*self.id)) if self.id else None
        if name == "tenant" and not isinstance(value, graphql.NullValueNode):
            return graphql.StringValueNode(value=DICE.choice(["norrvik", "alvsund"]))
        if not isinstance(value, graphql.StringValueNode):
            return None
        kind = about(name) or (self.outer if name in ("id", "into", "other") else None)
        if not kind or not UUID.fullmatch(value.value):
            return None
        id = DICE.choice(POOL[kind])
        if name in ("id", "findingId", "sourceId"):
            self.id = (kind, id)
        return graphql.StringValueNode(value=id)


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, str) and case.meta and case.meta.generation.mode.is_positive:
        document = graphql.parse(case.body)
        case.body = graphql.print_ast(graphql.visit(document, Fill(document.definitions[0])))


@cache
def is_explained(code):
    return code != "internal" and requests.get(f"{URL}/problems/{code}", timeout=30).status_code == 200


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if response.status_code != 200:
        return True
    errors = response.json().get("errors", [])
    return not errors or not all(is_explained(error.get("extensions", {}).get("code", "internal")) for error in errors)
