// A file of its own, because the policy of the page allows no inline script.
'use strict';

SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: 'openapi.json',
  deepLinking: true,
  displayRequestDuration: true,
  // A token lives as long as the page does: it is never written to the browser's storage.
  persistAuthorization: false,
  tryItOutEnabled: true,
  // The badge would send the document's address to a validator elsewhere.
  validatorUrl: null,
});
