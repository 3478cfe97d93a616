"""How many requests a second are answered, beside the same statements without Fynd."""

import json
import os
import re

import report
from machine import ask, output, peak_mib, row, table
from stores import CLIENTS

SECOND = 15_000
# What a provider serves beside the two: so many more municipalities with so many findings each.
OTHERS, OF_EACH = 28, 1_000
GRAPH = """{ findings(first: 100, filter: {severity: [HIGH]}) { edges { node {
    id title severity status firstSeen lastSeen asset { id name kind } } } } }"""


def run(machine, stores, args):
    findings = args.findings[-1]
    for store in stores:
        fill(machine, store, findings)
        with machine.serving(store.env) as (process, base, _):
            rows = [measure(machine, store, base, case, args.seconds) for case in cases(store, base)]
            note = (f"wrk: {CLIENTS} connections, 1 thread, one request over and over; p99 and size of the answer beside the rate. "
                    f"The server's peak memory afterwards: {peak_mib(process.pid):.0f} MiB. "
                    f"Load: {os.getloadavg()[0]:.1f} (1 minute). Second municipality: {min(SECOND, findings):,} findings; "
                    f"{OTHERS} more: {min(OF_EACH, findings):,} each.")
        table(f"Requests over {findings:,} findings on {store.name}", rows, note)


def fill(machine, store, findings):
    if store.filled != findings:
        store.fresh()
        path = machine.folder / "list.nessus"
        report.write(path, findings, day=12)
        machine.run_fynd(store.env, "import", "--tenant", "norrvik", path)
        store.filled = findings
    other = machine.folder / "other.nessus"
    report.write(other, min(SECOND, findings), day=12, seed=2)
    machine.run_fynd(store.env, "import", "--tenant", "alvsund", other)
    for number in range(OTHERS):
        machine.run_fynd(store.env, "tenant", "add", f"kommun{number}", f"Kommun {number}")
        path = machine.folder / "each.nessus"
        report.write(path, min(OF_EACH, findings), day=12, seed=3 + number)
        machine.run_fynd(store.env, "import", "--tenant", f"kommun{number}", path)
    store.tidy()


class Sql:
    """Fynd's statements, with this store's literals."""

    def __init__(self, store):
        self.store = store
        tenants = dict(store.query("SELECT slug, id FROM tenant"))
        # By how many there are: the first is the one that most is asked of.
        slugs = ["norrvik", "alvsund", *(slug for slug in sorted(tenants) if slug.startswith("kommun"))]
        self.slugs, self.ids = slugs, [store.id(tenants[slug]) for slug in slugs]

    def of(self, count):
        return f"tenant_id = {self.ids[0]}" if count == 1 else f"tenant_id IN ({', '.join(self.ids[:count])})"

    def list(self, where="", order="id", tenants=1, limit=100):
        """The statements of one page: clock, findings, sources, sightings."""
        mine = self.of(tenants)
        page = f"SELECT * FROM finding WHERE {mine}{where} ORDER BY {order} LIMIT {limit + 1}"
        shown = self.store.query(f"SELECT id, source_id, asset_id FROM ({page}) AS page LIMIT {limit}")
        ids, sources, self.assets = (self.several(column) for column in zip(*shown))
        return [f"SELECT tenant_id, value, recorded_at FROM tenant_clock WHERE {mine}", page,
                f"SELECT * FROM source WHERE {mine} AND id IN ({sources})",
                f"SELECT * FROM sighting WHERE {mine} AND finding_id IN ({ids})"]

    def search(self, word, order="id"):
        """The page of those that hold a word, or whose asset's name does."""
        mine, range = self.of(1), f"term >= '{word}' AND term < '{word}\U0010ffff'"
        return self.list(f""" AND (tenant_id, id) IN (
            SELECT tenant_id, finding_id FROM finding_term WHERE {mine} AND kind = 'word' AND {range} UNION ALL
            SELECT f.tenant_id, f.id FROM asset_term t JOIN finding f ON f.tenant_id = t.tenant_id AND f.asset_id = t.asset_id
            WHERE t.{mine} AND {range})""", order)

    def several(self, ids):
        return ", ".join(self.store.id(one) for one in sorted(set(ids)))


def cases(store, base):
    """(what, path, token, body, headers, status, transactions, what the limit is)."""
    sql, one, both = Sql(store), store.token("norrvik"), store.token("norrvik", "alvsund")
    same = "its statements"
    get = lambda what, query, transactions, token=one, meaning=same: (
        what, f"/v1/findings{query}", token, None, {}, 200, transactions, meaning)
    high = sql.list(" AND severity IN (3)")
    open_ = " AND severity IN (3, 4) AND status IN ('new', 'confirmed')"
    plain, page = "/v1/findings?limit=100&severity=high", high[1]
    id = store.query(f"SELECT id FROM finding WHERE {sql.of(1)} AND severity = 3 LIMIT 1")[0][0]
    finding = [[f"SELECT * FROM finding WHERE {sql.of(1)} AND id IN ({store.id(id)})", high[2],
                f"SELECT * FROM sighting WHERE {sql.of(1)} AND finding_id IN ({store.id(id)})"]]
    joined = (f"SELECT f.*, s.name, g.last_seen FROM ({page}) f JOIN source s ON s.tenant_id = f.tenant_id AND "
              "s.id = f.source_id JOIN sighting g ON g.tenant_id = f.tenant_id AND g.finding_id = f.id ORDER BY f.id")
    groups = (f"SELECT tenant_id, severity, status, count(id) FROM finding WHERE {sql.of(1)} "
              "GROUP BY tenant_id, severity, status")
    tag = ask(base + plain, one)[1]["ETag"]
    body = json.dumps({"query": GRAPH}).encode()
    yield "floor: `/healthz`", "/healthz", "", None, {}, 200, None, "–"
    yield get("100 of `severity=high`", "?limit=100&severity=high", [high])
    yield get("the same", "?limit=100&severity=high", [[joined]], meaning="the page in one statement")
    yield get("100, three `fields`", "?limit=100&severity=high&fields=id,title,severity",
              [[high[0], page.replace("*", "id, title, severity"), *high[2:]]])
    yield get("100 high or critical, new or confirmed", "?limit=100&severity=high,critical&status=new,confirmed",
              [sql.list(open_)])
    yield get("100 by `-severity`", "?limit=100&sort=-severity", [sql.list(order="severity DESC, id DESC")])
    yield get("100 by `-updated_at`", "?limit=100&sort=-updated_at", [sql.list(order="updated_at DESC, id DESC")])
    yield get("100 of two municipalities, `severity=high`", "?limit=100&severity=high",
              [sql.list(" AND severity IN (3)", tenants=2)], both)
    every = store.token(*sql.slugs)
    yield get(f"100 of {len(sql.slugs)} municipalities, `severity=high`", "?limit=100&severity=high",
              [sql.list(" AND severity IN (3)", tenants=len(sql.slugs))], every)
    yield get(f"100 of {len(sql.slugs)} municipalities by `-updated_at`", "?limit=100&sort=-updated_at",
              [sql.list(order="updated_at DESC, id DESC", tenants=len(sql.slugs))], every)
    yield ("unchanged since `If-None-Match` (304)", plain, one, None, {"If-None-Match": tag}, 304, [high[:1]], same)
    yield get("one finding", f"/{store.text_id(id)}", finding)
    yield get("facets by severity and status", "/facets?by=severity,status", [[high[0], groups]])
    yield get("search: one host's name", "?limit=100&q=dator17.kommun1", [sql.search("dator17.kommun1")])
    yield get("search: a word of many titles", "?limit=100&q=brandv%C3%A4gg", [sql.search("brandvägg")])
    yield get("the same by `-severity`", "?limit=100&q=brandv%C3%A4gg&sort=-severity",
              [sql.search("brandvägg", "severity DESC, id DESC")])
    sql.list(" AND severity IN (3)")
    assets = [f"SELECT * FROM asset WHERE {sql.of(1)} AND id IN ({sql.assets})",
              f"SELECT * FROM asset_identifier WHERE {sql.of(1)} AND asset_id IN ({sql.assets})"]
    yield ("GraphQL: 100 findings, 7 fields, asset", "/graphql", one, body, {"Content-Type": "application/json"}, 200,
           [high, assets], same + " (two transactions)")


def measure(machine, store, base, case, seconds):
    """Fynd, limit, Fynd, limit: half of the time each."""
    what, path, token, body, headers, status, transactions, meaning = case
    answer = ask(base + path, token, body, **{name.replace("-", "_"): value for name, value in headers.items()})
    assert answer[0] == status and b'"errors"' not in answer[2], f"{path}: {answer}"
    rates, limits, slow = [], [], []
    for _ in range(2):
        rate, p99 = wrk(machine, base + path, token, body, headers, seconds / 2)
        rates.append(rate)
        slow.append(p99)
        if transactions:
            limits.append(store.rate(transactions, seconds / 2))
    # Too few answers have no percentile.
    detail = f", {'–' if slow[-1] == '0.00us' else slow[-1]}, {len(answer[2]) / 1024:.1f} KB"
    if not transactions:
        return what, f"{sum(rates) / 2:,.0f} /s{detail}", "", meaning, ""
    return row(what, sum(rates) / 2, sum(limits) / 2, meaning, "/s", detail)


def wrk(machine, url, token, body, headers, seconds):
    headers = dict(headers) | ({"Authorization": f"Bearer {token}"} if token else {})
    named = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    script = []
    if body:
        lua = machine.folder / "body.lua"
        lua.write_text(f'wrk.method = "POST"\nwrk.body = [==[{body.decode()}]==]\n')
        script = ["-s", lua]
    said = output(["wrk", "-t1", f"-c{CLIENTS}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", "--latency", *named,
                   *script, url])
    assert "Non-2xx" not in said and "Socket errors" not in said, said
    return (float(re.search(r"Requests/sec:\s*([\d.]+)", said).group(1)),
            re.search(r"^\s+99%\s+(\S+)", said, re.MULTILINE).group(1))
