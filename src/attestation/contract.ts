// SPDX-License-Identifier: Apache-2.0
/**
 * What every attestor keeps to, as named cases that any test runner can run (`assay/plugin-test`):
 *
 *     for (const { title, run } of attestorContract({ make, applies })) test(title, run);
 *
 * A case rejects with an AssertionError that says what was broken. Nothing here holds the process alive afterwards.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkAnswer, checkKinds, selectorsOf } from './contract-checks.ts';
import { madeUpProcess } from './made-up-process.ts';
import type { Applies, Attestation, Attestor, ProcessHandle } from './plugin.ts';

export { madeUpProcess };

type Maybe<T> = T | Promise<T>;

/** An attestor and what its cases need. Whatever is made may be closed by the runner after each case. */
export interface AttestorUnderTest {
  /** A fresh one; each case makes its own and closes it. */
  make(): Maybe<Attestor>;
  /** A process it applies to. */
  applies(): Maybe<ProcessHandle>;
  /** Another that it applies to, with other selectors. */
  another?(): Maybe<ProcessHandle>;
  /** A process it does not apply to. */
  doesNotApply?(): Maybe<ProcessHandle>;
  /** One whose source is down: a look at `applies()` must fail. */
  down?(): Maybe<Attestor>;
  /** One whose source takes requests and never answers. */
  stuck?(): Maybe<Attestor>;
  /** Changes what was true of a process of `applies()`, where no process has a hand in it: a relabelled pod, a moved unit. */
  change?(process: ProcessHandle): Maybe<void>;
}

export interface ContractCase {
  /** A sentence about the attestor. */
  readonly title: string;
  run(): Promise<void>;
}

/** A machine under load is slow, a broken promise is never kept. */
const CEILING_MS = 20_000;

/** The cases that can be run with what is given: optional members bring theirs along. */
export function attestorContract(subject: AttestorUnderTest): readonly ContractCase[] {
  const { another, doesNotApply, down, stuck, change } = subject;
  const cases: (readonly [string, ((attestor: Attestor) => Promise<void>) | undefined])[] = [
    ['has a name that is a selector type, and kinds with their strengths', async (it) => checkKinds(it)],
    ['says of a process what it declared, well formed', (it) => saysWhatItDeclared(it, subject)],
    ['says the same again while nothing changes', (it) => saysTheSame(it, subject)],
    ['mixes up no two processes looked at at once', another && ((it) => keepsApart(it, subject, another))],
    ['says in words why it does not apply', doesNotApply && ((it) => saysWhyNot(it, doesNotApply))],
    ['makes nothing ill-formed of names that a process chose', takesNames],
    ['is not waited for once its signal has aborted', (it) => endsOnAbort(it, subject)],
    ['gives up when its signal aborts while its source is stuck', stuck && (() => givesUp(subject, stuck))],
    ['leaves nothing behind on the signal', (it) => leavesNothing(it, subject)],
    ['fails, and gives no lesser answer, when its source is down', down && (() => fails(subject, down))],
    ['has its change seen, and is told of no more after the undo', change && ((it) => tells(it, subject, change))],
    ['says how it stands without asking', async (it) => saysHealth(it)],
    ['closes, twice', closesTwice],
  ];
  return cases.flatMap(([title, run]) => (run === undefined ? [] : [{ title, run: () => withFresh(subject, run) }]));
}

async function withFresh(subject: AttestorUnderTest, run: (attestor: Attestor) => Promise<void>): Promise<void> {
  const attestor = await subject.make();
  try {
    await run(attestor);
  } finally {
    await attestor.close?.();
  }
}

async function saysWhatItDeclared(it: Attestor, subject: AttestorUnderTest): Promise<void> {
  const found = applied(await look(it, await subject.applies()));
  checkAnswer(it, found);
  assert.notEqual(found.selectors.length, 0, 'it applies, and has no selector');
}

async function saysTheSame(it: Attestor, subject: AttestorUnderTest): Promise<void> {
  const process = await subject.applies();
  assert.deepEqual(selectorsOf(await look(it, process)), selectorsOf(await look(it, process)));
}

async function keepsApart(
  it: Attestor,
  subject: AttestorUnderTest,
  another: () => Maybe<ProcessHandle>,
): Promise<void> {
  const [one, other] = [await subject.applies(), await another()];
  const alone = [selectorsOf(await look(it, one)), selectorsOf(await look(it, other))];
  assert.notDeepEqual(alone[0], alone[1], 'the two processes have the same selectors, so they prove nothing');
  const rounds = Array.from({ length: 8 }, () => [look(it, one), look(it, other)]).flat();
  const together = (await Promise.all(rounds)).map(selectorsOf);
  for (const [at, selectors] of together.entries()) assert.deepEqual(selectors, alone[at % 2]);
}

async function saysWhyNot(it: Attestor, doesNotApply: () => Maybe<ProcessHandle>): Promise<void> {
  const answer = await look(it, await doesNotApply());
  assert.equal(answer.applies, false, 'it applies');
  checkAnswer(it, answer);
}

/** Whoever owns a cgroup subtree names what is in it (attack A10). */
async function takesNames(it: Attestor): Promise<void> {
  const id = '0123456789abcdef'.repeat(4);
  const paths = [
    `/docker/${id}`,
    `/kubepods/pod${id.slice(0, 32)}/${id}`,
    '/a.slice/p y\n.service',
    '/__proto__',
    '/..',
  ];
  for (const path of paths) {
    const process = madeUpProcess({ cgroups: async () => [{ hierarchy: 0, controllers: [], path }] });
    // To fail is an answer too: the source does not know this process.
    const answer = await look(it, process).catch((error: unknown) => assert.ok(error instanceof Error));
    if (answer !== undefined) checkAnswer(it, answer);
  }
}

async function endsOnAbort(it: Attestor, subject: AttestorUnderTest): Promise<void> {
  const process = await subject.applies();
  await settles(it.attest(process, AbortSignal.abort(new Error('nobody waits'))));
}

async function givesUp(subject: AttestorUnderTest, stuck: () => Maybe<Attestor>): Promise<void> {
  const attestor = await stuck();
  try {
    const process = await subject.applies();
    const aborting = new AbortController();
    const answer = attestor.attest(process, aborting.signal);
    answer.catch(() => undefined);
    // Long enough for its question to be under way.
    await sleep(50);
    aborting.abort(new Error('nobody waits'));
    await settles(answer);
    await assert.rejects(answer, 'it had an answer, though its source never gave one');
  } finally {
    await attestor.close?.();
  }
}

async function leavesNothing(it: Attestor, subject: AttestorUnderTest): Promise<void> {
  const { signal } = new AbortController();
  for (let looks = 0; looks < 3; looks += 1) await it.attest(await subject.applies(), signal);
  // What is tidied up in the same turn is tidied up.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(getEventListeners(signal, 'abort').length, 0, 'listeners on the signal stay after the look');
}

async function fails(subject: AttestorUnderTest, down: () => Maybe<Attestor>): Promise<void> {
  const attestor = await down();
  try {
    await assert.rejects(look(attestor, await subject.applies()), 'it answered, though its source is down');
  } finally {
    await attestor.close?.();
  }
}

async function tells(
  it: Attestor,
  subject: AttestorUnderTest,
  change: (process: ProcessHandle) => Maybe<void>,
): Promise<void> {
  const process = await subject.applies();
  const before = await look(it, process);
  // As the daemon does while a stream is open.
  for (const ground of before.restsOn ?? []) it.restedOn?.(ground, true);
  const heard = new Promise<void>((resolve) => {
    it.onChange?.((ground) => {
      if (ground === undefined || before.restsOn?.includes(ground)) resolve();
    });
  });
  let undone = 0;
  it.onChange?.(() => {
    undone += 1;
  })();
  await change(process);
  if (before.restsOn !== undefined) await ceiling(heard, 'no change was told of what the answer rests on');
  const ends = performance.now() + CEILING_MS;
  // Told of before the source has it, or not told of and good for a time: another look comes, and sees it then.
  while (same(await look(it, process).catch(() => undefined), before)) {
    if (performance.now() > ends) assert.fail('the answer is the same after the change');
    await sleep(Math.min(before.goodForMs ?? 20, 500));
  }
  assert.equal(undone, 0, 'a listener was called after its undo');
}

function same(answer: Attestation | undefined, before: Attestation): boolean {
  return answer !== undefined && selectorsOf(answer).join('\n') === selectorsOf(before).join('\n');
}

function saysHealth(it: Attestor): void {
  const health = it.health?.();
  if (health === undefined) return;
  assert.match(health.status, /^(?:ok|warn|fail)$/);
  assert.match(health.text, /^[^\p{Cc}]+[^.\p{Cc}]$/u, 'health is a sentence without a full stop');
}

async function closesTwice(it: Attestor): Promise<void> {
  await settles(it.close?.());
  await settles(it.close?.());
}

async function look(it: Attestor, process: ProcessHandle): Promise<Attestation> {
  return ceiling(it.attest(process, new AbortController().signal), 'a look has no end');
}

function applied(answer: Attestation): Applies {
  if (!answer.applies) assert.fail(`it does not apply: ${answer.reason}`);
  return answer;
}

async function settles(promise: Promise<unknown> | undefined): Promise<void> {
  await ceiling(
    Promise.resolve(promise).then(
      () => undefined,
      () => undefined,
    ),
    'it does not settle',
  );
}

async function ceiling<T>(promise: Promise<T>, broken: string): Promise<T> {
  const over = new AbortController();
  const late = sleep(CEILING_MS, undefined, { signal: over.signal, ref: true }).then(() => assert.fail(broken));
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
