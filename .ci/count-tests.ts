// SPDX-License-Identifier: Apache-2.0
/**
 * Adds up jest's reports; fails when a test was skipped, or none ran. Of a file that was run again (NAME.again.json), the
 * second result counts, and what was red at first is named.
 */
import { readFileSync } from 'node:fs';

interface TestFile {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
}

const isAgain = (path: string): boolean => path.endsWith('.again.json');
const files = (paths: readonly string[]): TestFile[] =>
  paths.flatMap((path) => (JSON.parse(readFileSync(path, 'utf8')) as { testResults: TestFile[] }).testResults);
const short = (file: TestFile): string => file.name.split('/test/').at(-1) ?? file.name;

const paths = process.argv.slice(2);
const again = files(paths.filter(isAgain));
const ranAgain = new Set(again.map((file) => file.name));
const first = files(paths.filter((path) => !isAgain(path)));
const counted = [...first.filter((file) => !ranAgain.has(file.name)), ...again];

const named = (from: readonly TestFile[], of: (status: string) => boolean): string[] =>
  from.flatMap((file) =>
    file.assertionResults.filter((test) => of(test.status)).map((test) => `${short(file)}: ${test.fullName}`),
  );
const isSkipped = (status: string): boolean => status !== 'passed' && status !== 'failed';

for (const line of named(first, (status) => status === 'failed')) console.log(`red at the first run: ${line}`);
const skipped = named(counted, isSkipped);
for (const line of skipped) console.log(`skipped: ${line}`);
// A file that cannot be loaded has no test to count.
const broken = counted.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
for (const file of broken) console.log(`broken: ${short(file)}: ${file.message}`);

const passed = named(counted, (status) => status === 'passed').length;
const failed = named(counted, (status) => status === 'failed').length + broken.length;
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed > 0 || skipped.length > 0 || passed === 0 ? 1 : 0;
