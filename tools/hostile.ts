// SPDX-License-Identifier: Apache-2.0
/**
 * Runs the tests that are named after the attacks on who is calling (part A of docs/threat-model.md), and prints how many
 * each attack has and how long they took. Exit 1 when one is red, a file failed outside its tests, or an attack has none that ran and passed.
 *
 *   npm run hostile                 all of them
 *   npm run hostile -- A4 A13       of these attacks alone
 *
 * Other words are for jest.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { chosen, type Report, tally } from './hostile/tally.ts';

const ID = /^A\d\d?$/;
const top = resolve(import.meta.dirname, '..');
const words = process.argv.slice(2);
const { attacks, files, pattern } = chosen(
  top,
  words.filter((word) => ID.test(word)),
);
const folder = mkdtempSync(join(tmpdir(), 'assay-hostile-'));
try {
  const file = join(folder, 'report.json');
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  const others = words.filter((word) => !ID.test(word));
  const how = ['-t', pattern.source, '--json', `--outputFile=${file}`, ...others, '--runTestsByPath'];
  // The report goes into the file; what jest prints besides goes to standard error anyway.
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  const { status } = spawnSync(process.execPath, [...jest, ...how, ...files], { cwd: top, stdio: [...stdio] });
  if (!existsSync(file)) throw new Error('jest ended before it had run all: it left no report');
  const { lines, missing, outside } = tally(JSON.parse(readFileSync(file, 'utf8')) as Report, attacks);
  for (const line of lines) console.log(line);
  for (const name of outside) console.error(`${relative(top, name)} failed outside its tests`);
  for (const id of missing) console.error(`${id} has no test that passed`);
  process.exitCode = status === 0 && missing.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
