// SPDX-License-Identifier: Apache-2.0
/** Who asks for a task: attested, and which of its identities can be lent. */
import type { Attested } from '../attestation/attested.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { Strength } from '../identity/strength.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyAttested } from '../policy/contract.ts';
import type { Lease } from '../registry/match.ts';
import type { IdentityRecord } from '../store/records.ts';
import type { TaskRooms } from './rooms.ts';

export interface Caller {
  readonly identity: IdentityRecord;
  readonly attested: PolicyAttested;
  /** Canonical JSON of what was attested: people approve this, and leaving `pending` compares it. */
  readonly text: string;
}

type Rooms = Pick<TaskRooms, 'attestation' | 'registry' | 'secretsOf' | 'settings' | 'clock'>;

/** `asked`: a SPIFFE ID, or empty where there is one. Rejects with Failure('permission-denied') where nothing can be lent. */
export async function lookAtCaller(
  rooms: Rooms,
  process: ProcessHandle,
  asked: string,
  signal: AbortSignal,
): Promise<Caller> {
  const { ownUid, insecureSameUid } = rooms.settings;
  // guard: B2 test/tasks/tasks.test.ts — such a caller can read our keys, and write what was approved
  if (process.uid === ownUid && !insecureSameUid) throw sameUid(ownUid);
  const attested = await rooms.attestation.attest(process, signal);
  const identity = lendable(rooms, attested, asked);
  const secrets = await rooms.secretsOf(process, signal);
  const policy: PolicyAttested = { ...selectorsFor(attested.selectors), secrets };
  return { identity, attested: policy, text: textOf(attested, policy) };
}

/** As policy sees them: what a caller had a hand in is apart (attack A1). */
export function selectorsFor(selectors: ReadonlyMap<string, Strength>): Pick<PolicyAttested, 'selectors' | 'claimed'> {
  const of = (isClaimed: boolean): string[] =>
    [...selectors].filter(([, strength]) => (strength === 'claimed') === isClaimed).map(([selector]) => selector);
  return { selectors: of(false).sort(), claimed: of(true).sort() };
}

/** The one that was asked for by name, or the only one that there is. */
function lendable({ registry, clock }: Rooms, attested: Attested, asked: string): IdentityRecord {
  const now = clock.now();
  const plain = registry.match(attested.selectors, now);
  const names = asked === '' ? candidatesOf(plain) : [SpiffeId.parseWorkload(asked, 'identity').toString()];
  const found = names.flatMap((identity) => registry.match(attested.selectors, now, probe(identity)).grants);
  const [first] = found;
  // guard: I1 test/tasks/tasks.test.ts
  if (first === undefined) throw nothing(asked, plain.refused[0]?.text);
  // guard: I1 test/tasks/tasks.test.ts — never a guess between two
  if (found.some(({ identity }) => identity.spiffeId !== first.identity.spiffeId)) throw several(names);
  return first.identity;
}

function candidatesOf({ grants, refused }: ReturnType<Rooms['registry']['match']>): readonly string[] {
  const agents = refused.filter(({ reason }) => reason === 'TASK_REQUIRED').map(({ spiffeId }) => spiffeId);
  return [...new Set(agents.length > 0 ? agents : grants.map(({ entry }) => entry.spiffeId))];
}

/** Asks what would be granted if there were a task. */
function probe(identity: string): Lease {
  return { taskId: '', identity, subject: identity, endsAt: Infinity, x509TtlMs: 0, jwtTtlMs: 0, claims: [] };
}

function textOf({ facts }: Attested, { selectors, claimed, secrets }: PolicyAttested): string {
  // Facts are JSON of attestors; numbers among them may not be whole, so they go in as text.
  return canonicalJson({ facts: JSON.stringify(facts), selectors, claimed, secrets });
}

function sameUid(uid: number): Failure {
  return new Failure(
    'permission-denied',
    'GOVERNANCE_SAME_UID',
    `no task for a process of the daemon's own uid ${uid}`,
    {
      field: 'uid',
      value: String(uid),
      hint: 'governance needs a daemon under its own uid; insecure_same_uid: true does without, and marks what is issued',
    },
  );
}

function nothing(asked: string, why: string | undefined): Failure {
  const what = asked === '' ? 'no identity of this process can be lent' : `this process is not granted ${asked}`;
  return new Failure('permission-denied', 'NOTHING_TO_LEND', why === undefined ? what : `${what}: ${why}`, {
    field: 'identity',
    value: asked,
    hint: 'an operator registers one: assay entry create --spiffe-id ID --kind agent --purpose TEXT --selector …',
  });
}

function several(names: readonly string[]): Failure {
  return new Failure(
    'invalid-argument',
    'IDENTITY_NOT_NAMED',
    `this process has several identities: ${names.join(', ')}`,
    {
      field: 'identity',
      value: '',
      hint: 'say which: --identity',
    },
  );
}
