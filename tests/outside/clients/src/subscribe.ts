// A subscription by npm graphql-ws: it says who it is, follows the changes of findings from now on, hears of one that it
// makes, and goes on after that with a new connection. Called with the server's address and a token.
import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { ChangesDocument, type ChangesSubscription, type ChangesSubscriptionVariables } from "./generated/graphql/graphql.js";

const [baseUrl = "", token = ""] = process.argv.slice(2);

const connect = () =>
  createClient({
    url: `${baseUrl.replace("http", "ws")}/graphql/ws`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });

/** The pages after a cursor, one by one. */
const follow = (client: ReturnType<typeof connect>, after: string) =>
  client.iterate<ChangesSubscription, ChangesSubscriptionVariables>({ query: ChangesDocument.toString(), variables: { after } });

type Page = NonNullable<ChangesSubscription["changes"]>;

async function next(pages: ReturnType<typeof follow>): Promise<Page> {
  const { value } = await pages.next();
  assert(!value?.errors, JSON.stringify(value?.errors));
  assert(value?.data?.changes, "a page");
  return value.data.changes;
}

/** Gives a finding somebody to work on it. */
async function assign(id: string, assignee: string): Promise<void> {
  const path = `${baseUrl}/v1/findings/${id}`;
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const etag = (await fetch(path, { headers })).headers.get("etag");
  assert(etag, "a version");
  const body = JSON.stringify({ assignee });
  const answer = await fetch(path, { method: "PATCH", headers: { ...headers, "If-Match": etag }, body });
  assert.equal(answer.status, 200);
}

const list = await fetch(`${baseUrl}/v1/findings?limit=1`, { headers: { Authorization: `Bearer ${token}` } });
const { items } = (await list.json()) as { items: { id: string }[] };
const id = items[0]?.id;
assert(id, "a finding");

const client = connect();
const pages = follow(client, "latest");
const first = await next(pages);
assert.deepEqual(first.items, [], "nothing has happened since now");
await assign(id, "Åsa");
const page = await next(pages);
const [change] = page.items;
assert.equal(change?.resourceId, id);
assert(change.resource?.__typename === "Finding");
assert.equal(change.resource.assignee, "Åsa");
await client.dispose();

await assign(id, "Bo");
const again = connect();
const [missed] = (await next(follow(again, page.nextCursor))).items;
assert(missed?.resource?.__typename === "Finding");
assert.equal(missed.resource.assignee, "Bo", "what happened meanwhile is not lost");
await again.dispose();

const stranger = createClient({ url: `${baseUrl.replace("http", "ws")}/graphql/ws`, webSocketImpl: WebSocket, retryAttempts: 0 });
await assert.rejects(async () => {
  for await (const _ of follow(stranger, "latest")) break;
}, "nobody follows without a token");
await stranger.dispose();
console.log("a subscription was followed over two connections");
