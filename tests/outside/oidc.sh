#!/usr/bin/env bash
# Lets a real OpenID provider (npm oidc-provider) issue the tokens of a running Fynd; see oidc.mjs for what must hold.
# FYND_BIN is the binary.
set -euo pipefail
exec </dev/null

fail() { echo "oidc: FAILED: $*"; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
: "${FYND_BIN:?the path of the fynd binary}"
FYND_BIN=$(realpath "$FYND_BIN")
for tool in node npm; do command -v "$tool" >/dev/null || fail "$tool is missing: install Node 20 or later"; done

work=$(mktemp -d) server=''
leave() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$server" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cp "$here/package.json" "$here/package-lock.json" "$here/oidc.mjs" "$work"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >"$work/npm.log" 2>&1) ||
  { tail -n 20 "$work/npm.log" >&2; fail 'npm could not install oidc-provider'; }

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
own=$(port) outside=$(port)
cat >"$work/fynd.toml" <<TOML
database_url = "sqlite://$work/fynd.db"
key_file = "$work/fynd.key"
listen = "127.0.0.1:$own"

[limits]
requests_per_minute = 0
tenant_requests_per_minute = 0

[outbound]
allow = ["127.0.0.1"]

[[issuers]]
issuer = "http://127.0.0.1:$outside"
audience = "fynd"
algorithms = ["ES256"]
tenants = ["norrvik"]
scopes = ["findings:read", "findings:write"]
claims = { roles = ["groups"] }
roles = [{ role = "fynd-readers", tenants = ["norrvik"], scopes = ["findings:read"] }]
TOML
cd "$work"
"$FYND_BIN" tenant add norrvik Norrvik >/dev/null
"$FYND_BIN" serve >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  kill -0 "$server" 2>/dev/null || break
  python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' \
    "http://127.0.0.1:$own/readyz" 2>/dev/null && break
  sleep 0.1
done
kill -0 "$server" 2>/dev/null || { tail -n 20 "$work/server.log" >&2; fail 'fynd ended by itself'; }
node "$work/oidc.mjs" drive "http://127.0.0.1:$own" "$outside" ||
  { echo '--- the server said' >&2; tail -n 20 "$work/server.log" >&2; exit 1; }
