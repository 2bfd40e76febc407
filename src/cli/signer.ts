// SPDX-License-Identifier: Apache-2.0
/** Who signs: whose key it is, as the daemon has it. */
import type { WireHuman } from '../api/admin/wire-people.ts';
import { Failure } from '../lib/failure.ts';
import type { SshKey } from '../lib/ssh-key.ts';
import type { AdminClient } from './admin-client.ts';
import type { Io } from './io.ts';
import { keyOfFile, keysOfAgent } from './ssh-keys.ts';

export interface Signer {
  readonly human: string;
  readonly key: SshKey;
}

const PAGE = 1_000;

/** `file`: of a key; without one, the only key of the ssh-agent that is somebody's here. */
export async function signerOf(io: Io, admin: AdminClient, file: string | undefined): Promise<Signer> {
  const keys = file === undefined ? await keysOfAgent(io) : [await keyOfFile(file)];
  const holders = await holdersOf(admin);
  const found = keys.flatMap((key): Signer[] => {
    const human = holders.get(key.fingerprint);
    return human === undefined ? [] : [{ human, key }];
  });
  const [first] = found;
  if (first === undefined) throw nobodys(keys, file);
  if (found.length > 1) throw several(found);
  return first;
}

async function holdersOf(admin: AdminClient): Promise<ReadonlyMap<string, string>> {
  const humans: WireHuman[] = [];
  let token = '';
  do {
    const page = await admin.call('ListHumans', { page_size: PAGE, page_token: token });
    humans.push(...page.humans);
    token = page.next_page_token;
  } while (token !== '');
  return new Map(humans.flatMap(({ name, keys }) => keys.map(({ fingerprint }) => [fingerprint, name] as const)));
}

function nobodys(keys: readonly SshKey[], file: string | undefined): Failure {
  const which = keys.map(({ fingerprint }) => fingerprint).join(', ');
  const what = file === undefined ? `no key of the ssh-agent (${which || 'it has none'})` : `not the key ${which}`;
  return new Failure('failed-precondition', 'SIGNING_KEY_UNKNOWN', `nobody signs: ${what} is registered here`, {
    field: '--key',
    value: which,
    hint: 'name another with --key, or have it registered: assay human key add NAME --file FILE.pub',
  });
}

function several(found: readonly Signer[]): Failure {
  const which = found.map(({ human, key }) => `${key.fingerprint} of ${human}`).join(', ');
  return new Failure('invalid-argument', 'SIGNING_KEY_NOT_NAMED', `the ssh-agent has several keys: ${which}`, {
    field: '--key',
    value: which,
    hint: 'say which: --key FILE',
  });
}
