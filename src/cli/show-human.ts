// SPDX-License-Identifier: Apache-2.0
/** People as text and as JSON. */
import type { WireHuman } from '../api/admin/wire-people.ts';
import { parseKeyStatement } from '../approvals/enrolment.ts';
import type { Io } from './io.ts';
import { type Format, instant, printFields, printJson, when } from './print.ts';

export function humanJson(human: WireHuman): object {
  return {
    name: human.name,
    active: human.active,
    left_reason: human.left_reason === '' ? null : human.left_reason,
    email: human.email === '' ? null : human.email,
    uids: human.uids.map(Number),
    teams: human.teams,
    keys: human.keys.map((key) => ({
      fingerprint: key.fingerprint,
      type: key.type,
      public_key: `${key.type} ${key.blob}`,
      added_at: instant(Number(key.added_at)),
      added_by: key.added_by,
      counts_for: key.highest,
      vouched_at: key.vouched_at === '0' ? null : instant(Number(key.vouched_at)),
      vouch_statement: key.vouch_statement === '' ? null : key.vouch_statement,
      vouch_signature: key.vouch_signature === '' ? null : key.vouch_signature,
    })),
    created_at: instant(Number(human.created_at)),
    created_by: human.created_by,
    revision: Number(human.revision),
  };
}

export function showHuman(io: Io, output: Format, human: WireHuman): number {
  if (output === 'json') printJson(io, { human: humanJson(human) });
  else printHuman(io, human);
  return 0;
}

export function printHuman(io: Io, human: WireHuman): void {
  printFields(io, [
    ['human', human.name],
    ['state', human.active ? 'active' : `has left: ${human.left_reason}`],
    ['email', human.email === '' ? undefined : human.email],
    ...human.uids.map((uid): [string, string] => ['uid', uid]),
    ...human.teams.map((team): [string, string] => ['team', team]),
    ...human.keys.map((key): [string, string] => ['key', `${key.fingerprint} ${key.type}${worth(key, io.now())}`]),
    ['created', `${when(Number(human.created_at), io.now())} by ${human.created_by}`],
    ['revision', human.revision],
  ]);
}

/** By whom, where it was signed. */
function worth(
  { highest, vouched_at: at, vouch_statement: statement }: WireHuman['keys'][number],
  now: number,
): string {
  if (highest < 2) return '';
  const what = highest === 3 ? 'touched by a verified user' : 'touched';
  const who = statement === '' ? 'root' : parseKeyStatement(statement).by;
  return `, counts as ${what} (unattested): ${who} vouched ${when(Number(at), now)}`;
}
