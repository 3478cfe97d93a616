// Evaluates a Power Query M file as Power BI would, as far as the files in deploy/consumers/powerbi go: parsed by
// Microsoft's own parser, its requests really sent. What the files do not use is refused, since it would not be tried.
import pq from "@microsoft/powerquery-parser";

/** A value that is worked out when it is asked for, once, as M does. */
const lazy = (work) => {
  let value;
  return () => (value ??= work());
};
const listOf = (node) => node.content.elements.map((element) => element.node);
const named = (node) => node.key.literal;

/** What a node means where the names in `scope` (name → lazy value) are known. */
async function evaluate(node, scope) {
  switch (node.kind) {
    case "LetExpression": {
      const inner = new Map(scope);
      for (const { node: pair } of node.variableList.elements)
        inner.set(named(pair), lazy(() => evaluate(pair.value, inner)));
      return evaluate(node.expression, inner);
    }
    case "IdentifierExpression": {
      const name = node.identifier.literal;
      if (!scope.has(name)) throw new Error(`nobody knows ${name}`);
      return scope.get(name)();
    }
    case "LiteralExpression":
      if (node.literalKind === "Text") return node.literal.slice(1, -1).replaceAll('""', '"');
      return JSON.parse(node.literal);
    case "ListExpression":
      return Promise.all(listOf(node).map((each) => evaluate(each, scope)));
    case "RecordExpression": {
      const record = {};
      for (const pair of listOf(node)) record[named(pair)] = await evaluate(pair.value, scope);
      return record;
    }
    case "EachExpression":
      return (argument) => evaluate(node.paired, new Map(scope).set("_", () => argument));
    case "FunctionExpression": {
      const names = listOf(node.parameters).map((parameter) => parameter.name.literal);
      return (...given) => evaluate(node.expression, new Map([...scope, ...names.map((name, i) => [name, () => given[i]])]));
    }
    case "IfExpression":
      return evaluate((await evaluate(node.condition, scope)) ? node.trueExpression : node.falseExpression, scope);
    case "ParenthesizedExpression":
      return evaluate(node.content, scope);
    case "EqualityExpression": {
      const equal = (await evaluate(node.left, scope)) === (await evaluate(node.right, scope));
      return node.operatorConstant.constantKind === "=" ? equal : !equal;
    }
    case "ArithmeticExpression": {
      const [left, right] = [await evaluate(node.left, scope), await evaluate(node.right, scope)];
      if (node.operatorConstant.constantKind !== "&") break;
      if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
      if (typeof left === "string" && typeof right === "string") return left + right;
      if (isRecord(left) && isRecord(right)) return { ...left, ...right };
      throw new Error(`& of ${JSON.stringify(left)} and ${JSON.stringify(right)}`);
    }
    case "IsExpression":
      if (node.right.primitiveTypeKind !== "list") break;
      return Array.isArray(await evaluate(node.left, scope));
    case "TypePrimaryType":
      return node.paired.primitiveTypeKind;
    case "FieldSelector":
      return field(await scope.get("_")(), named2(node));
    case "RecursivePrimaryExpression": {
      let value = await evaluate(node.head, scope);
      for (const step of node.recursiveExpressions.elements) value = await follow(value, step, scope);
      return value;
    }
  }
  throw new Error(`the evaluator of this test does not know ${node.kind}`);
}

const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const named2 = (selector) => selector.content.literal;
function field(record, name) {
  if (!isRecord(record) || !(name in record)) throw new Error(`no field ${name} in ${JSON.stringify(record)}`);
  return record[name];
}

/** One step after a value: a call, a field, an item. */
async function follow(value, step, scope) {
  switch (step.kind) {
    case "InvokeExpression":
      return value(...(await Promise.all(listOf(step).map((argument) => evaluate(argument, scope)))));
    case "FieldSelector":
      return field(value, named2(step));
    case "ItemAccessExpression":
      return value[await evaluate(step.content, scope)];
  }
  throw new Error(`the evaluator of this test does not know ${step.kind}`);
}

const map = (list, each) => Promise.all(list.map((item) => each(item)));
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
/** Whether a value of JSON converts to a type without knowing where in the world it is read. */
const FITS = {
  text: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  logical: (value) => typeof value === "boolean",
  datetimezone: (value) => typeof value === "string" && TIME.test(value),
  Int64: (value) => Number.isSafeInteger(value),
};

/** The functions of the M library that the files use. Requests go to `sent`. */
const library = (sent) => ({
  "Int64.Type": "Int64",
  "#table": (columns, rows) => {
    for (const row of rows) if (row.length !== columns.length) throw new Error(`${row} has not ${columns.length} cells`);
    return { columns, rows, types: {} };
  },
  "DateTime.ToText": (moment, options) => {
    if (options.Format !== "yyyy-MM-ddTHH:mm:ss" || options.Culture !== "en-US") throw new Error("another format");
    return moment.toISOString().slice(0, 19);
  },
  "Json.Document": (text) => JSON.parse(text),
  "List.Combine": (lists) => lists.flat(1),
  "List.Generate": async (initial, condition, next, selector) => {
    const found = [];
    for (let state = await initial(); await condition(state); state = await next(state)) found.push(await selector(state));
    return found;
  },
  "List.Transform": map,
  "Record.Field": field,
  "Record.FieldOrDefault": (record, name) => record[name] ?? null,
  "Record.FromList": (list, names) => Object.fromEntries(names.map((name, i) => [name, list[i]])),
  "Table.TransformColumnTypes": (table, types, culture) => {
    if (culture !== "en-US") throw new Error("numbers and times of a country");
    for (const [column, type] of types) {
      const at = table.columns.indexOf(column);
      if (at < 0 || !FITS[type]) throw new Error(`no column ${column}, or no type ${type}`);
      for (const row of table.rows)
        if (row[at] !== null && !FITS[type](row[at])) throw new Error(`${column}: ${JSON.stringify(row[at])} is no ${type}`);
      table.types[column] = type;
    }
    return table;
  },
  "Text.Combine": (list, separator) => list.join(separator),
  "Web.Contents": async (base, { RelativePath, Query, Headers, ...more }) => {
    if (Object.keys(more).length) throw new Error(`options that nobody tries: ${Object.keys(more)}`);
    const path = `/${RelativePath}?${new URLSearchParams(Query)}`;
    sent.push(path);
    const answer = await fetch(base + path, { headers: { ...sent.credentials, ...Headers } });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
    return text;
  },
});

/** The table that a query gives with these parameters, and the requests that it sent. */
export async function run(text, parameters, credentials = {}) {
  const parsed = await pq.TaskUtils.tryLexParse(pq.DefaultSettings, text);
  if (!pq.TaskUtils.isParseStageOk(parsed)) throw parsed.error;
  const sent = Object.assign([], { credentials });
  const known = Object.entries({ ...library(sent), ...parameters }).map(([name, value]) => [name, () => value]);
  return { table: await evaluate(parsed.ast, new Map(known)), sent: [...sent] };
}
