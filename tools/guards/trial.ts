// SPDX-License-Identifier: Apache-2.0
/** Runs one test file in a copy of the tree and says, from jest's own report, how it went. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type Trial =
  | { readonly outcome: 'green'; readonly skipped: number; readonly tookMs: number }
  | { readonly outcome: 'red'; readonly tests: readonly string[] }
  /** The file could not even be loaded, so nothing about the guard was tested. */
  | { readonly outcome: 'broken'; readonly reason: string }
  | { readonly outcome: 'hung' };

interface JestReport {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

export interface TrialLimits {
  /** For the file. */
  readonly timeoutMs: number;
  /** For each test that sets none itself. */
  readonly testTimeoutMs?: number;
  /** Leave out what comes after the first red test. */
  readonly firstRed?: boolean;
}

export async function runTrial(tree: string, test: string, limits: TrialLimits): Promise<Trial> {
  const report = join(tree, 'guard-report.json');
  rmSync(report, { force: true });
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  const options = ['--runTestsByPath', test, '--json', `--outputFile=${report}`, '--forceExit', '--ci'];
  if (limits.testTimeoutMs !== undefined) options.push(`--testTimeout=${Math.ceil(limits.testTimeoutMs)}`);
  if (limits.firstRed) options.push(`--env=${join(import.meta.dirname, 'first-red.ts')}`);
  const started = performance.now();
  const ended = await run(join(tree, 'tools/node/run'), [...jest, ...options], tree, limits.timeoutMs);
  if (ended === 'timeout') return { outcome: 'hung' };
  return judge(report, ended, performance.now() - started);
}

function judge(report: string, output: string, tookMs: number): Trial {
  let said: JestReport;
  try {
    said = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
  } catch {
    return { outcome: 'broken', reason: `jest wrote no report: ${lastLines(output)}` };
  }
  const tests = said.testResults.flatMap((file) => file.assertionResults);
  const failed = tests.filter((test) => test.status === 'failed');
  if (failed.length > 0) {
    const undeclared = failed.every((test) =>
      test.failureMessages.every((m) => /ReferenceError: \S+ is not defined/.test(m)),
    );
    if (undeclared) return { outcome: 'broken', reason: firstLine(failed[0]?.failureMessages[0] ?? '') };
    return { outcome: 'red', tests: failed.map((test) => test.fullName) };
  }
  if (said.numPassedTests === 0) return { outcome: 'broken', reason: said.testResults[0]?.message ?? 'no test ran' };
  return { outcome: 'green', skipped: said.numPendingTests, tookMs };
}

/** Groups at work; none outlives the tool. */
const groups = new Set<number>();
process.on('exit', () => {
  for (const pid of groups) endGroup(pid);
});

/** Runs in a process group of its own, so that a hanging test takes its children with it. */
function run(command: string, args: string[], cwd: string, timeoutMs: number): Promise<string | 'timeout'> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid !== undefined) groups.add(child.pid);
    let output = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      endGroup(child.pid);
    }, timeoutMs);
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-8192);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('exit', () => {
      clearTimeout(timer);
      // Whatever the test started and left is in the group still.
      endGroup(child.pid);
      resolve(late ? 'timeout' : output);
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  groups.delete(pid);
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
const lastLines = (text: string): string => text.trim().split('\n').slice(-3).join(' / ');
