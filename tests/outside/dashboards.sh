#!/usr/bin/env bash
# Sends every query of the dashboards in deploy/consumers (Grafana's and Power BI's) to a Fynd with findings and to one
# without: flat rows, numbers as numbers, the same columns when empty. FYND_BIN is the binary.
# shellcheck source=tests/outside/clients/server.sh
. "$(dirname "$0")/clients/server.sh" dashboards

for tool in node npm; do command -v "$tool" >/dev/null || fail "$tool is missing: install Node 20 or later"; done

cp -r "$outside/dashboards" "$work/dashboards"
cd "$work/dashboards"
quietly 'npm could not install the parser of Power Query' npm ci --ignore-scripts --no-audit --no-fund

# The one without findings; sets empty_url.
start_empty() {
  local port
  port=$(free_port)
  empty_url="http://127.0.0.1:$port"
  mkdir "$work/empty"
  cat >"$work/empty/fynd.toml" <<TOML
listen = "127.0.0.1:$port"
public_url = "$empty_url"
TOML
  (cd "$work/empty" && quietly 'no municipality' "$FYND_BIN" tenant add bjorkhult Björkhult)
  (cd "$work/empty" && exec "$FYND_BIN" serve) >"$work/empty.log" 2>&1 &
  servers+=("$!")
  log="$work/empty.log"
  for _ in $(seq 300); do
    python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$empty_url/readyz" 2>/dev/null && break
    kill -0 "${servers[0]}" 2>/dev/null || fail 'fynd ended by itself'
    sleep 0.1
  done
  log=''
}
start_empty
start_demo "$work/demo"

tool_token() { "$FYND_BIN" token --subject dashboard --ttl 10m "$@"; }
both=(--tenant norrvik --tenant alvsund)
token=$(cd "$work/demo" && FYND_PUBLIC_URL=$url tool_token "${both[@]}" --scope 'findings:read findings:write assets:read')
empty_token=$(cd "$work/empty" && tool_token --tenant bjorkhult --scope 'findings:read assets:read')
{ read -r id; read -r secret; } < <(cd "$work/demo" && FYND_PUBLIC_URL=$url "$FYND_BIN" client add 'Power BI' \
  --purpose 'Reads findings' "${both[@]}" --scope findings:read --basic)

quietly 'Grafana' python3 grafana.py "$root/deploy/consumers/grafana" \
  "$url" "$token" norrvik,alvsund "$empty_url" "$empty_token" bjorkhult
grafana=$(cat "$work/step.log")
quietly 'Power BI' node powerbi.mjs "$root/deploy/consumers/powerbi" \
  "$url" "$token" "$id" "$secret" "$empty_url" "$empty_token"
echo "dashboards: ok, Grafana: $grafana; Power BI: $(cat "$work/step.log")"
