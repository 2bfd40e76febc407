// SPDX-License-Identifier: Apache-2.0
/** Fetches what the evidence of a task is made of, page by page, all of it proven in the tree of one checkpoint. */

import type { Response } from '../api/admin/wire.ts';
import { parseKeyStatement } from '../approvals/enrolment.ts';
import type { Evidence, EvidenceEvent, EvidencePolicy } from '../evidence/format.ts';
import { ISSUED } from '../evidence/sorted.ts';
import { Failure, quote } from '../lib/failure.ts';
import { readUnverified } from '../merkle/note.ts';
import type { AdminClient } from './admin-client.ts';
import { thatFits } from './pages.ts';

type Admin = Pick<AdminClient, 'call'>;
type Asked = Parameters<typeof pages>[1];

/** As many as come with their proofs at once (docs/limits.md). */
const PAGE = 100;

/** Over everything that is written now. Throws ('not-found', 'TASK_NOT_FOUND'). */
export async function gather(admin: Admin, id: string): Promise<Evidence> {
  const { task } = await admin.call('GetTask', { id });
  const { checkpoint, verifier_key: verifierKey } = await admin.call('GetCheckpoint', {});
  const { size } = readUnverified(checkpoint);
  const all = (asked: Asked) => collect(admin, { ...asked, prove_in: size });
  const own = await all({ task: task.id });
  const [first] = own;
  if (first === undefined) throw notLogged(id);
  const grant = await grantOf(admin, own, size);
  const over = own.find(({ kind }) => kind === 'task.ended' || kind === 'task.denied');
  const span = { from_seq: first.seq };
  // What was given ends in the same step as the task, with the event right behind.
  const taken = await all({ ...span, kind: 'issue.revoke', before_seq: over === undefined ? size : over.seq + 2 });
  const unsent = await all({ ...span, kind: 'issue.undelivered' });
  const events = [
    ...own,
    ...taken.filter(revokes(own, task.id)),
    ...unsent.filter(namesOne(own)),
    ...grant,
    ...(await humansOf(admin, own, size)),
    ...(await humansOf(admin, grant, size, drawnIn(own)?.seq)),
    ...(await childrenOf(admin, task.id, size)),
  ];
  return {
    task: task.id,
    checkpoint,
    verifierKey,
    events: [...new Map(events.map((event) => [event.seq, event])).values()].sort((a, b) => a.seq - b.seq),
    policies: await policiesOf(admin, own, grant),
  };
}

async function* pages(
  admin: Admin,
  asked: {
    readonly task?: string;
    readonly kind?: string;
    readonly identity?: string;
    readonly since?: number;
    readonly from_seq?: number;
    readonly before_seq?: number;
    readonly prove_in?: number;
    readonly newest_first?: boolean;
  },
): AsyncGenerator<readonly EvidenceEvent[], void> {
  let size = PAGE;
  for (let token = ''; ; ) {
    const page = (count: number) => admin.call('ListEvents', { ...asked, page_size: count, page_token: token });
    const answer = await thatFits(size, page);
    size = answer.asked;
    yield answer.events.map((event, at) => eventOf(event, answer.proofs[at]?.hashes ?? []));
    token = answer.next_page_token;
    if (token === '') return;
  }
}

async function collect(admin: Admin, asked: Asked): Promise<readonly EvidenceEvent[]> {
  const found: EvidenceEvent[] = [];
  for await (const events of pages(admin, asked)) found.push(...events);
  return found;
}

function eventOf(event: Response<'ListEvents'>['events'][number], proof: readonly Buffer[]): EvidenceEvent {
  const { payload, salt, kind, actor } = event;
  return {
    ...{ kind, actor, proof },
    seq: Number(event.seq),
    at: Number(event.at),
    identity: event.identity === '' ? null : event.identity,
    task: event.task === '' ? null : event.task,
    payloadSha256: event.payload_sha256,
    said: payload === undefined ? null : { payload, salt },
  };
}

/** Takes back something of the task. */
function revokes(own: readonly EvidenceEvent[], task: string): (event: EvidenceEvent) => boolean {
  const serials = new Set(issuedOf(own).map((row) => row.get('serial')));
  return (event) => {
    const row = rowOf(event);
    if (row.get('what') === 'task') return row.get('key') === task;
    return (row.get('serials') as readonly string[]).some((serial) => serials.has(serial));
  };
}

function namesOne(own: readonly EvidenceEvent[]): (event: EvidenceEvent) => boolean {
  const numbers = new Set(issuedOf(own).map((row) => row.get('seq')));
  return (event) => numbers.has(rowOf(event).get('seq'));
}

function issuedOf(own: readonly EvidenceEvent[]): readonly ReadonlyMap<string, unknown>[] {
  return own.filter(({ kind, said }) => ISSUED.has(kind) && said !== null).map(rowOf);
}

function rowOf({ said }: EvidenceEvent): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(JSON.parse(said?.payload ?? '{}') as object));
}

/** Where it drew on its grant. */
function drawnIn(own: readonly EvidenceEvent[]): EvidenceEvent | undefined {
  return own.find(({ kind }) => kind === 'grant.used' || kind === 'grant.exhausted');
}

/** What became of its grant until it began, what people were asked about that and what they signed. */
async function grantOf(admin: Admin, own: readonly EvidenceEvent[], size: number): Promise<readonly EvidenceEvent[]> {
  const drawn = drawnIn(own);
  if (drawn === undefined) return [];
  const row = rowOf(drawn);
  const id = row.get('id');
  const asked = { identity: String(row.get('identity')), since: Number(row.get('created_at')) };
  const of = async (kind: string, column: string): Promise<readonly EvidenceEvent[]> => {
    const events = await collect(admin, { ...asked, kind, before_seq: drawn.seq + 1, prove_in: size });
    return events.filter((event) => rowOf(event).get(column) === id);
  };
  return [...(await of('grant.', 'id')), ...(await of('approval.', 'id')), ...(await of('vote.', 'request'))];
}

interface Wanted {
  readonly name: unknown;
  /** No later than this event, and than this time. */
  readonly seq: number;
  readonly at: number;
}

/** Who vouched for a key of this person, as they were then. */
function vouchersOf(event: EvidenceEvent): readonly Wanted[] {
  const keys = rowOf(event).get('keys') as readonly { vouch_statement?: string | null; vouched_at?: number }[];
  return keys.flatMap(({ vouch_statement: text, vouched_at: at }) =>
    typeof text === 'string' ? [{ name: parseKeyStatement(text).by, seq: event.seq, at: at as number }] : [],
  );
}

/** Everybody who voted, as they were when they did, when it was decided and at `until`: backwards through the log, until all are found. */
async function humansOf(
  admin: Admin,
  own: readonly EvidenceEvent[],
  size: number,
  until = 0,
): Promise<readonly EvidenceEvent[]> {
  const votes = own.filter(({ kind }) => kind.startsWith('vote.'));
  const last = votes.at(-1);
  if (last === undefined) return [];
  const names = votes.map((vote) => ({ name: rowOf(vote).get('human'), seq: vote.seq }));
  const decided = votes.findLast(({ kind }) => kind !== 'vote.withdraw') ?? last;
  let wanted: readonly Wanted[] = names.flatMap(({ name, seq }) => [
    { name, seq, at: Number.POSITIVE_INFINITY },
    { name, seq: decided.seq, at: Number.POSITIVE_INFINITY },
    { name, seq: Math.max(last.seq, until), at: Number.POSITIVE_INFINITY },
    { name, seq: last.seq, at: Number.POSITIVE_INFINITY },
  ]);
  const found: EvidenceEvent[] = [];
  const asked = { kind: 'human.', newest_first: true, before_seq: Math.max(last.seq, until), prove_in: size };
  for await (const events of pages(admin, asked)) {
    for (const event of events) {
      const name = rowOf(event).get('name');
      const left = wanted.filter((one) => one.name !== name || one.seq < event.seq || one.at < event.at);
      if (left.length === wanted.length) continue;
      found.push(event);
      wanted = [...left, ...vouchersOf(event)];
    }
    if (wanted.length === 0) break;
  }
  return found;
}

/** How each task right below it came to be. */
async function childrenOf(admin: Admin, parent: string, size: number): Promise<readonly EvidenceEvent[]> {
  const found: EvidenceEvent[] = [];
  let token = '';
  do {
    const { tasks, next_page_token: next } = await admin.call('ListTasks', {
      parent,
      page_size: PAGE,
      page_token: token,
    });
    for (const { id } of tasks) {
      const { events, proofs } = await admin.call('ListEvents', { task: id, page_size: 1, prove_in: size });
      // None: it began after the checkpoint.
      found.push(...events.map((event, at) => eventOf(event, proofs[at]?.hashes ?? [])));
    }
    token = next;
  } while (token !== '');
  return found;
}

async function policiesOf(
  admin: Admin,
  own: readonly EvidenceEvent[],
  grant: readonly EvidenceEvent[],
): Promise<readonly EvidencePolicy[]> {
  const asked = grant
    .filter(({ kind }) => kind === 'approval.open')
    .map((event) => String(rowOf(event).get('request')));
  const begun = asked.map((text) => String(JSON.parse(text).policy_hash));
  const steps = own.filter(({ kind }) => kind.startsWith('task.')).map(rowOf);
  const hashes = [...new Set([...begun, ...steps.map((row) => String(row.get('policy_hash')))])]
    .filter((hash) => hash !== '')
    .sort();
  const found: EvidencePolicy[] = [];
  for (const hash of hashes) {
    try {
      const { text } = await admin.call('GetPolicy', { hash });
      found.push({ hash, text });
    } catch (error) {
      // Of no policies at all there is no text; where there should be one, verification says so.
      if (!(error instanceof Failure) || error.reason !== 'POLICY_NOT_FOUND') throw error;
    }
  }
  return found;
}

function notLogged(id: string): Failure {
  return new Failure('failed-precondition', 'TASK_NOT_LOGGED', `the log has no event of task ${quote(id)}`, {
    field: 'task',
    value: quote(id),
    hint: 'hold the log against the database: assay audit verify',
  });
}
