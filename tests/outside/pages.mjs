// What a person sees on /docs and /graphiql, checked in the rendered page:
// everything is really there, nothing was asked of another host, the console is clean.
// Reads CHROMIUM, PROFILE (an empty folder) and SCREENSHOTS; the argument is the server's address.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const origin = new URL(process.argv[2]).origin;
const { CHROMIUM, PROFILE, SCREENSHOTS } = process.env;
const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

const browser = await chromium.launchPersistentContext(PROFILE, {
  executablePath: CHROMIUM,
  headless: true,
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    // Should the page try, it finds nobody; that it tried is seen below.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
  viewport: { width: 1400, height: 1000 },
});

/** Opens a page, lets `look` check it, and then holds its requests and its console to account. */
async function visit(path, look) {
  const page = await browser.newPage();
  const elsewhere = [];
  const complaints = [];
  const seen = (url) => {
    if (!/^(data|blob):/.test(url) && new URL(url).host !== new URL(origin).host) elsewhere.push(url);
  };
  page.on('request', (request) => seen(request.url()));
  page.on('websocket', (socket) => seen(socket.url()));
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));

  const response = await page.goto(origin + path, { waitUntil: 'load' });
  assert.equal(response.status(), 200, `${path} answers ${response.status()}`);
  let outcome;
  try {
    outcome = await look(page);
    await page.waitForLoadState('networkidle');
  } catch (error) {
    throw new Error(`${path}: ${error.message}${complaints.map((text) => `\n  console: ${text}`).join('')}`);
  } finally {
    await page.screenshot({ path: join(SCREENSHOTS, `${path.slice(1)}.png`) });
  }
  assert.deepEqual(elsewhere, [], `${path} asked another host`);
  assert.deepEqual(complaints, [], `${path} has errors in its console`);
  await page.close();
  return outcome;
}

/** Every operation of the document is listed, and one opens with its form. */
async function docs(page) {
  assert.equal(await page.title(), 'Fynd API');
  const { paths } = await (await fetch(`${origin}/openapi.json`)).json();
  const expected = Object.values(paths)
    .flatMap((item) => methods.map((method) => item[method]).filter(Boolean))
    // An operation stands once under each of its tags.
    .reduce((sum, operation) => sum + Math.max(1, operation.tags?.length ?? 0), 0);
  const operations = page.locator('.opblock');
  await operations.first().waitFor();
  assert.ok(expected > 0, 'the document has no operation');
  assert.equal(await operations.count(), expected, 'operations rendered');
  await operations.first().locator('.opblock-summary-control').click();
  await operations.first().locator('.execute').waitFor();
  return expected;
}

/** Both editors are there with their defaults, running without a token says so, and nothing is stored. */
async function graphiql(page) {
  assert.equal(await page.title(), 'Fynd GraphiQL');
  await page.locator('.graphiql-query-editor .CodeMirror', { hasText: 'findings' }).waitFor();
  await page.locator('.graphiql-editor-tool .CodeMirror', { hasText: 'Authorization' }).waitFor();
  await page.locator('.graphiql-execute-button').click();
  await page.locator('.graphiql-response .CodeMirror', { hasText: 'No token yet' }).waitFor();
  // The headers hold a token, and the history holds the headers.
  assert.equal(await page.evaluate(() => localStorage.length), 0, 'GraphiQL wrote to the browser\'s storage');
}

try {
  const operations = await visit('/docs', docs);
  await visit('/graphiql', graphiql);
  const version = browser.browser()?.version() ?? '';
  console.log(`pages: /docs (${operations} operations) and /graphiql are right in Chromium ${version}`.trimEnd());
} catch (error) {
  console.log(`pages: FAILED: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
