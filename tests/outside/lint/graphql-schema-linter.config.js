// The rules for schema.graphql. Left out are those that want fields, values and input fields in the order of the
// alphabet (`*-sorted-alphabetically`): they stand in the order in which a reader needs them, and severities by weight.
module.exports = {
  rules: [
    'arguments-are-camel-cased',
    'arguments-have-descriptions',
    'defined-types-are-used',
    'deprecations-have-a-reason',
    'deprecations-name-what-to-use',
    'descriptions-are-capitalized',
    'enum-values-all-caps',
    'enum-values-have-descriptions',
    'fields-are-camel-cased',
    'fields-have-descriptions',
    'input-object-values-are-camel-cased',
    'input-object-values-have-descriptions',
    'relay-connection-arguments-spec',
    'relay-connection-types-spec',
    'relay-page-info-spec',
    'types-are-capitalized',
    'types-have-descriptions',
  ],
  customRulePaths: [`${__dirname}/graphql.js`],
};
