"""What it costs to know who asks: the signature, the limits, and the settings of row-level security."""

import json
import re
import urllib.parse
import urllib.request

from lists import CLIENTS, Sql, fill
from machine import output, row, table

# More than the server remembers (10,000), so that each token in turn is one that it has to verify.
TOKENS = 12_000


def run(machine, stores, args):
    for store in stores:
        fill(machine, store, min(args.findings))
        with machine.serving(store.env) as (_, base, _):
            print_http(machine, store, base, args.seconds)
        if store.name == "PostgreSQL":
            print_wall(machine, store, args.seconds)


def print_http(machine, store, base, seconds):
    tokens = minted(machine, store, base)
    rates = {"health": [], "known": [], "new": []}
    for _ in range(2):
        rates["health"].append(wrk(machine, base + "/healthz", [], seconds / 2))
        rates["known"].append(wrk(machine, base + "/v1/me", tokens[:1], seconds / 2))
        rates["new"].append(wrk(machine, base + "/v1/me", tokens, seconds / 2))
    floor, known, new = (sum(rates[name]) / 2 for name in ("health", "known", "new"))
    rows = [row("`/v1/me`, a token already verified", known, floor, "`/healthz`: no token, no rights", "/s"),
            row("`/v1/me`, every token to be verified", new, known, "the same, already verified", "/s")]
    note = (f"wrk: {CLIENTS} connections, 1 thread; the third rate goes round {TOKENS:,} tokens of a client. "
            "No request touches the store but the look at the rights, which all share.")
    table(f"Who asks, on {store.name}", rows, note)


def minted(machine, store, base):
    scope = "findings:read assets:read tasks:read"
    made = machine.run_fynd(store.env, "client", "add", "bench", "--purpose", "bench", "--tenant", "norrvik",
                            "--scope", scope).split()
    form = {"grant_type": "client_credentials", "client_id": made[0], "client_secret": made[1]}
    body = urllib.parse.urlencode(form).encode()

    def token():
        with urllib.request.urlopen(urllib.request.Request(base + "/oauth/token", data=body), timeout=60) as answer:
            return json.load(answer)["access_token"]

    return [token() for _ in range(TOKENS)]


def wrk(machine, url, tokens, seconds):
    script = []
    if tokens:
        (machine.folder / "tokens").write_text("\n".join(tokens))
        lua = machine.folder / "tokens.lua"
        lua.write_text(f"""local asked, at = {{}}, 0
function init()
  for token in io.lines("{machine.folder / 'tokens'}") do
    asked[#asked + 1] = wrk.format("GET", nil, {{["Authorization"] = "Bearer " .. token}})
  end
end
function request()
  at = at % #asked + 1
  return asked[at]
end
""")
        script = ["-s", lua]
    said = output(["wrk", "-t1", f"-c{CLIENTS}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", *script, url])
    assert "Non-2xx" not in said and "Socket errors" not in said, said
    return float(re.search(r"Requests/sec:\s*([\d.]+)", said).group(1))


def print_wall(machine, store, seconds):
    """The same statement as the server's role within its scope, and as the owner, whom no policy binds."""
    sql = Sql(store)
    id = store.query(f"SELECT id FROM finding WHERE {sql.of(1)} AND severity = 3 LIMIT 1")[0][0]
    cases = [("nothing: SELECT 1", ["SELECT 1"]),
             ("one finding", [f"SELECT * FROM finding WHERE {sql.of(1)} AND id = '{id}'"]),
             ("a page of 100", [f"SELECT * FROM finding WHERE {sql.of(1)} AND severity = 3 ORDER BY id LIMIT 100"])]
    rows = []
    for what, statements in cases:
        with_wall, without = [], []
        for _ in range(2):
            with_wall.append(store.rate([statements], seconds / 2))
            without.append(store.rate([statements], seconds / 2, wall=False))
        rows.append(row(what, sum(with_wall) / 2, sum(without) / 2, "no scope set, no policy", "/s"))
    table("The wall in PostgreSQL alone", rows, f"pgbench, {CLIENTS} clients, one transaction each: BEGIN, SET LOCAL, "
          "the statement, COMMIT under the policies; beside it BEGIN, the statement, COMMIT as a role that they do not bind. "
          "pgbench sends SET LOCAL as a statement of its own; Fynd sends it with BEGIN.")
