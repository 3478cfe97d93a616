"""Sends every query of the Grafana dashboard to a Fynd with findings and to one without, and compares.

    grafana.py FOLDER URL TOKEN MUNICIPALITIES EMPTY_URL EMPTY_TOKEN EMPTY_MUNICIPALITIES    FOLDER is deploy/consumers/grafana
"""

import json
import re
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import infinity


def answered(base: str, token: str, request: infinity.Request) -> Any:
    headers = {"Authorization": f"Bearer {token}"} | ({"Content-Type": "application/json"} if request.body else {})
    sent = urllib.request.Request(base + request.path, request.body, headers, method=request.method)
    try:
        with urllib.request.urlopen(sent, timeout=30) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as refusal:
        sys.exit(f"{request.name}: {request.path} {request.body!r} is {refusal.code}: {refusal.read().decode()}")
    # GraphQL answers errors with 200, and the plugin shows what data there is.
    assert "errors" not in answer, f"{request.name}: {answer['errors']}"
    return answer


def spread(base: str, token: str) -> None:
    """Gives the findings of the demo, which are all new, every status that is open, and one that is not."""
    ways: list[list[dict[str, str]]] = [
        [{"to": "confirmed"}],
        [{"to": "confirmed"}, {"to": "in_progress"}],
        [{"to": "fix_claimed"}],
        [{"to": "false_positive", "justification": "scanner_error"}],
    ]
    auth = {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(f"{base}/v1/findings?limit={len(ways)}", headers=auth)) as page:
        items = json.load(page)["items"]
    for item, steps in zip(items, ways, strict=True):
        path, seq = f"{base}/v1/findings/{item['id']}/transition", item["seq"]
        for step in steps:
            headers = auth | {"If-Match": f'"{seq}-0"', "Content-Type": "application/json"}
            with urllib.request.urlopen(urllib.request.Request(path, json.dumps(step).encode(), headers)) as moved:
                seq = json.load(moved)["seq"]


def asked(
    folder: Path, base: str, token: str, tenants: list[str]
) -> dict[str, tuple[infinity.Request, list[list[Any]]]]:
    """Each query by its name, with the rows that it gives."""
    dashboard = json.loads((folder / "dashboards/fynd.json").read_text())
    source = (folder / "provisioning/datasources/fynd.yaml").read_text()
    uid = re.search(r"^    uid: (\w+)$", source, re.MULTILINE)
    assert uid and "bearerToken: $FYND_TOKEN" in source and "url: $FYND_URL" in source
    start = (datetime.now(UTC) - timedelta(days=30)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    tables = {}
    for request in infinity.requests(dashboard, uid[1], tenants, start):
        tables[request.name] = request, infinity.rows(request, answered(base, token, request))
    return tables


def main(folder: str, base: str, token: str, tenants: str, empty: str, empty_token: str, empty_tenants: str) -> None:
    spread(base, token)
    full = asked(Path(folder), base, token, tenants.split(","))
    for name, (request, table) in full.items():
        assert table, f"{name}: no rows, although there are findings"
        for at, column in enumerate(request.columns):
            # A cell that is null in every row may be a path that leads nowhere. Nobody is assigned in the demo.
            known = column["selector"] == "assignee" or any(row[at] is not None for row in table)
            assert known, f"{name}: {column['selector']} is never set"

    bare = asked(Path(folder), empty, empty_token, empty_tenants.split(","))
    assert bare.keys() == full.keys()
    for name, (_, table) in bare.items():
        if name.startswith("variable"):
            continue
        # An aggregate keeps its one row of numbers; a list is empty, at the same place.
        aggregate = isinstance(full[name][1][0][0], int)
        assert table == ([[0] * len(table[0])] if aggregate else []), f"{name}: {table} without findings"

    def total(name: str) -> int:
        return sum(cell for found, (_, table) in full.items() if found.startswith(name) for row in table for cell in row
                   if isinstance(cell, int))  # fmt: skip

    opened = full["panel Open findings, A"][1][0][0]
    assert opened > 0
    for name in ("severity and status", "severity, A", "status", "source", "priority", "municipality"):
        assert total(f"panel Open by {name}") == opened, f"{name}: {total(f'panel Open by {name}')} of {opened}"
    matrix = [row for name, (_, table) in full.items() if "severity and status" in name for row in table]
    assert [any(column) for column in zip(*matrix, strict=True)] == [True] * 4, f"a status is missing in {matrix}"
    assert full["panel Open, since the start of the time range, A"][1] == [[0, opened]]
    print(f"{len(full)} queries of {len({name.split(', ')[0] for name in full})} panels and variables")


if __name__ == "__main__":
    main(*sys.argv[1:])
