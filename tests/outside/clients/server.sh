# shellcheck shell=bash
# Sourced by clients.sh, quickstarts.sh and dashboards.sh with their name in $1: a folder of the run's own ($work), a
# demo server in it, and nothing of either left when the script ends, however it ends.
set -euo pipefail
exec </dev/null

name=$1 work='' server='' url=''
fail() {
  echo "$name: FAILED: $*"
  [ ! -s "${log:-}" ] || tail -n 30 "$log" >&2
  exit 1
}
# Runs a command quietly; what it said comes out, at its end, only where it fails.
quietly() {
  local what=$1
  shift
  log="$work/step.log"
  "$@" >"$log" 2>&1 || fail "$what"
  log=''
}

: "${FYND_BIN:?the path of the fynd binary}"
[ -x "$FYND_BIN" ] || fail "no binary at $FYND_BIN"
FYND_BIN=$(realpath "$FYND_BIN")
outside=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # used by the scripts that source this
root=$(cd "$outside/../.." && pwd)

work=$(mktemp -d)
# Ends a server that this script started.
stop() {
  kill "$1" 2>/dev/null || true
  # One that does not heed the request within five seconds is killed: nothing may outlive the run.
  for _ in $(seq 50); do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
servers=()
leave() {
  local each
  for each in "${servers[@]}"; do stop "$each"; done
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Starts a demo whose store lies in a folder ($1), and waits until it has filled it; sets url.
start_demo() {
  local port
  port=$(free_port)
  url="http://127.0.0.1:$port"
  mkdir -p "$1"
  (cd "$1" && exec "$FYND_BIN" demo --keep . --listen "127.0.0.1:$port") >"$work/server.log" 2>&1 &
  server=$! log="$work/server.log"
  servers+=("$server")
  for _ in $(seq 600); do
    ! grep -q '^# The wall' "$log" || break
    kill -0 "$server" 2>/dev/null || fail 'the demo ended by itself'
    sleep 0.1
  done
  grep -q '^# The wall' "$log" || fail 'the demo did not come up within a minute'
  log=''
}

# A token of the demo in a folder: token FOLDER MUNICIPALITY SCOPES [SUBJECT].
token() { (cd "$1" && FYND_PUBLIC_URL=$url "$FYND_BIN" token --tenant "$2" --scope "$3" --subject "${4:-test}"); }
