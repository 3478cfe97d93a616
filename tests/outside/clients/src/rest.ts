// A typed client of the REST API, as an integrator writes it: types by openapi-typescript, requests by openapi-fetch.
// Called with the server's address and a token. What must hold is asserted; what must not compile is marked.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi.js";

type Finding = components["schemas"]["Finding"];
type Severity = components["schemas"]["Severity"];

const [baseUrl = "", token = ""] = process.argv.slice(2);
// Of an operation that answers in several formats, the types of JSON.
const client = createClient<paths, "application/json" | "application/problem+json">({
  baseUrl,
  headers: { Authorization: `Bearer ${token}` },
  // Fynd takes several values as one comma list, which the document says and openapi-fetch does not read.
  querySerializer: { array: { style: "form", explode: false } },
});

/** All findings of some severities, page by page. */
async function* findings(severity: Severity[], limit: number): AsyncGenerator<Finding> {
  const query: { severity: Severity[]; limit: number; cursor?: string } = { severity, limit };
  for (;;) {
    const { data, error } = await client.GET("/v1/findings", { params: { query } });
    if (!data) throw new Error(`${error.code}: ${error.detail}`);
    assert(data.items.length <= limit);
    yield* data.items;
    if (!data.has_more) return;
    assert(data.next_cursor, "a page that is not the last one has a cursor");
    query.cursor = data.next_cursor;
  }
}

const severe: Severity[] = ["high", "critical"];
const counted = await client.GET("/v1/findings/facets", { params: { query: { severity: severe, by: ["severity"] } } });
assert(counted.data, "no counts");
const listed: Finding[] = [];
for await (const finding of findings(severe, 5)) listed.push(finding);
assert(listed.length > 5, "the list has more than one page");
assert.equal(listed.length, counted.data.total, "the pages hold what the counts say");
assert.equal(new Set(listed.map((finding) => finding.id)).size, listed.length, "no finding stands on two pages");
assert(listed.every((finding) => severe.includes(finding.severity)));

const id = listed.find((finding) => finding.status === "new")?.id;
assert(id, "a finding that is new");
const read = await client.GET("/v1/findings/{id}", { params: { path: { id } } });
const etag = read.response.headers.get("ETag");
assert(read.data && etag, "a finding with an ETag");

const again = await client.GET("/v1/findings/{id}", { params: { path: { id } }, headers: { "If-None-Match": etag } });
assert.equal(again.response.status, 304, "nothing has changed");

const path = "/v1/findings/{id}/transition";
const moved = await client.POST(path, { params: { path: { id }, header: { "If-Match": etag } }, body: { to: "confirmed" } });
assert.equal(moved.data?.status, "confirmed");
assert(moved.data.seq > read.data.seq, "the finding has a new version");

const stale = await client.POST(path, { params: { path: { id }, header: { "If-Match": etag } }, body: { to: "in_progress" } });
assert.equal(stale.response.status, 412);
assert.equal(stale.error?.code, "stale");
const kept = await client.GET("/v1/findings/{id}", { params: { path: { id } } });
assert.equal(kept.data?.status, "confirmed", "a stale request changes nothing");

const feed = await client.GET("/v1/changes", { params: { query: { types: ["finding"], mode: "events", limit: 1000 } } });
const change = feed.data?.items.find((item) => item.resource_id === id && item.changed);
assert.deepEqual(change?.changed?.["status"], { before: "new", after: "confirmed" }, "the feed tells of the transition");

// The compiler refuses what the server would: a status that does not exist, a write without its condition, another path.
// Never called.
export function refused() {
  // @ts-expect-error no such status
  void client.POST(path, { params: { path: { id: "" }, header: { "If-Match": "" } }, body: { to: "fixed" } });
  // @ts-expect-error without If-Match
  void client.POST(path, { params: { path: { id: "" } }, body: { to: "confirmed" } });
  // @ts-expect-error no such filter
  void client.GET("/v1/findings", { params: { query: { colour: "red" } } });
  // @ts-expect-error no such path
  void client.GET("/v1/weaknesses");
}
