// A typed client of the GraphQL API: types and documents by the client preset of @graphql-codegen/cli, requests by
// fetch. Called with the server's address and a token. What must hold is asserted; what must not compile is marked.
import assert from "node:assert/strict";
import {
  CountsDocument,
  FindingsDocument,
  TransitionDocument,
  type FindingFilter,
  type FindingsQuery,
  type TypedDocumentString,
} from "./generated/graphql/graphql.js";

const [baseUrl = "", token = ""] = process.argv.slice(2);

type Answer<Data> = { data: Data | null; errors?: { message: string; extensions?: { code?: string } }[] };

/** Sends a document with its variables, both typed. */
async function send<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables) {
  const response = await fetch(`${baseUrl}/graphql`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  return (await response.json()) as Answer<Data>;
}

/** An answer without errors: only a field that was refused is null. */
type Whole<Data> = { [Field in keyof Data]-?: NonNullable<Data[Field]> };

/** The same, where an error is the end. */
async function ask<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Whole<Data>> {
  const { data, errors } = await send(document, variables);
  if (!data || errors) throw new Error(JSON.stringify(errors));
  return data as Whole<Data>;
}

type Finding = Whole<FindingsQuery>["findings"]["nodes"][number];
const filter: FindingFilter = { severity: ["MEDIUM", "LOW"] };
const listed: Finding[] = [];
for (let after: string | null = null; ; ) {
  const { findings }: Whole<FindingsQuery> = await ask(FindingsDocument, { filter, first: 5, after });
  listed.push(...findings.nodes);
  if (!findings.pageInfo.hasNextPage) break;
  after = findings.pageInfo.endCursor ?? null;
  assert(after, "a page that is not the last one has a cursor");
}
const { findingCounts } = await ask(CountsDocument, { filter });
assert(listed.length > 5, "the list has more than one page");
assert.equal(listed.length, findingCounts.total, "the pages hold what the counts say");
assert.equal(new Set(listed.map((finding) => finding.id)).size, listed.length, "no finding stands on two pages");
const rows = findingCounts.items.filter((row) => row.by === "SEVERITY");
assert.equal(rows.reduce((sum, row) => sum + row.count, 0), findingCounts.total, "each finding has one severity");

const finding = listed.find((one) => one.status === "NEW");
assert(finding, "a finding that is new");
const move = { id: finding.id, ifMatch: finding.seq };
const moved = await ask(TransitionDocument, { ...move, input: { to: "CONFIRMED" } });
assert.equal(moved.transitionFinding.status, "CONFIRMED");
assert(moved.transitionFinding.seq > finding.seq, "the finding has a new version");
const stale = await send(TransitionDocument, { ...move, input: { to: "IN_PROGRESS" } });
assert.equal(stale.data?.transitionFinding, null);
assert.equal(stale.errors?.[0]?.extensions?.code, "stale");

// The compiler refuses what the server would. Never called.
export function refused() {
  // @ts-expect-error no such status
  void send(TransitionDocument, { ...move, input: { to: "FIXED" } });
  // @ts-expect-error without the version that it was read with
  void send(TransitionDocument, { id: "", input: { to: "CONFIRMED" } });
  // @ts-expect-error a field that the document does not ask for
  void finding?.description;
}
