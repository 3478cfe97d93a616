// All of spectral's OpenAPI rules, and what this house wants of its own document beside them.
import { oas } from '@stoplight/spectral-rulesets';
import { pattern, truthy } from '@stoplight/spectral-functions';
import { bodyExample, examples, problems, security, statuses } from './rules.mjs';

const operations = '$.paths[*][get,put,post,delete,patch]';
const rule = (given, then, description) => ({ given, then, description, severity: 'error' });

export default {
  extends: [[oas, 'all']],
  rules: {
    // The tags stand in the order in which a reader meets them, which the reference page keeps.
    'openapi-tags-alphabetical': 'off',
    // OpenAPI 3.1 allows either `identifier` or `url` in a licence; ours is an SPDX expression.
    'license-url': 'off',
    // OpenAPI 3.1 lets a `bearer` requirement name what the token must hold, which this rule does not know yet; the same
    // scopes are declared by `oauth2` beside it.
    'oas3-operation-security-defined': 'off',

    'fynd-summary': rule(operations, { field: 'summary', function: truthy }, 'An operation has a summary.'),
    'fynd-tag': rule(operations, { field: 'tags', function: truthy }, 'An operation has a tag.'),
    'fynd-description': rule(
      '$.components.schemas[*]',
      { field: 'description', function: truthy },
      'A named type has a description.',
    ),
    'fynd-snake-case-parameter': rule(
      "$.paths[*][*].parameters[?(@ && (@.in == 'query' || @.in == 'path'))]",
      { field: 'name', function: pattern, functionOptions: { match: '^[a-z][a-z0-9]*(_[a-z0-9]+)*$' } },
      'Parameters are snake_case.',
    ),
    'fynd-snake-case-property': rule(
      '$.components.schemas..properties[*]~',
      { function: pattern, functionOptions: { match: '^[a-z][a-z0-9]*(_[a-z0-9]+)*$' } },
      'Fields are snake_case.',
    ),
    'fynd-camel-case-operation': rule(
      operations,
      { field: 'operationId', function: pattern, functionOptions: { match: '^[a-z]+([A-Z][a-z0-9]*)+$' } },
      'An operationId is camelCase and begins with its verb, since generated clients make it a method.',
    ),
    'fynd-security': rule('$.paths', { function: security }, 'An operation names the scopes it takes, unless it is public.'),
    'fynd-statuses': rule('$.paths', { function: statuses }, 'An operation names every status that it can answer.'),
    'fynd-problem': rule('$.paths', { function: problems }, 'An error is a problem of RFC 9457.'),
    'fynd-parameter-example': rule('$.paths[*][*].parameters[*]', { function: examples }, 'A parameter has an example.'),
    'fynd-body-example': rule(operations, { field: 'requestBody', function: bodyExample }, 'A JSON body has an example.'),
  },
};
