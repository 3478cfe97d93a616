#!/usr/bin/env bash
# Does what each quick start in docs/quickstart says, line by line, each against a fresh demo; see clients/quickstart.py
# for what must hold. FYND_BIN is the binary.
# shellcheck source=tests/outside/clients/server.sh
. "$(dirname "$0")/clients/server.sh" quickstarts

for tool in node npx; do command -v "$tool" >/dev/null || fail "$tool is missing: install Node 20 or later"; done
for tool in curl jq; do command -v "$tool" >/dev/null || "$outside/install" "$tool" "$tool" || fail "no $tool"; done
python3 -c 'import ensurepip' 2>/dev/null || "$outside/install" python3-venv 'Python venv' || fail 'no python3-venv'

# The lines call the binary by its name, and the tools in the versions that are tried in clients.sh.
mkdir "$work/bin"
ln -s "$FYND_BIN" "$work/bin/fynd"
export PATH="$work/bin:$PATH"
while read -r pin; do
  grep -qF -e "$pin" -e "\"${pin%@*}\": \"${pin#*@}\"" "$outside/clients/package.json" "$outside/clients/requirements.txt" ||
    fail "$pin is not the version in tests/outside/clients"
done < <(grep -ohE '[a-z-]+(@|==)[0-9][0-9.]+' "$root"/docs/quickstart/*.md)

pages=0 blocks=0
for page in "$root"/docs/quickstart/*.md; do
  kind=$(basename "$page" .md)
  [ "$kind" != README ] || continue
  [ "$(wc -l <"$page")" -le 90 ] || fail "$kind.md is longer than 90 lines"
  start_demo "$work/$kind/demo"
  log="$work/step.log"
  FYND_PUBLIC_URL=$url python3 "$outside/clients/quickstart.py" "$page" "$work/$kind" "${url#http://}" >"$log" 2>&1 ||
    fail "$kind.md"
  blocks=$((blocks + $(tail -n 1 "$log"))) pages=$((pages + 1))
  stop "$server"
  servers=()
done
[ "$pages" -ge 5 ] || fail "only $pages pages"
echo "quickstarts: ok, $blocks blocks of $pages pages answer what they promise"
