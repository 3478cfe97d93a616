// A real OpenID provider (npm oidc-provider) as an outside issuer of a running Fynd. What must hold: its tokens get
// in with what the settings offer their group, its signing key rotates in the middle of traffic without one request
// refused, and requests go on while it is away.
//
//   node oidc.mjs listen PORT GATE      the provider; it says `ready`, and takes `rotate` and `stop` from stdin
//   node oidc.mjs drive FYND PROVIDER   the traffic
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import http from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const CLIENT = { client_id: 'kommunens-portal', client_secret: randomUUID() + randomUUID() };

function key() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'ES256' };
}

async function listen(port) {
  const { Provider } = await import('oidc-provider');
  const issuer = `http://127.0.0.1:${port}`;
  const secret = process.env.OIDC_SECRET;
  const provider = (keys) =>
    new Provider(issuer, {
      jwks: { keys },
      clients: [{ ...CLIENT, client_secret: secret, id_token_signed_response_alg: 'ES256', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
      cookies: { keys: [randomUUID()] },
      extraTokenClaims: () => ({ groups: ['fynd-readers', 'something-else'] }),
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => 'urn:fynd',
          getResourceServerInfo: () => ({
            scope: 'findings:read findings:write',
            audience: 'fynd',
            accessTokenFormat: 'jwt',
            accessTokenTTL: 600,
            jwt: { sign: { alg: 'ES256' } },
          }),
        },
      },
    });
  let keys = [key()];
  let handler = provider(keys).callback();
  const server = http.createServer((request, response) => handler(request, response));
  server.listen(Number(port), '127.0.0.1');
  await once(server, 'listening');
  console.log('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'rotate') {
      // The first key signs; the one before still verifies.
      keys = [key(), keys[0]];
      handler = provider(keys).callback();
      console.log('rotated');
    }
    if (line === 'stop') break;
  }
  server.closeAllConnections();
  server.close();
}

async function drive(fynd, port) {
  const issuer = `http://127.0.0.1:${port}`;
  const secret = randomUUID() + randomUUID();
  const child = spawn(process.execPath, [process.argv[1], 'listen', port], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, OIDC_SECRET: secret, NODE_NO_WARNINGS: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = async (what) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('the provider ended by itself');
      if (value === what) return;
    }
  };
  await said('ready');
  const token = async () => {
    const answer = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${CLIENT.client_id}:${secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'findings:read findings:write' }),
    });
    const body = await answer.json();
    if (!body.access_token) throw new Error(`no token: ${JSON.stringify(body)}`);
    return body.access_token;
  };
  const ask = async (path, bearer) => {
    const answer = await fetch(`${fynd}${path}`, { headers: { authorization: `Bearer ${bearer}` } });
    return { status: answer.status, body: await answer.text() };
  };
  const expect = (is, what) => {
    if (!is) throw new Error(what);
  };

  const first = await token();
  const header = JSON.parse(Buffer.from(first.split('.')[0], 'base64url'));
  expect(header.typ === 'at+jwt' && header.alg === 'ES256', `a JWT access token, not ${JSON.stringify(header)}`);
  let me = await ask('/v1/me', first);
  expect(me.status === 200, `the first token is refused: ${me.status} ${me.body}`);
  // The offer is made when the server starts; every replica sees it within two seconds.
  for (let at = 0; at < 50 && JSON.parse(me.body).tenants.length === 0; at += 1) {
    await new Promise((done) => setTimeout(done, 100));
    me = await ask('/v1/me', first);
  }
  const tenants = JSON.parse(me.body).tenants;
  const shown = JSON.stringify(tenants.map(({ slug, scopes }) => [slug, scopes]));
  expect(shown === '[["norrvik",["findings:read"]]]', `the group's rights, not ${shown}`);
  expect(tenants[0].because[0].origin === 'issuer', 'the grant that says why');

  let over = false;
  let requests = 0;
  const worker = async () => {
    while (!over) {
      const bearer = await token();
      for (let at = 0; at < 10; at += 1) {
        const { status, body } = await ask('/v1/findings?limit=1', bearer);
        expect(status === 200, `refused in the middle of a rotation: ${status} ${body}`);
        requests += 1;
      }
    }
  };
  const traffic = Promise.all([worker(), worker(), worker(), worker()]);
  for (let at = 0; at < 3; at += 1) {
    await new Promise((done) => setTimeout(done, 1500));
    child.stdin.write('rotate\n');
    await Promise.race([said('rotated'), traffic]);
  }
  await new Promise((done) => setTimeout(done, 1500));
  over = true;
  await traffic;
  expect(requests > 100, `only ${requests} requests`);

  const last = await token();
  await ask('/v1/me', last);
  child.stdin.end('stop\n');
  await once(child, 'exit');
  const away = await ask('/v1/findings?limit=1', last);
  expect(away.status === 200, `refused while the provider is away: ${away.status}`);
  console.log(`oidc: ok, ${requests} requests over 3 rotations of the provider's key and none refused; on while it is away`);
}

const [what, ...rest] = process.argv.slice(2);
if (what === 'listen') await listen(...rest);
else
  await drive(...rest).catch((error) => {
    console.log(`oidc: FAILED: ${error.message}`);
    process.exit(1);
  });
