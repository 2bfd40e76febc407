// SPDX-License-Identifier: Apache-2.0
/** `assay policy check`, `test` and `explain`: what needs no daemon. */
import { Failure, quote } from '../lib/failure.ts';
import { type CaseResult, runCases } from '../policy/cases.ts';
import type { PolicyProblem } from '../policy/check.ts';
import { explain } from '../policy/explain.ts';
import { PolicySet } from '../policy/policy-set.ts';
import { readRequest, type SaidRequest } from '../policy/said.ts';
import type { Io } from './io.ts';
import { type PolicyFolder, readPolicyFolder, readRequestFile } from './policy-folder.ts';
import { type Format, plain, printJson } from './print.ts';
import { decisionShown, printDecision } from './show-policy.ts';
import { usage } from './usage.ts';

interface Options {
  readonly output: Format;
}

export async function policyCheck(io: Io, options: Options, [folder = '']: readonly string[]): Promise<number> {
  const { files } = await readPolicyFolder(folder, io.now());
  const { policies, problems } = PolicySet.check(files);
  const valid = problems.length === 0;
  const own = [...policies.values()].filter(({ file }) => !file.includes(':'));
  if (options.output === 'json') {
    const hash = valid ? PolicySet.load(files).hash : null;
    printJson(io, {
      valid,
      hash,
      policies: own.map(({ id, effect, file, line, reason }) => ({ id, effect, file, line, reason })),
      problems: problems.map(problemJson),
    });
    return valid ? 0 : 1;
  }
  for (const problem of problems) io.out(`${plain(problemText(problem))}\n`);
  if (valid) io.out(`${own.length} policies in ${files.length} files are valid\n`);
  return valid ? 0 : 1;
}

export async function policyTest(io: Io, options: Options, [folder = '']: readonly string[]): Promise<number> {
  const results = testFolder(await readPolicyFolder(folder, io.now())).results;
  const failed = results.filter(({ passed }) => !passed);
  if (options.output === 'json') {
    const tests = results.map(({ name, passed, expected, was }) => ({ name, passed, expected, was }));
    printJson(io, { passed: results.length - failed.length, failed: failed.length, tests });
  } else {
    for (const { name, expected, was } of failed)
      io.out(plain(`failed: ${name}`).concat(`\n  expected  ${plain(expected)}\n  was       ${plain(was)}\n`));
    io.out(`${results.length - failed.length} of ${results.length} tests passed\n`);
  }
  return failed.length === 0 ? 0 : 1;
}

export async function policyExplain(
  io: Io,
  options: Options & { readonly test?: string; readonly request?: string },
  [folder = '']: readonly string[],
): Promise<number> {
  const read = await readPolicyFolder(folder, io.now());
  const { request, assumed } = await requestFor(options, read);
  const { decision, alone } = explain(PolicySet.load(read.files), request);
  printDecision(io, options.output, decisionShown(decision, alone, assumed));
  return 0;
}

async function requestFor(
  { test, request }: { readonly test?: string; readonly request?: string },
  { cases, names, at }: PolicyFolder,
): Promise<SaidRequest> {
  if ((test === undefined) === (request === undefined))
    throw usage('assay policy explain', undefined, 'needs a request', 'give --test NAME, or --request FILE');
  if (request !== undefined) return readRequest(await readRequestFile(request), names, at);
  const found = cases.find(({ name }) => name === test);
  if (found !== undefined) return found;
  throw usage('--test', test, 'is no test of tests.yaml', 'write its name as it stands there');
}

/** The set, and what came of its tests. Throws as `PolicySet.load` does. */
export function testFolder({ files, cases }: PolicyFolder): {
  readonly set: PolicySet;
  readonly results: readonly CaseResult[];
} {
  const set = PolicySet.load(files);
  return { set, results: runCases(set, cases) };
}

/** Before it is sent. */
export function requireTested(folder: PolicyFolder): void {
  const failed = testFolder(folder).results.filter(({ passed }) => !passed);
  const [first] = failed;
  if (first === undefined) return;
  throw new Failure(
    'failed-precondition',
    'POLICY_TESTS_FAILED',
    `${failed.length} of ${folder.cases.length} tests fail, first ${quote(first.name)}: expected ${first.expected}, was ${first.was}`,
    { field: 'folder', value: quote(first.name), hint: 'see them all: assay policy test FOLDER' },
  );
}

function problemText({ file, line, policyId, message }: PolicyProblem): string {
  const where = file === '' ? '' : `${file}:${line}: `;
  return `${where}${policyId === undefined ? '' : `policy ${policyId} `}${message}`;
}

function problemJson({ file, line, policyId, message }: PolicyProblem): object {
  return { file: file === '' ? null : file, line: line === 0 ? null : line, policy_id: policyId ?? null, message };
}
