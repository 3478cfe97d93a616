#!/usr/bin/env bash
# Lets Fynd keep its attachments in a bucket of another S3 (moto): a small and a large file come back byte for byte,
# lie there sealed and under no name of their own, and go. FYND_BIN is the binary.
set -euo pipefail
exec </dev/null

fail() { echo "s3: FAILED: $*"; [ ! -e "${work:-}/log" ] || tail -n 20 "$work/log" >&2; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
: "${FYND_BIN:?the path of the fynd binary}"
FYND_BIN=$(realpath "$FYND_BIN")
command -v curl >/dev/null || "$here/install" curl curl || fail 'no curl'
python3 -c 'import ensurepip' 2>/dev/null || "$here/install" python3-venv 'Python venv' || fail 'no python3-venv'

work=$(mktemp -d) bucket='' server=''
leave() {
  for process in $server $bucket; do
    kill -KILL "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q 'moto[server]==5.2.5' >"$work/pip.log" 2>&1 ||
  { tail -n 20 "$work/pip.log" >&2; fail 'pip could not install moto'; }

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
own=$(port) s3=$(port)
export AWS_ACCESS_KEY_ID=prov AWS_SECRET_ACCESS_KEY=prov AWS_REGION=eu-north-1
export AWS_ENDPOINT="http://127.0.0.1:$s3" AWS_ALLOW_HTTP=true
"$work/venv/bin/moto_server" -H 127.0.0.1 -p "$s3" >"$work/moto.log" 2>&1 &
bucket=$!
for _ in $(seq 300); do curl -s -o /dev/null "$AWS_ENDPOINT/moto-api/" && break; sleep 0.1; done
"$work/venv/bin/python" -c "import boto3
boto3.client('s3', endpoint_url='$AWS_ENDPOINT').create_bucket(Bucket='fynd',
    CreateBucketConfiguration={'LocationConstraint': 'eu-north-1'})" || fail 'no bucket'

# What lies in the bucket: one line an object, its name and its size; with a file's name, whether it holds those bytes.
lies() {
  "$work/venv/bin/python" - "$@" <<PYTHON
import boto3, sys
s3 = boto3.client('s3', endpoint_url='$AWS_ENDPOINT')
for found in s3.list_objects_v2(Bucket='fynd').get('Contents', []):
    body = s3.get_object(Bucket='fynd', Key=found['Key'])['Body'].read()
    known = open(sys.argv[1], 'rb').read()[:1000] if len(sys.argv) > 1 else None
    print(found['Key'], len(body), 'open' if known and known in body else 'sealed')
PYTHON
}

cd "$work"
export FYND_ATTACHMENTS_URL=s3://fynd/bilagor FYND_LISTEN="127.0.0.1:$own" FYND_LOG_LEVEL=warn
"$FYND_BIN" tenant add norrvik Norrvik >/dev/null
token=$("$FYND_BIN" token --tenant norrvik --scope 'findings:read imports:write evidence:read evidence:write')
"$FYND_BIN" serve >log 2>&1 &
server=$!
for _ in $(seq 300); do curl -s -o /dev/null "http://127.0.0.1:$own/healthz" && break; sleep 0.1; done
ask() { local path=$1; shift; curl -sS --fail-with-body -H "Authorization: Bearer $token" "http://127.0.0.1:$own$path" "$@"; }
ask /v1/imports -H 'Prefer: wait=60' --data-binary "@$here/../../api/assets/demo/alvsund.nessus" >/dev/null || fail 'no import'
finding=$(ask '/v1/findings?limit=1' | python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])')

for bytes in 1000 20000000; do
  head -c "$bytes" /dev/urandom >file
  made=$(ask "/v1/findings/$finding/attachments?filename=dump.zip" -H 'Content-Type: application/zip' --data-binary @file) ||
    fail "$bytes bytes do not go in: $made"
  read -r id seq sha < <(python3 -c 'import json, sys; a = json.loads(sys.argv[1]); print(a["id"], a["seq"], a["sha256"])' "$made")
  [ "$sha" = "$(sha256sum file | cut -d' ' -f1)" ] || fail 'another digest'
  ask "/v1/attachments/$id/content" -o back || fail "$bytes bytes do not come back"
  cmp file back || fail "other bytes come back of $bytes"
  pieces=$(( (bytes + 65535) / 65536 ))
  tenant=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["tenant_id"])' "$made")
  [ "$(lies file)" = "bilagor/$tenant/$id $((bytes + 16 * pieces)) sealed" ] || fail "the bucket holds $(lies file)"
  ask "/v1/attachments/$id" -X DELETE -H "If-Match: \"$seq-0\"" >/dev/null || fail 'it cannot be deleted'
  [ -z "$(lies)" ] || fail "the bucket still holds $(lies)"
done
echo 's3: passed'
