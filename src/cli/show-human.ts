// SPDX-License-Identifier: Apache-2.0
/** People as text and as JSON. */
import type { WireHuman } from '../api/admin/wire-people.ts';
import type { Io } from './io.ts';
import { instant, printFields, when } from './print.ts';

export function humanJson(human: WireHuman): object {
  return {
    name: human.name,
    active: human.active,
    left_reason: human.left_reason === '' ? null : human.left_reason,
    email: human.email === '' ? null : human.email,
    uids: human.uids.map(Number),
    teams: human.teams,
    keys: human.keys.map(({ fingerprint, type, blob, added_at, added_by }) => ({
      fingerprint,
      type,
      public_key: `${type} ${blob}`,
      added_at: instant(Number(added_at)),
      added_by,
    })),
    created_at: instant(Number(human.created_at)),
    created_by: human.created_by,
    revision: Number(human.revision),
  };
}

export function printHuman(io: Io, human: WireHuman): void {
  printFields(io, [
    ['human', human.name],
    ['state', human.active ? 'active' : `has left: ${human.left_reason}`],
    ['email', human.email === '' ? undefined : human.email],
    ...human.uids.map((uid): [string, string] => ['uid', uid]),
    ...human.teams.map((team): [string, string] => ['team', team]),
    ...human.keys.map(({ fingerprint, type }): [string, string] => ['key', `${fingerprint} ${type}`]),
    ['created', `${when(Number(human.created_at), io.now())} by ${human.created_by}`],
    ['revision', human.revision],
  ]);
}
