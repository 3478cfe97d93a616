// What spectral's own functions cannot say. Each returns the places where a rule is broken. The document comes with its
// references resolved.

const VERBS = ['get', 'put', 'post', 'delete', 'patch'];

/** Every operation with where it stands. */
function* operations(paths) {
  for (const [path, item] of Object.entries(paths)) {
    for (const verb of VERBS) if (item[verb]) yield { path, verb, at: ['paths', path, verb], operation: item[verb] };
  }
}

// Tokens are made here and explained there: whoever asks has none yet.
const isPublic = (path) => path.startsWith('/oauth/') || path.startsWith('/.well-known/');
// What any token may ask, whatever its scopes.
const ANY_TOKEN = ['getMe', 'listLabels', 'listTenants', 'getTenant', 'getTenantSettings'];

/** A token with scopes, no token at all on the public ones, and nothing in between. */
export function security(paths) {
  const broken = [];
  for (const { path, at, operation } of operations(paths)) {
    const ways = operation.security ?? [];
    const open = ways.some((way) => Object.keys(way).length === 0);
    const scopes = ways.flatMap((way) => Object.values(way));
    const say = (message) => broken.push({ message, path: [...at, 'security'] });
    if (isPublic(path) !== open) say(open ? 'is open to anybody' : 'asks for a token where one is made');
    if (open) continue;
    if (ways.length === 0) say('names no security');
    if (!ANY_TOKEN.includes(operation.operationId) && scopes.some((names) => names.length === 0)) say('names no scope');
  }
  return broken;
}

/** The statuses that follow from what an operation takes. */
function* due(path, operation) {
  const has = (where, name) => (operation.parameters ?? []).some((p) => p.in === where && (!name || p.name === name));
  if (!isPublic(path)) yield* ['401', '429', '503'];
  if (has('query') || has('path')) yield '400';
  // A municipality that the caller has no rights in is missing like anything else.
  if (has('path') || has('query', 'tenant')) yield '404';
  if (operation.requestBody) yield '413';
  if (operation.requestBody?.content['application/json']) yield* ['415', '422'];
  if (has('header', 'If-Match')) yield* ['412', '428'];
  if (operation.security?.some((way) => Object.values(way).some((scopes) => scopes.length > 0))) yield '403';
}

/** `default` would make every status a documented one, so it is no answer to what an operation can say. */
export function statuses(paths) {
  const broken = [];
  for (const { path, at, operation } of operations(paths)) {
    const named = Object.keys(operation.responses);
    const missing = [...due(path, operation)].filter((status) => !named.includes(status));
    if (named.includes('default')) broken.push({ message: 'hides its statuses behind `default`', path: [...at, 'responses'] });
    if (missing.length) broken.push({ message: `does not name ${missing.join(', ')}`, path: [...at, 'responses'] });
  }
  return broken;
}

// RFC 6749 and 7009 give these their own form of an error.
const OAUTH_ERRORS = ['400', '401'];

/** Errors are `application/problem+json` alone, with a body that says at least code and status. */
export function problems(paths) {
  const broken = [];
  for (const { path, at, operation } of operations(paths)) {
    for (const [status, response] of Object.entries(operation.responses)) {
      if (!/^([45]..|default)$/.test(status)) continue;
      if (path.startsWith('/oauth/') && OAUTH_ERRORS.includes(status)) continue;
      const types = Object.keys(response.content ?? {});
      const fields = response.content?.['application/problem+json']?.schema?.properties ?? {};
      const say = (message) => broken.push({ message, path: [...at, 'responses', status] });
      if (types.join() !== 'application/problem+json') say(`answers ${types.join(', ') || 'nothing'}`);
      else for (const field of ['type', 'title', 'status', 'code', 'detail']) if (!fields[field]) say(`lacks ${field}`);
    }
  }
  return broken;
}

const shown = (at) => at.example !== undefined || Object.keys(at.examples ?? {}).length > 0;
/** A schema that shows by itself what it takes: by example, or because there are only a few values. */
const plain = (schema) =>
  shown(schema) || schema.enum || schema.const !== undefined || schema.default !== undefined || schema.type === 'boolean';

/** Whoever tries a parameter out needs one value that works. */
export function examples(parameter) {
  const schema = parameter.schema ?? {};
  if (shown(parameter) || plain(schema) || (schema.items && plain(schema.items))) return [];
  return [{ message: `${parameter.name} has no example` }];
}

/** The same for what is sent; an upload has none, being a file. */
export function bodyExample(body) {
  const json = body?.content?.['application/json'] ?? body?.content?.['application/x-www-form-urlencoded'];
  if (!json || shown(json) || shown(json.schema)) return [];
  return [{ message: 'has no example' }];
}
