#!/usr/bin/env bash
# The wall without its inner half: Fynd built so that it forgets the tenants' condition. PostgreSQL alone must
# still show nothing of another municipality; on SQLite, which has no row-level security, the same walk must fail,
# or else nothing was forgotten.
set -euo pipefail
exec </dev/null

cd "$(dirname "$0")/../.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

walk() {
  cargo test --workspace --locked --quiet --features service/without-typed-filter --test suite -- "$@" >"$log" 2>&1
}

postgres=(wall::rest::postgres::no_operation_tells_foreign_from_missing
  wall::rest::postgres::no_list_shows_a_foreign_row wall::left::postgres::foreign_ids_in_filters_and_bodies_are_missing
  wall::left::postgres::a_connection_keeps_nothing_of_who_had_it_before
  wall::graphql::postgres::no_field_tells_foreign_from_missing wall::graphql::postgres::no_field_shows_a_foreign_row)
walk --exact "${postgres[@]}" || { tail -n 40 "$log"; echo 'without the typed filter: FAILED, PostgreSQL let something through'; exit 1; }
passed=$(grep -Eo '[0-9]+ passed' "$log" | tail -n 1)
[ "$passed" = '6 passed' ] || { cat "$log"; echo "without the typed filter: FAILED, $passed of 6 walks ran"; exit 1; }
if walk --exact wall::rest::sqlite::no_list_shows_a_foreign_row; then
  echo 'without the typed filter: FAILED, SQLite kept the wall, so the filter was not forgotten'
  exit 1
fi
echo 'without the typed filter: ok, row-level security alone held in 6 walks, pooled and cancelled requests included'
