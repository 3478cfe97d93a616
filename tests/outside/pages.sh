#!/usr/bin/env bash
# Looks at /docs and /graphiql of a running Fynd with a real Chromium; see pages.mjs for what must hold.
# FYND_BIN is the binary. With FYND_SCREENSHOTS set, the screenshots are kept and their folder is printed.
set -euo pipefail
exec </dev/null

fail() { echo "pages: FAILED: $*"; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
: "${FYND_BIN:?the path of the fynd binary}"
[ -x "$FYND_BIN" ] || fail "no binary at $FYND_BIN"
FYND_BIN=$(realpath "$FYND_BIN")

find_chromium() {
  command -v chromium || command -v google-chrome-stable || command -v google-chrome
}
for tool in node npm; do command -v "$tool" >/dev/null || fail "$tool is missing: install Node 20 or later"; done
CHROMIUM=$(find_chromium) || { "$here/install" chromium 'Chromium' && CHROMIUM=$(find_chromium); } || fail 'no Chromium'
export CHROMIUM

work=$(mktemp -d) server=''
leave() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    # A server that does not heed the request within five seconds is ended: nothing may outlive the run.
    for _ in $(seq 50); do kill -0 "$server" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cp "$here/package.json" "$here/package-lock.json" "$here/pages.mjs" "$work"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >"$work/npm.log" 2>&1) ||
  { tail -n 20 "$work/npm.log" >&2; fail 'npm could not install playwright-core'; }

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$work/demo"
cd "$work/demo"
"$FYND_BIN" demo --listen "127.0.0.1:$port" >"$work/server.log" 2>&1 &
server=$!
# It answers once it has filled its store.
for _ in $(seq 600); do
  kill -0 "$server" 2>/dev/null || break
  python3 - "http://127.0.0.1:$port/docs" 2>/dev/null <<'PY' && break
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=5)
PY
  sleep 0.2
done
kill -0 "$server" 2>/dev/null || { tail -n 20 "$work/server.log" >&2; fail 'the demo ended by itself'; }

export SCREENSHOTS="$work"
if [ -n "${FYND_SCREENSHOTS:-}" ]; then SCREENSHOTS=$(mktemp -d); echo "pages: screenshots in $SCREENSHOTS"; fi
PROFILE="$work/profile" node "$work/pages.mjs" "http://127.0.0.1:$port" ||
  { echo '--- the server said' >&2; tail -n 20 "$work/server.log" >&2; exit 1; }
