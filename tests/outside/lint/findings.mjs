// Reads the three linters' answers and prints one line a finding: linter, rule, place, what is wrong.
import { readFileSync } from 'node:fs';

const answer = (file) => JSON.parse(readFileSync(file, 'utf8'));
const line = (linter, rule, place, message) => console.log(linter, rule, place, '-', message.replace(/\s+/g, ' '));
const pointer = (path) => path.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1')).join('/');

for (const { ruleId, message, location } of answer('redocly.out').problems) {
  line('redocly', ruleId, location[0]?.pointer ?? '', message);
}
for (const { code, message, path } of answer('spectral.out')) line('spectral', code, `#/${pointer(path)}`, message);
for (const { rule, message, location } of answer('graphql.out').errors) {
  line('graphql', rule, `line ${location.line}`, message);
}
