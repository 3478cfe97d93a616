#!/usr/bin/env bash
# Fuzzes a server with data, on SQLite and on PostgreSQL: every operation of its OpenAPI document with all checks and
# all phases of schemathesis, the stateful one too, and every root field of its GraphQL schema. How it asks, and which
# answers are meant, is in tests/outside/schemathesis.
# FYND_BIN is the binary, FYND_TEST_POSTGRES the owner's URL of a throw-away server (tests/run --all sets both).
# For a long run by hand:
#   FUZZ_EXAMPLES  examples per operation (15)
#   FUZZ_SECONDS   bound of time per store (120)
#   FUZZ_SEED      another seed (5)
#   FUZZ_STORES    `sqlite`, `postgres` or both
#   FUZZ_REPORT    a folder that keeps what schemathesis said
#   FUZZ_LINES     how many lines of the failures are shown (150)
set -euo pipefail
exec </dev/null

fail() { echo "schemathesis: FAILED: $*"; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
: "${FYND_BIN:?the path of the fynd binary}"
FYND_BIN=$(realpath "$FYND_BIN")
examples=${FUZZ_EXAMPLES:-15} seconds=${FUZZ_SECONDS:-120} stores=${FUZZ_STORES:-sqlite postgres}
export FUZZ_SEED=${FUZZ_SEED:-5}
command -v curl >/dev/null || "$here/install" curl curl || fail 'no curl'
python3 -c 'import ensurepip' 2>/dev/null || "$here/install" python3-venv 'Python venv' || fail 'no python3-venv'

work=$(mktemp -d) server='' fuzzer='' database=''
end() {
  [ -n "$1" ] || return 0
  kill "$1" 2>/dev/null || true
  for _ in $(seq 50); do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
drop() {
  [ -z "$database" ] || "$work/venv/bin/python" "$here/schemathesis/postgres.py" drop "$FYND_TEST_POSTGRES" "$database" || true
  database=''
}
leave() {
  trap '' INT TERM HUP
  end "$fuzzer"
  end "$server"
  drop
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q -r "$here/schemathesis/requirements.txt" >"$work/pip.log" 2>&1 ||
  { tail -n 20 "$work/pip.log" >&2; fail 'pip could not install schemathesis'; }
demo=$(cd "$here/../../api/assets/demo" && pwd)

scopes='findings:read findings:write findings:verify evidence:read evidence:write assets:read assets:write tasks:read
  tasks:write tasks:claim risk:request risk:approve imports:write feed:read clients:manage grants:manage audit:read
  tenants:manage'

# A server in a folder of its own, with three municipalities, data in them, and tokens for the fuzzer.
serve() {
  local owner="sqlite://$PWD/fynd.db" port
  export FYND_DATABASE_URL=$owner FYND_KEY_FILE=$PWD/fynd.key FYND_ATTACHMENTS_URL=file:$PWD/attachments
  if [ "$1" = postgres ]; then
    database=fynd_fuzz_$$
    { read -r owner; read -r FYND_DATABASE_URL; } < <("$work/venv/bin/python" "$here/schemathesis/postgres.py" create "$FYND_TEST_POSTGRES" "$database")
    FYND_DATABASE_URL=$owner "$FYND_BIN" migrate --server-role "$database" >/dev/null
  fi
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  export FYND_LISTEN=127.0.0.1:$port FUZZ_URL=http://127.0.0.1:$port FYND_PUBLIC_URL=http://127.0.0.1:$port
  export FYND_LOG_LEVEL=warn FYND_LOG_FORMAT=human
  # Generous, but there: an answer says in its fields what is left.
  export FYND_LIMITS_REQUESTS_PER_MINUTE=1000000 FYND_LIMITS_TENANT_REQUESTS_PER_MINUTE=1000000 FYND_LIMITS_OAUTH_PER_MINUTE=1000000
  # A machine that does much else is slow, which is no failure of the server.
  export FYND_LIMITS_ACQUIRE_SECONDS=60 FYND_LIMITS_REQUEST_SECONDS=120
  "$FYND_BIN" tenant add norrvik Norrvik >/dev/null
  "$FYND_BIN" tenant add alvsund Älvsund >/dev/null
  "$FYND_BIN" tenant add bjorkhult Björkhult >/dev/null
  "$FYND_BIN" import --tenant norrvik "$demo"/norrvik* >/dev/null
  "$FYND_BIN" import --tenant alvsund "$demo"/alvsund* >/dev/null
  "$FYND_BIN" import --tenant bjorkhult "$demo/norrvik.nessus" >/dev/null
  FUZZ_TOKEN=$("$FYND_BIN" token --tenant norrvik --tenant alvsund --scope "$scopes" --subject fuzz --ttl 7d)
  FUZZ_SECOND=$("$FYND_BIN" token --tenant norrvik --tenant alvsund --scope "$scopes" --subject second --ttl 7d)
  FUZZ_THIRD=$("$FYND_BIN" token --tenant bjorkhult --scope "$scopes" --subject third --ttl 7d)
  export FUZZ_TOKEN FUZZ_SECOND FUZZ_THIRD
  "$FYND_BIN" serve >"$work/server.log" 2>&1 &
  server=$!
  for _ in $(seq 300); do curl -s -o /dev/null "$FUZZ_URL/healthz" && return; kill -0 "$server" 2>/dev/null || break; sleep 0.1; done
  tail -n 20 "$work/server.log" >&2
  fail 'the server did not start'
}

# fuzz STORE PART SETTINGS SECONDS PHASES DOCUMENT
fuzz() {
  local code=0 name=$1-$2
  # In the background and waited for, so that a signal takes effect at once.
  "$work/venv/bin/schemathesis" --config-file "$3" run "$6" --phases "$5" --max-examples "$examples" --max-time "$4" \
    --seed "$FUZZ_SEED" --no-color --report json --report-json-path "$2.json" >"$2.txt" 2>&1 &
  fuzzer=$!
  wait "$fuzzer" || code=$?
  fuzzer=''
  if [ -n "${FUZZ_REPORT:-}" ]; then
    mkdir -p "$FUZZ_REPORT"
    cp "$2.txt" "$FUZZ_REPORT/$name.txt"
    cp "$work/server.log" "$FUZZ_REPORT/$1.server.log"
    [ ! -e "$2.json" ] || cp "$2.json" "$FUZZ_REPORT/$name.json"
  fi
  kill -0 "$server" 2>/dev/null || { tail -n 20 "$work/server.log" >&2; fail "the server died on $1"; }
  [ "$code" != 0 ] || return 0
  sed -n '/^=* \(ERRORS\|FAILURES\) =/,/^=* \(WARNINGS\|SUMMARY\) =/p' "$2.txt" >failures.txt
  head -n "${FUZZ_LINES:-150}" failures.txt >&2
  sed -n '/^=* SUMMARY =/,$p' "$2.txt" >&2
  fail "$2 on $1 with seed $FUZZ_SEED"
}

both() {
  cp "$here"/schemathesis/*.{py,toml} .
  cat >users.json <<JSON
{"auth": [
  {"name": "both", "fixedHeaders": [{"name": "Authorization", "value": "Bearer $FUZZ_TOKEN"}]},
  {"name": "third", "fixedHeaders": [{"name": "Authorization", "value": "Bearer $FUZZ_THIRD"}]}
]}
JSON
  export FUZZ_USERS=$PWD/users.json FUZZ_WORLD=$PWD/world.json FUZZ_REPORTS=$demo PYTHONPATH=$PWD PYTHONDONTWRITEBYTECODE=1
  python3 world.py "$FUZZ_URL" world.json || fail "the store for $1 could not be filled"
  "$FYND_BIN" schema >schema.graphql
  # A bound of its own for each, or the stateful phase, being the last, would often have no time left.
  fuzz "$1" fields graphql.toml $((seconds * 15 / 100)) fuzzing schema.graphql
  fuzz "$1" operations schemathesis.toml $((seconds * 55 / 100)) examples,coverage,fuzzing "$FUZZ_URL/openapi.json"
  fuzz "$1" chains schemathesis.toml $((seconds * 30 / 100)) stateful "$FUZZ_URL/openapi.json"
}

told=''
for store in $stores; do
  [ "$store" != postgres ] || : "${FYND_TEST_POSTGRES:?the owner URL of a throw-away PostgreSQL (tests/run --all sets it)}"
  mkdir "$work/$store"
  cd "$work/$store"
  serve "$store"
  both "$store"
  end "$server"
  server=''
  drop
  figures=$(python3 figures.py operations.json chains.json fields.json) || fail "$figures"
  told+="${told:+; }$store: $figures"
done
echo "schemathesis: ok, all checks and phases with seed $FUZZ_SEED; $told"
