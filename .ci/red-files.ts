// SPDX-License-Identifier: Apache-2.0
/** Prints the test files that are red in jest's report, a line each. Exit 1 when there are none, or too many for chance. */
import { readFileSync } from 'node:fs';

const AT_MOST = 4;

interface Report {
  readonly testResults: readonly { readonly name: string; readonly status: string }[];
}

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Report;
const red = report.testResults.filter((file) => file.status === 'failed').map((file) => file.name);
if (red.length > 0 && red.length <= AT_MOST) console.log(red.join('\n'));
else process.exitCode = 1;
