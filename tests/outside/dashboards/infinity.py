"""The requests that a Grafana dashboard sends through its Infinity data source, and what it reads of the answers.

Follows the plugin's own source as far as the dashboard uses it: a query's address is joined to the data source's, its
`params` are encoded behind it, a GraphQL query is posted as JSON, `root_selector` and the columns' selectors are paths,
an object at the root is one row. Variables are replaced as Grafana does. Whatever else turns up in a query is refused,
since it would not be tried here.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

KNOWN = {
    *("refId", "datasource", "type", "parser", "source", "format", "url", "url_options", "root_selector"),
    *("columns", "computed_columns"),
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class Request(NamedTuple):
    """One query of a panel or a variable, as it goes out."""

    name: str
    method: str
    path: str
    body: bytes | None
    root: str
    columns: list[dict[str, str]]


def queries(dashboard: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for variable in dashboard["templating"]["list"]:
        yield f"variable {variable['name']}", variable["query"]["infinityQuery"]
    for panel in dashboard["panels"]:
        assert panel["targets"], f"the panel {panel['title']} asks nothing"
        for target in panel["targets"]:
            yield f"panel {panel['title']}, {target['refId']}", target


def replaced(text: str, tenants: list[str], start: str) -> str:
    """With Grafana's variables replaced: the municipalities, and the start of the time range."""
    for variable, value in {
        "${tenant:csv}": ",".join(tenants),
        "${tenant:doublequote}": ",".join(f'"{tenant}"' for tenant in tenants),
        "${__from:date:iso}": start,
    }.items():
        text = text.replace(variable, value)
    assert "$" not in text, f"an unknown variable in {text}"
    return text


def requests(dashboard: dict[str, Any], uid: str, tenants: list[str], start: str) -> list[Request]:
    found = []
    for name, query in queries(dashboard):
        assert query["datasource"] == {"type": "yesoreyeram-infinity-datasource", "uid": uid}, name
        assert set(query) <= KNOWN, f"{name}: {set(query) - KNOWN}"
        assert (query["parser"], query["source"], query["format"]) == ("backend", "url", "table"), name
        assert query["url"].startswith("/"), f"{name}: the address is the data source's"
        options, body = query["url_options"], None
        params = {each["key"]: replaced(each["value"], tenants, start) for each in options.get("params", [])}
        if query["type"] == "graphql":
            assert options["method"] == "POST" and not params, name
            assert (options["body_type"], options["body_content_type"]) == ("graphql", "application/json"), name
            text = replaced(options["body_graphql_query"], tenants, start)
            body = json.dumps({"query": text, "variables": {}}).encode()
        else:
            assert (query["type"], options["method"]) == ("json", "GET"), name
        path = query["url"] + ("?" + urlencode(sorted(params.items())) if params else "")
        found.append(Request(name, options["method"], path, body, query["root_selector"], query["columns"]))
        for column in query.get("computed_columns", []):
            assert re.fullmatch(r"'\w+'", column["selector"]), f"{name}: {column}"
    return found


def selected(value: Any, selector: str) -> tuple[bool, Any]:
    """Whether a path is there, and what it leads to; below null there is null."""
    for part in selector.split("."):
        if value is None:
            return True, None
        if not isinstance(value, dict) or part not in value:
            return False, None
        value = value[part]
    return True, value


def fits(value: Any, kind: str) -> bool:
    """Whether a cell is what its column says."""
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "timestamp":
            return isinstance(value, str) and TIME.fullmatch(value) is not None
        case "string":
            return isinstance(value, str)
    return False


def rows(request: Request, answer: Any) -> list[list[Any]]:
    """The rows that the plugin makes of an answer; each cell is flat and of its column's type, or null."""
    there, root = selected(answer, request.root) if request.root else (True, answer)
    assert there and isinstance(root, list | dict), f"{request.name}: nothing at {request.root}"
    table = []
    for row in root if isinstance(root, list) else [root]:
        cells = []
        for column in request.columns:
            there, cell = selected(row, column["selector"])
            assert there, f"{request.name}: no {column['selector']} in {row}"
            assert cell is None or fits(cell, column["type"]), f"{request.name}: {column} is {cell!r}"
            cells.append(cell)
        table.append(cells)
    return table
