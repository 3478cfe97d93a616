"""A typed client of the REST API, as an integrator writes it over the package that openapi-python-client generates.

Called with the server's address, a token and the path of a report. What must hold is asserted.
"""

import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

from fynd_client import AuthenticatedClient
from fynd_client.api.findings import count_findings, get_finding, list_findings, transition_finding
from fynd_client.api.imports import post_import
from fynd_client.models import (
    Finding,
    FindingCounts,
    FindingFacet,
    Import,
    PageFinding,
    Problem,
    Severity,
    Status,
    Transition,
)
from fynd_client.types import UNSET, File, Response


def findings(client: AuthenticatedClient, severity: list[Severity], limit: int) -> Iterator[Finding]:
    """All findings of some severities, page by page."""
    cursor = None
    while True:
        page = list_findings.sync(client=client, severity=severity, limit=limit, cursor=cursor or UNSET)
        assert isinstance(page, PageFinding), page
        assert len(page.items) <= limit
        yield from page.items
        if not page.has_more:
            return
        assert isinstance(page.next_cursor, str), "a page that is not the last one has a cursor"
        cursor = page.next_cursor


def read(client: AuthenticatedClient, finding: UUID) -> tuple[Finding, str]:
    """A finding and its ETag."""
    answer = get_finding.sync_detailed(finding, client=client)
    assert isinstance(answer.parsed, Finding), answer
    return answer.parsed, answer.headers["ETag"]


def move(client: AuthenticatedClient, finding: UUID, to: Status, etag: str) -> Response[Finding | Problem]:
    """Wishes to move a finding that was read with an ETag."""
    return transition_finding.sync_detailed(finding, client=client, body=Transition(to=to), if_match=etag)


def main(url: str, token: str, report: Path) -> None:
    client = AuthenticatedClient(base_url=url, token=token)

    severe = [Severity.HIGH, Severity.CRITICAL]
    counts = count_findings.sync(client=client, severity=severe, by=[FindingFacet.SEVERITY])
    assert isinstance(counts, FindingCounts), counts
    listed = list(findings(client, severe, 5))
    assert len(listed) > 5, "the list has more than one page"
    assert len(listed) == counts.total, "the pages hold what the counts say"
    assert len({finding.id for finding in listed}) == len(listed), "no finding stands on two pages"
    assert all(finding.severity in severe for finding in listed)

    chosen = next(finding for finding in listed if finding.status is Status.NEW)
    before, etag = read(client, chosen.id)
    moved = move(client, chosen.id, Status.CONFIRMED, etag)
    assert isinstance(moved.parsed, Finding), moved
    assert moved.parsed.status is Status.CONFIRMED and moved.parsed.seq > before.seq

    stale = move(client, chosen.id, Status.IN_PROGRESS, etag)
    assert stale.status_code is HTTPStatus.PRECONDITION_FAILED, stale
    assert isinstance(stale.parsed, Problem) and stale.parsed.code == "stale", stale
    after, _ = read(client, chosen.id)
    assert after.status is Status.CONFIRMED, "a stale request changes nothing"

    with report.open("rb") as payload:
        sent = post_import.sync(
            client=client, body=File(payload=payload), tenant="norrvik", source="generated", prefer="wait=60"
        )
    assert isinstance(sent, Import), sent
    assert sent.read > 0 and sent.created == sent.read, sent


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
