#!/usr/bin/env bash
# Does what the demo's screen says, line by line, as a stranger would, and ends it with Ctrl-C.
# FYND_BIN is the binary.
set -euo pipefail
exec </dev/null

fail() { echo "demo: FAILED: $*"; [ ! -e "${work:-}/screen" ] || tail -n 30 "$work/screen" >&2; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
: "${FYND_BIN:?the path of the fynd binary}"
FYND_BIN=$(realpath "$FYND_BIN")
command -v curl >/dev/null || "$here/install" curl curl || fail 'no curl'

work=$(mktemp -d) server=''
leave() {
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cp "$here/../../api/assets/demo/alvsund.nessus" "$work/report.nessus"
mkdir "$work/tmp"
cd "$work"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# In a process group of its own with SIGINT as a terminal gives it: bash has background jobs ignore it.
TMPDIR="$work/tmp" python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$FYND_BIN" demo --listen "127.0.0.1:$port" >screen 2>&1 &
server=$!
for _ in $(seq 300); do
  grep -q '^# The wall' screen && break
  kill -0 "$server" 2>/dev/null || fail 'the demo ended by itself'
  sleep 0.1
done
lines=$(wc -l <screen)
[ "$lines" -le 40 ] || fail "its $lines lines do not fit on one screen"

# From the first token on, everything is meant to be copied: comments, exports, commands.
sed -n '/^export TICKETING=/,$p' screen >lines.sh
bash -euo pipefail lines.sh >answers 2>errors || fail "a line does not run: $(cat errors)"
expect() { grep -q "$1" answers || fail "no answer holds $1: $(cat answers)"; }
expect '"key":"IT-1042"'
expect '"next_cursor":'
expect '"findingCounts":{"total":[1-9]'
expect '"status":"completed"'
expect '"code":"not_found"'

kill -INT "$server"
for _ in $(seq 100); do kill -0 "$server" 2>/dev/null || break; sleep 0.1; done
code=0
wait "$server" || code=$?
server=''
[ "$code" = 0 ] || fail "Ctrl-C ended it with $code"
grep -q '^stopped$' screen || fail 'it did not say that it stopped'
[ -z "$(ls -A tmp)" ] || fail "it left $(ls -A tmp) behind"
echo 'demo: every line of its screen does what it says, and Ctrl-C ends it cleanly'
