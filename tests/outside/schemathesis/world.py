"""Fills two municipalities with a little of everything, so that fuzzing meets real resources.

    world.py URL FILE

Reads a token for both municipalities from FUZZ_TOKEN and a second person's from FUZZ_SECOND, and writes to FILE what the
hooks start from: ids by kind, the credentials of a client, and the grants that the fuzzing token itself stands on.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

URL, FILE = sys.argv[1:]
KINDS = ("assets", "clients", "findings", "grants", "imports", "risk-acceptances", "services", "sources", "tasks", "tenants")


def ask(method, path, body=None, tag=None, token="FUZZ_TOKEN", content="application/json"):
    """One request that has to succeed; gives the answer and its ETag."""
    data = json.dumps(body).encode() if content == "application/json" and body is not None else body
    request = urllib.request.Request(URL + path, data, {"Authorization": f"Bearer {os.environ[token]}"}, method=method)
    if data is not None:
        request.add_header("Content-Type", content)
    if tag:
        request.add_header("If-Match", tag)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer), answer.headers["ETag"]
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"{method} {path}: {refused.code} {refused.read().decode()}") from None


def items(path):
    return ask("GET", path)[0]["items"]


def fill(tenant):
    """One of each kind of thing in a municipality; gives the ids of what has no list of its own."""
    at = f"?tenant={tenant}"
    findings = [finding["id"] for finding in items(f"/v1/findings{at}&limit=20")]
    assets = [asset["id"] for asset in items(f"/v1/assets{at}")]
    tasks = [task["id"] for task in items(f"/v1/tasks{at}")]
    service = {"name": "Löner", "cost_per_day": 350000, "currency": "SEK", "days_to_restore": 12, "asset_ids": assets[:2]}
    ask("POST", f"/v1/services{at}", service)
    host = {"name": "Åtkomstservern", "identifiers": [{"kind": "fqdn", "value": f"atkomst.{tenant}.example"}]}
    ask("POST", f"/v1/assets{at}", host)
    accept = {"findings": findings[:2], "reason": "Byts ut till våren", "fix_cost": 90000, "expires_at": in_days(200),
              "standstill_days": 3, "cost_per_day": 350000}
    ask("POST", f"/v1/risk-acceptances{at}", accept)
    grant = {"issuer": "https://login.example", "subject": f"revisor@{tenant}.example", "scopes": ["findings:read"]}
    ask("POST", f"/v1/grants{at}", {**grant, "valid_to": in_days(30)})
    comments = [ask("POST", f"/v1/{of}/comments", {"text": "Rättas på fredag."})[0]["id"]
                for of in (f"findings/{findings[0]}", f"tasks/{tasks[0]}")]
    proof = f"/v1/findings/{findings[3]}/attachments?filename=bevis.txt"
    attachment = ask("POST", proof, b"Port 445 svarar inte mer.\n", content="text/plain")[0]["id"]
    claim = {"system": "jira", "limit": 2, "lease_seconds": 600}
    for number, claimed in enumerate(ask("POST", f"/v1/tasks/claim{at}", claim)[0]["items"]):
        ticket = {"key": f"{tenant.upper()}-{number}", "lease": claimed["lease"]}
        ask("PUT", f"/v1/tasks/{claimed['task']['id']}/tickets/jira", ticket)
    # Whoever claims a fix does not verify it, so the retest is a second person's.
    fixed = f"/v1/findings/{findings[4]}"
    ask("POST", f"{fixed}/transition", {"to": "fix_claimed"}, ask("GET", fixed)[1])
    looked = {"method": "scan", "result": "not_fixed", "comment": "Svarar ännu på port 445."}
    retest = ask("POST", f"{fixed}/retests", looked, ask("GET", fixed)[1], token="FUZZ_SECOND")[0]["id"]
    return {"comments": comments, "attachments": [attachment], "retests": [retest]}


def in_days(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


ids = {"comments": [], "attachments": [], "retests": []}
for tenant in ("norrvik", "alvsund"):
    for kind, made in fill(tenant).items():
        ids[kind] += made
wanted = {"name": "Jira", "purpose": "Hämtar åtgärder", "scopes": ["tasks:read", "tasks:claim"], "tenants": ["norrvik"]}
ask("POST", "/v1/clients", wanted)
client = ask("POST", "/v1/clients", {**wanted, "name": "Jira, den andra"})[0]
me = ask("GET", "/v1/me")[0]
for kind in KINDS:
    ids[kind] = [item["id"] for item in items(f"/v1/{kind}" if kind == "tenants" else f"/v1/{kind}?limit=40")]
    assert ids[kind], f"no {kind} to fuzz"
kept = [client["client"]["id"]] + [because["grant_id"] for tenant in me["tenants"] for because in tenant["because"]]
with open(FILE, "w", encoding="utf-8") as file:
    json.dump({"ids": ids, "client": client, "kept": kept, "principal": me["principal_id"]}, file)
