// Rules of the GraphQL schema that graphql-schema-linter does not have.
const { ValidationError } = require('graphql-schema-linter/lib/validation_error');

/** Arguments are named like fields. */
exports.ArgumentsAreCamelCased = function ArgumentsAreCamelCased(context) {
  return {
    InputValueDefinition(node) {
      if (/^[a-z][a-zA-Z0-9]*$/.test(node.name.value)) return;
      context.reportError(
        new ValidationError('arguments-are-camel-cased', `\`${node.name.value}\` is not camel cased.`, [node]),
      );
    },
  };
};

/** Whoever reads a deprecation wants to know what to use: the reason names it, in backticks. */
exports.DeprecationsNameWhatToUse = function DeprecationsNameWhatToUse(context) {
  return {
    Directive(node) {
      if (node.name.value !== 'deprecated') return;
      const reason = node.arguments.find((argument) => argument.name.value === 'reason');
      if (reason && /`[^`]+`/.test(reason.value.value)) return;
      context.reportError(
        new ValidationError('deprecations-name-what-to-use', 'A deprecation does not name what to use instead.', [node]),
      );
    },
  };
};
