// SPDX-License-Identifier: Apache-2.0
/** Adds up jest's reports; fails when a test was skipped, or none ran. */
import { readFileSync } from 'node:fs';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const reports = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report);
const sum = (of: (report: Report) => number): number => reports.reduce((total, report) => total + of(report), 0);

const skipped = reports.flatMap((report) =>
  report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status !== 'passed' && test.status !== 'failed')
      .map((test) => `skipped: ${file.name.split('/test/').at(-1)}: ${test.fullName}`),
  ),
);
for (const line of skipped) console.log(line);

const passed = sum((report) => report.numPassedTests);
const failed = sum((report) => report.numFailedTests);
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed > 0 || skipped.length > 0 || passed === 0 ? 1 : 0;
