// SPDX-License-Identifier: Apache-2.0
/** What a step made of an identity, and who has taken it over. */
import type { WireStepped } from '../api/admin/wire-identity.ts';
import type { Io } from './io.ts';
import { type Format, plain, printJson } from './print.ts';
import { identityJson, printIdentity } from './show-entry.ts';

export function showStepped(io: Io, { output }: { readonly output: Format }, stepped: WireStepped): number {
  const { identity, owner_who_left: left } = stepped;
  if (output === 'json') {
    printJson(io, { identity: identityJson(identity), owner_who_left: left === '' ? null : left });
    return 0;
  }
  printIdentity(io, identity);
  if (left !== '') io.talk(`${plain(left)} has left: the deputy, ${plain(identity.owner)}, is the owner now\n`);
  return 0;
}
