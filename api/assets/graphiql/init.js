// A file of its own, because the policy of the page allows no inline script.
'use strict';

(() => {
  const { GraphiQL, createElement, createGraphiQLFetcher, createRoot } = GraphiqlBundle;

  const defaultQuery = `# Put a token in the Headers tab below, then run this.
{
  me {
    subject
  }
  findings(first: 10) {
    edges {
      node {
        id
        title
        severity
        status
      }
    }
  }
}
`;
  const defaultHeaders = JSON.stringify({ Authorization: 'Bearer <token>' }, null, 2);

  const root = createRoot(document.getElementById('graphiql'));
  const send = createGraphiQLFetcher({ url: 'graphql' });
  let lastAuthorization;

  // GraphiQL's history keeps the headers of each query, whatever shouldPersistHeaders says. So all it
  // remembers stays in memory: a token lives as long as the page does and is never written to a disk.
  const memory = new Map();
  const storage = {
    get length() {
      return memory.size;
    },
    clear: () => memory.clear(),
    getItem: (key) => memory.get(key) ?? null,
    removeItem: (key) => memory.delete(key),
    setItem: (key, value) => memory.set(key, value),
  };

  /** The caller's Authorization header, or nothing while it is missing or the placeholder. */
  function authorizationOf(headers = {}) {
    const header = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization');
    return header && !header[1].includes('<token>') ? header[1] : undefined;
  }

  /** Asks nothing of the server without a token: it would only refuse. */
  async function ask(request, options) {
    const authorization = authorizationOf(options?.headers);
    if (!authorization) {
      return { errors: [{ message: 'No token yet: replace <token> in the Headers tab and run the query.' }] };
    }
    if (authorization !== lastAuthorization) {
      lastAuthorization = authorization;
      draw();
    }
    return send(request, options);
  }

  /** GraphiQL loads the schema anew whenever its fetcher is another one. */
  function draw() {
    root.render(
      createElement(GraphiQL, {
        defaultEditorToolsVisibility: 'headers',
        defaultHeaders,
        defaultQuery,
        fetcher: (request, options) => ask(request, options),
        isHeadersEditorEnabled: true,
        shouldPersistHeaders: false,
        showPersistHeadersSettings: false,
        storage,
      }),
    );
  }

  draw();
})();
