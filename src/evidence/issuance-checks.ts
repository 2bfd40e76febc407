// SPDX-License-Identifier: Apache-2.0
/** What was given in the task, and that it was worth nothing any more once the task was over. */
import { parseJsonText } from '../lib/json-text.ts';
import type { EvidenceEvent } from './format.ts';
import { Row } from './row.ts';
import type { SortedEvents } from './sorted.ts';
import type { ProvenTask } from './task-checks.ts';
import type { Verdict } from './verdict.ts';

export interface Issued {
  readonly seq: number;
  readonly at: number;
  /** The identity that was lent. */
  readonly identity: string | null;
  /** x509, jwt, wit. */
  readonly kind: string;
  /** Null where the row has left the daemon, by its retention. */
  readonly row: {
    readonly no: number;
    readonly serial: string;
    readonly notBefore: number;
    readonly notAfter: number;
    readonly pid: number;
    readonly uid: number;
    readonly marks: readonly string[];
    readonly audiences: readonly string[];
  } | null;
  readonly revoked: { readonly seq: number; readonly at: number; readonly reason: string } | undefined;
  /** Why it was never sent. */
  readonly undelivered: string | undefined;
}

type Sorted = Pick<SortedEvents, 'issued' | 'revoked' | 'undelivered'>;

export function checkIssued(task: ProvenTask, sorted: Sorted, verdict: Verdict): readonly Issued[] {
  const { revoked, undelivered } = sorted;
  const taken = new Map(
    revoked.flatMap((row) =>
      row
        .texts('serials')
        .map((serial) => [serial, { seq: row.event.seq, at: row.event.at, reason: row.text('reason') }]),
    ),
  );
  const unsent = new Map(undelivered.map((row) => [row.whole('seq'), row.text('reason')]));
  const issued = sorted.issued.map((event) => issuedOf(event, taken, unsent));
  for (const one of issued) checkOne(task, one, verdict);
  checkEnd(task, issued, verdict);
  checkRevocations(task, issued, revoked, verdict);
  const numbers = new Set(issued.map(({ row }) => row?.no));
  for (const row of undelivered)
    verdict.require(
      numbers.has(row.whole('seq')),
      `event ${row.event.seq}: it is of nothing that was given in the task`,
    );
  return issued;
}

function issuedOf(
  event: EvidenceEvent,
  taken: ReadonlyMap<string, Issued['revoked']>,
  unsent: ReadonlyMap<number, string>,
): Issued {
  const { seq, at, kind } = event;
  const told = { seq, at, identity: event.identity, kind: kind.slice('issue.'.length) };
  if (event.said === null) return { ...told, row: null, revoked: undefined, undelivered: undefined };
  const row = Row.of(event);
  const [serial, no] = [row.text('serial'), row.whole('seq')];
  const audiences = row.text('audiences');
  return {
    ...told,
    row: {
      ...{ no, serial, notBefore: row.whole('not_before'), notAfter: row.whole('not_after') },
      ...{ pid: row.whole('pid'), uid: row.whole('uid'), marks: row.text('marks').split(' ').filter(Boolean) },
      audiences: audiences === '' ? [] : listIn(audiences),
    },
    revoked: taken.get(serial),
    undelivered: unsent.get(no),
  };
}

function listIn(text: string): readonly string[] {
  const json = parseJsonText(text, 'audiences');
  return Array.isArray(json) ? json.map(String) : [];
}

function checkOne(task: ProvenTask, { seq, kind, identity, row }: Issued, verdict: Verdict): void {
  const name = `event ${seq} (issue.${kind})`;
  // guard: C4 test/evidence/checks.test.ts
  verdict.require(identity === task.identity, `${name}: it is of ${identity}, not of ${task.identity}`);
  const began = task.steps.find(({ state }) => state === 'active');
  const over = overOf(task);
  // guard: C1 test/evidence/checks.test.ts — what waits for people holds nothing
  verdict.require(began !== undefined && began.seq < seq, `${name}: it was given before the task began`);
  // guard: I7 test/evidence/checks.test.ts
  verdict.require(over === undefined || seq < over.seq, `${name}: it was given when the task was over`);
  // guard: I5 test/evidence/checks.test.ts
  verdict.require(row === null || row.notAfter <= task.deadline, `${name}: it is good for longer than the task`);
}

export function overOf({ steps }: ProvenTask): ProvenTask['steps'][number] | undefined {
  return steps.find(({ state }) => state === 'ended' || state === 'denied');
}

function checkEnd(task: ProvenTask, issued: readonly Issued[], verdict: Verdict): void {
  const over = overOf(task);
  const gone = issued.filter(({ row }) => row === null).length;
  if (gone > 0)
    verdict.remark(
      `of ${gone} that were given, what they were is not in the daemon any more: it is not known whether they were taken back`,
    );
  if (over === undefined) {
    verdict.remark('the task was not over when the checkpoint was signed: what was given in it may be good');
    return;
  }
  for (const { seq, kind, row, revoked } of issued) {
    if (row === null || row.notAfter <= over.at) continue;
    // guard: I7 test/evidence/checks.test.ts
    verdict.require(
      revoked !== undefined && revoked.at <= over.at,
      `event ${seq} (issue.${kind}): it was not taken back when the task ended`,
    );
  }
}

/** Those of the task's end name all that was good then: what is not in the file was left out of it. */
function checkRevocations(
  task: ProvenTask,
  issued: readonly Issued[],
  revoked: readonly Row[],
  verdict: Verdict,
): void {
  const serials = new Set(issued.map(({ row }) => row?.serial));
  const isWhole = issued.every(({ row }) => row !== null);
  for (const row of revoked) {
    const { seq } = row.event;
    const named = row.texts('serials');
    const isOfTask = row.text('what') === 'task' && row.text('key') === task.id;
    // guard: C4 test/evidence/checks.test.ts
    verdict.require(
      isOfTask || named.some((serial) => serials.has(serial)),
      `event ${seq} (issue.revoke): it takes back nothing that was given in the task`,
    );
    const absent = isOfTask && isWhole ? named.filter((serial) => !serials.has(serial)) : [];
    // guard: I3 test/evidence/checks.test.ts
    verdict.require(
      absent.length === 0,
      `event ${seq}: what was given with serial ${absent.join(', ')} is not in the file`,
    );
  }
}
