#!/usr/bin/env bash
# Generates clients from the committed documents (TypeScript over REST and GraphQL, Python over REST), compiles them
# strictly, and has each list in pages, move a finding with If-Match and be refused a stale one by a running demo.
# FYND_BIN is the binary. What is generated stays in a folder that goes.
# shellcheck source=tests/outside/clients/server.sh
. "$(dirname "$0")/clients/server.sh" clients

for tool in node npm; do command -v "$tool" >/dev/null || fail "$tool is missing: install Node 20 or later"; done
python3 -c 'import ensurepip' 2>/dev/null || "$outside/install" python3-venv 'Python venv' || fail 'no python3-venv'

clients="$work/clients"
cp -r "$outside/clients" "$clients"
cp "$root/openapi/openapi.json" "$root/schema/schema.graphql" "$clients"
cd "$clients"
quietly 'npm could not install the TypeScript side' npm ci --ignore-scripts --no-audit --no-fund
python3 -m venv "$work/venv"
bin="$work/venv/bin"
quietly 'pip could not install the Python side' "$bin/pip" install -q -r requirements.txt

# A generator that warns has left something out, so its words count and not only its exit code.
generate() {
  local what=$1
  shift
  quietly "$what" "$@"
  ! grep -iE '(^|[^a-z])(warning|error)' "$work/step.log" >&2 || fail "$what: it warns (see above)"
}
generate 'openapi-typescript' npx --no-install openapi-typescript openapi.json -o src/generated/openapi.ts
generate 'graphql-codegen' npx --no-install graphql-codegen --config codegen.json
generate 'openapi-python-client' "$bin/openapi-python-client" generate --path openapi.json --config generator.yaml \
  --meta none --output-path fynd_client
methods=$(python3 -c 'import json
paths = json.load(open("openapi.json"))["paths"]
print(sum(method in ("get", "post", "put", "patch", "delete") for path in paths.values() for method in path))')
made=$(find fynd_client/api -name '*.py' ! -name __init__.py | wc -l)
[ "$made" = "$methods" ] || fail "the Python client has $made of $methods operations"

quietly 'the TypeScript clients do not compile' npx --no-install tsc
quietly 'the Python client does not compile' "$bin/python" -m compileall -q fynd_client use_rest.py
quietly 'mypy refuses the Python client' "$bin/mypy" --strict use_rest.py fynd_client

start_demo "$work/demo"
token=$(token "$work/demo" norrvik 'findings:read findings:write feed:read imports:write')
quietly 'TypeScript over REST' node built/rest.js "$url" "$token"
quietly 'TypeScript over GraphQL' node built/graphql.js "$url" "$token"
quietly 'TypeScript over WebSocket' node built/subscribe.js "$url" "$token"
quietly 'Python over REST' "$bin/python" use_rest.py "$url" "$token" "$root/api/assets/demo/alvsund.nessus"
echo "clients: ok, TypeScript and Python over REST ($methods operations), TypeScript over GraphQL and graphql-ws: generated, compiled, used"
