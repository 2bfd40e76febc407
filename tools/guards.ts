// SPDX-License-Identifier: Apache-2.0
/**
 * Proves that each guard is tested: removes it in a copy of the tree, runs the test file its marker names, and wants a
 * red test. `npm run guards` tries all; exit 0 only when every removal was seen.
 *
 *   --only X      guards whose id or file contains X (may repeat)
 *   --list        print the guards and stop
 *   --table       afterwards write the table into docs/threat-model.md
 *   --jobs N      copies at work at once          --timeout S   seconds a run may take
 *   --within S    start none after S seconds, and say how many were left; in an order that
 *   --order X     decides: another X, another order, so that every guard has its turn
 *   --top DIR     another tree than this one
 */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Guard, withoutStatement } from './guards/markers.ts';
import { putTable, renderTable } from './guards/table.ts';
import { copyTree, findGuards } from './guards/tree.ts';
import { runTrial, type Trial } from './guards/trial.ts';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    list: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(availableParallelism()) },
    timeout: { type: 'string', default: '120' },
    within: { type: 'string', default: 'Infinity' },
    order: { type: 'string' },
    top: { type: 'string', default: resolve(import.meta.dirname, '..') },
  },
});
const top = resolve(flags.top);
const timeoutMs = Number(flags.timeout) * 1000;

const { guards: all, bad: allBad } = findGuards(top);
const bad = allBad.filter((marker) => flags.only.length === 0 || flags.only.some((x) => marker.file.includes(x)));
for (const marker of bad) console.log(`BAD     ${marker.file}:${marker.line}  ${marker.reason}`);
const chosen = all.filter(isChosen);
if (flags.list) {
  for (const guard of chosen) console.log(`${name(guard)}  ${guard.test}`);
  process.exit(bad.length > 0 ? 1 : 0);
}
// An exit ends what is at work and removes the copies.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const started = performance.now();
const untested = new Set(bad.map((marker) => `${marker.file}:${marker.line}`));
const endMs = started + Number(flags.within) * 1000;
if (Number.isNaN(endMs)) throw new Error(`--within ${flags.within} is no number of seconds`);
const counts = { seen: 0, failed: bad.length, left: 0 };
await tryAll(chosen.filter((guard) => !untested.has(`${guard.file}:${guard.line}`)));
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`${chosen.length - counts.left} of ${chosen.length} guards in ${seconds} s`);
if (counts.left > 0) console.log(`${counts.left} not tried: --within ${flags.within} was over`);
console.log(`guards: ${counts.seen} passed, ${counts.failed} failed`);
if (flags.table) writeTable();
process.exitCode = counts.failed > 0 || counts.seen === 0 ? 1 : 0;

function isChosen(guard: Guard): boolean {
  return flags.only.length === 0 || flags.only.some((x) => guard.ids.includes(x) || guard.file.includes(x));
}

/** Each copy takes whole test files, so that a file is proven green just before its guards are removed. */
async function tryAll(guards: readonly Guard[]): Promise<void> {
  const queue = inOrder([...Map.groupBy(guards, (guard) => guard.test)]);
  const copies = Math.max(1, Math.min(Number(flags.jobs), queue.length));
  const work = async (): Promise<void> => {
    const tree = copyTree(top);
    process.once('exit', () => rmSync(tree, { recursive: true, force: true }));
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await tryFile(tree, ...next);
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: copies }, work));
}

/** The long ones first, so that the copies end together; or as `--order` shuffles them. */
function inOrder(files: [string, Guard[]][]): [string, Guard[]][] {
  const { order } = flags;
  if (order === undefined) return files.sort((a, b) => b[1].length - a[1].length);
  const place = (test: string): string => createHash('sha256').update(`${order} ${test}`).digest('hex');
  return files.sort(([a], [b]) => (place(a) < place(b) ? -1 : 1));
}

async function tryFile(tree: string, test: string, guards: readonly Guard[]): Promise<void> {
  if (performance.now() >= endMs) {
    counts.left += guards.length;
    return;
  }
  const whole = await twice(() => runTrial(tree, test, { timeoutMs }), isGreen);
  if (whole.outcome !== 'green') {
    for (const guard of guards) say('FAILED', guard, `${test} is ${describe(whole)} before anything is removed`);
    counts.failed += guards.length;
    return;
  }
  for (const guard of guards) {
    if (performance.now() >= endMs) counts.left += 1;
    else if (await tryGuard(tree, guard, whole)) counts.seen += 1;
    else counts.failed += 1;
  }
}

async function tryGuard(tree: string, guard: Guard, whole: Trial & { outcome: 'green' }): Promise<boolean> {
  const file = join(tree, guard.file);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, withoutStatement(text, guard));
  // A test that waits for what no longer comes need not wait longer than the whole file took when it came.
  const limits = { timeoutMs, testTimeoutMs: Math.max(5_000, 3 * whole.tookMs), firstRed: true };
  const trial = await twice(() => runTrial(tree, guard.test, limits), isSeen).finally(() => writeFileSync(file, text));
  const seen = isSeen(trial);
  const note = whole.skipped > 0 && !seen ? ` (${whole.skipped} of its tests were skipped here)` : '';
  say(seen ? 'seen' : 'FAILED', guard, describe(trial) + note);
  return seen;
}

/**
 * A busy machine may let one run of a test about time go the other way. What happens only once in two runs is said; what
 * happens in neither counts.
 */
async function twice(run: () => Promise<Trial>, wanted: (trial: Trial) => boolean): Promise<Trial> {
  const first = await run();
  if (wanted(first)) return first;
  const second = await run();
  if (wanted(second)) console.log(`again   at the second run only; the first: ${describe(first)}`);
  return second;
}

function isGreen(trial: Trial): boolean {
  return trial.outcome === 'green';
}

function isSeen(trial: Trial): boolean {
  return trial.outcome === 'red' || trial.outcome === 'hung';
}

function describe(trial: Trial): string {
  if (trial.outcome === 'red') return `red: ${trial.tests.length} test(s), first "${trial.tests[0]}"`;
  if (trial.outcome === 'broken') return `broken, which proves nothing: ${trial.reason.slice(0, 300)}`;
  return trial.outcome === 'hung' ? `hung for ${flags.timeout} s` : 'green';
}

function say(verdict: string, guard: Guard, text: string): void {
  console.log(`${verdict.padEnd(7)} ${name(guard)}  ${guard.test}\n        ${text}`);
}

function name(guard: Guard): string {
  return `${guard.ids.join(',').padEnd(8)} ${guard.file}:${guard.line}`;
}

function writeTable(): void {
  const page = join(top, 'docs/threat-model.md');
  writeFileSync(page, putTable(readFileSync(page, 'utf8'), renderTable(all)));
}
