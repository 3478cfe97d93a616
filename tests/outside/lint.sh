#!/usr/bin/env bash
# Reads the two generated documents as strict strangers do: redocly and spectral the OpenAPI document, and
# graphql-schema-linter the GraphQL schema. The rules and the reasons for those left out are in tests/outside/lint.
# First the linters have to find the faults that are planted into copies.
set -euo pipefail
exec </dev/null

fail() { echo "lint: FAILED: $*"; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
for tool in node npm; do command -v "$tool" >/dev/null || fail "$tool is missing: install Node 20 or later"; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

cp "$here"/lint/* "$work"
cd "$work"
npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || { tail -n 20 npm.log >&2; fail 'npm could not install the linters'; }

# No linter calls home.
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true NO_COLOR=1

# One line a finding of the documents in a folder: linter, rule, place, what is wrong. A linter that says nothing at
# all has crashed, so each one's answer must be readable.
findings() {
  node_modules/.bin/redocly lint --config redocly.yaml --format json --max-problems 100000 "$1/openapi.json" >redocly.out 2>redocly.err || true
  node_modules/.bin/spectral lint --ruleset spectral.mjs --format json --quiet "$1/openapi.json" >spectral.out 2>spectral.err || true
  node_modules/.bin/graphql-schema-linter --config-directory "$work" --format json "$1/schema.graphql" >graphql.out 2>graphql.err || true
  node findings.mjs || { tail -n 5 redocly.err spectral.err graphql.err >&2; return 1; }
}

mkdir real planted
cp "$here/../../openapi/openapi.json" "$here/../../schema/schema.graphql" real
node plant.mjs real/openapi.json real/schema.graphql planted >due
findings planted >found || fail 'a linter crashed over the planted faults'
while read -r rule; do
  grep -qF -- "$rule " found || fail "the fault that was planted for $rule is not found"
done <due

findings real >found || fail 'a linter crashed'
if [ -s found ]; then
  head -n "${LINT_LINES:-60}" found >&2
  cut -d' ' -f1,2 found | sort | uniq -c | sort -rn >&2
  fail "$(wc -l <found) findings"
fi
echo "lint: ok, redocly, spectral and graphql-schema-linter find nothing, and all $(wc -l <due) planted faults"
