// Runs the Power Query files against a Fynd with findings and one without, in pages and in windows of time.
// Called with the folder of the files, and URL, token, id and secret of a client of both.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { run } from "./mashup.mjs";

const [folder, url, token, id, secret, emptyUrl, emptyToken] = process.argv.slice(2);
const read = (name) => readFileSync(`${folder}/${name}.pq`, "utf8");
const [findings, counts] = [read("findings"), read("counts")];

const seconds = (moment) => new Date(Math.floor(moment / 1000) * 1000);
const [first, last] = [new Date("2020-01-01T00:00:00Z"), new Date("2100-01-01T00:00:00Z")];
const at = (FyndUrl, FyndToken, RangeStart = first, RangeEnd = last) => ({ FyndUrl, FyndToken, RangeStart, RangeEnd });
const ids = ({ table }) => table.rows.map((row) => row[table.columns.indexOf("id")]);

// Every page comes, once, whatever its size.
const whole = await run(findings, at(url, token));
const size = 'limit = "500"';
assert(findings.includes(size), "the size of a page stands in the file");
const paged = await run(findings.replace(size, 'limit = "7"'), at(url, token));
assert.deepEqual(paged.table, whole.table);
assert.equal(new Set(ids(whole)).size, whole.table.rows.length);
const pages = paged.sent.filter((path) => path.startsWith("/v1/findings?"));
assert.equal(pages.length, Math.ceil(whole.table.rows.length / 7));
assert(pages.slice(1).every((path) => path.includes("&cursor=")), "from the second page on by cursor");

// What never has a value in this store is no proof that there is such a column, so it is named here.
const never = ["epss", "assignee"];
for (const [column, name] of whole.table.columns.entries())
  assert(never.includes(name) || whole.table.rows.some((row) => row[column] !== null), `${name} is never set`);

// The credentials of the data source instead of a token, which is how a secret stays out of the file.
const basic = { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` };
assert.deepEqual((await run(findings, at(url, ""), basic)).table, whole.table);

// Windows are half-open and lose nothing: a finding is where it last changed.
while (seconds(Date.now()) <= new Date(Math.max(...whole.table.rows.map((row) => Date.parse(row.at(-3)))))) await soon(100);
const middle = seconds(Date.now());
const moved = ids(whole).at(-1);
await confirm(moved);
const before = await run(findings, at(url, token, first, middle));
const after = await run(findings, at(url, token, middle, last));
assert.deepEqual(ids(after), [moved]);
assert.deepEqual([...ids(before), moved].sort(), ids(whole).sort());

// Flat counts that agree with the rows.
const { table: counted } = await run(counts, at(url, token));
const status = whole.table.columns.indexOf("status");
const open = whole.table.rows.filter((row) => ["new", "confirmed", "in_progress", "fix_claimed"].includes(row[status]));
assert(open.length < whole.table.rows.length, "something is closed");
for (const by of ["tenant", "severity", "status", "source", "kind", "priority", "overdue", "kev"]) {
  const sum = counted.rows.filter((row) => row[0] === by).reduce((total, row) => total + row[2], 0);
  assert.equal(sum, open.length, `the counts by ${by}`);
}

// Without findings: no rows, the same columns and types.
for (const [file, with_] of [[findings, whole.table], [counts, counted]]) {
  const { table } = await run(file, at(emptyUrl, emptyToken));
  assert.deepEqual(table, { ...with_, rows: [] });
}
console.log(`${whole.table.rows.length} rows in ${pages.length} pages`);

function soon(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function confirm(finding) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const { headers: got } = await fetch(`${url}/v1/findings/${finding}`, { headers });
  const body = JSON.stringify({ to: "confirmed" });
  const path = `${url}/v1/findings/${finding}/transition`;
  const answer = await fetch(path, { method: "POST", headers: { ...headers, "If-Match": got.get("ETag") }, body });
  assert.equal(answer.status, 200);
}
