// Plants one fault for each rule into a copy of the documents, so that a linter which no longer looks is found out.
//   node plant.mjs openapi.json schema.graphql FOLDER
// writes them to FOLDER and says on standard output which rules must be broken there, one a line.
import { readFileSync, writeFileSync } from 'node:fs';

const [openapi, graphql, folder] = process.argv.slice(2);
const document = JSON.parse(readFileSync(openapi, 'utf8'));
const planted = [];
const plant = (rule, fault) => (planted.push(rule), fault());

const of = (path, verb) => document.paths[path][verb];
const list = of('/v1/findings', 'get');
const change = of('/v1/assets/{id}', 'patch');
const { schemas } = document.components;
plant('redocly no-unresolved-refs', () => (list.parameters[0].schema = { $ref: '#/components/schemas/Gone' }));
plant('redocly operation-description', () => delete of('/v1/assets', 'get').description);
plant('redocly operation-4xx-response', () => (of('/v1/me', 'get').responses = { 200: { description: 'Who am I' } }));
plant('redocly no-invalid-schema-examples', () => (schemas.Severity.example = 'worst'));
plant('redocly no-unused-components', () => (schemas.Nobody = { type: 'string', description: 'Wanted by nobody' }));
plant('spectral fynd-summary', () => delete of('/v1/assets', 'get').summary);
plant('spectral fynd-tag', () => (of('/v1/services', 'get').tags = undefined));
plant('spectral fynd-description', () => (schemas.Nobody.description = ''));
plant('spectral fynd-snake-case-parameter', () => (list.parameters[1].name = 'worstSeverity'));
plant('spectral fynd-snake-case-property', () => (schemas.Finding.properties.ruleKey = { type: 'string' }));
plant('spectral fynd-camel-case-operation', () => (of('/v1/tasks', 'get').operationId = 'list_tasks'));
plant('spectral fynd-security', () => (of('/v1/tasks', 'get').security = [{}]));
plant('spectral fynd-statuses', () => delete change.responses['412']);
plant('spectral fynd-problem', () => (change.responses['409'] = { description: 'Nothing', content: { 'text/plain': {} } }));
plant('spectral fynd-parameter-example', () => list.parameters.push({ name: 'x', in: 'query', schema: { type: 'string' } }));
plant('spectral fynd-body-example', () => (change.requestBody.content['application/json'] = { schema: { type: 'object' } }));
plant('spectral oas3-parameter-description', () => (list.parameters[2].description = ''));
writeFileSync(`${folder}/openapi.json`, JSON.stringify(document));

let schema = readFileSync(graphql, 'utf8');
const fault = (rule, sdl) => plant(`graphql ${rule}`, () => (schema += `\n${sdl}\n`));
fault('types-have-descriptions', 'type Bare { "A field" here: Int }');
fault('fields-have-descriptions', '"A type" type Barefoot { here: Int }');
fault('arguments-have-descriptions', '"A type" type Argued { "A field" here(of: Int): Int }');
fault('input-object-values-have-descriptions', '"An input" input BareInput { here: Int }');
fault('enum-values-have-descriptions', '"An enum" enum Bald { HERE }');
fault('defined-types-are-used', '"A type" type Alone { "A field" here: Int }');
fault('arguments-are-camel-cased', '"A type" type Snaked { "A field" here("An argument" of_it: Int): Int }');
fault('deprecations-name-what-to-use', '"A type" type Old { "A field" here: Int @deprecated(reason: "Old") }');
fault('relay-connection-types-spec', '"A type" type LostConnection { "A field" here: Int }');
fault('relay-connection-arguments-spec', '"A type" type Lister { "A field" all: TaskConnection! }');
writeFileSync(`${folder}/schema.graphql`, schema);

console.log(planted.join('\n'));
