// Prints the results of the measuring programs as a table in Markdown.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const results = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const note = (more = {}) => Object.entries(more)
  .filter(([, v]) => typeof v === 'number' || Array.isArray(v))
  .map(([k, v]) => `${k} ${Array.isArray(v) ? v.map((x) => (typeof x === 'object' ? x.size ?? '' : Math.round(x))).join('/') : Math.round(v * 100) / 100}`)
  .join(', ');
let commit = 'no commit';
try {
  commit = execFileSync('git', ['describe', '--always', '--dirty'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
} catch { /* not a repository */ }

console.log(`\n${commit}, ${cpus().length} x ${cpus()[0].model}, ${new Date().toISOString().slice(0, 10)}\n`);
console.log('| what | measured | at most | |\n|---|---|---|---|');
for (const r of results) {
  const sign = r.most && r.value > r.most ? '**' : '';
  console.log(`| ${r.what} | ${sign}${Math.round(r.value * 100) / 100} ${r.unit}${sign} | ${r.most ?? ''} | ${note(r.more)} |`);
}
