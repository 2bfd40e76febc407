// SPDX-License-Identifier: Apache-2.0
/** `owner` and `group`: names or numbers of this machine. */
import type { AccountNames } from '../config/accounts.ts';
import type { SectionReader } from './section-reader.ts';
import type { Owner } from './settings.ts';

const NUMBER = /^\d{1,10}$/;
/** 2^32 - 1 is "no uid" to the kernel (chown(2)). */
const HIGHEST = 2 ** 32 - 2;

export async function readOwner(reader: SectionReader, accounts: AccountNames): Promise<Owner> {
  const owner = reader.text('owner');
  const group = reader.text('group');
  return {
    uid: owner === undefined ? undefined : await idOf(reader, 'owner', owner, () => accounts.uid(owner)),
    gid: group === undefined ? undefined : await idOf(reader, 'group', group, () => accounts.gid(group)),
  };
}

async function idOf(
  reader: SectionReader,
  key: string,
  text: string,
  look: () => Promise<number | undefined>,
): Promise<number | undefined> {
  const id = NUMBER.test(text) ? Number(text) : await look();
  if (id !== undefined && id <= HIGHEST) return id;
  reader.refuse(key, 'is nobody on this machine', 'give a name that there is, or a number');
  return undefined;
}
