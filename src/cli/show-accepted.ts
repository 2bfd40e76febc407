// SPDX-License-Identifier: Apache-2.0
/** What was done to a data folder that had gone back. */
import type { Accepted } from '../daemon/catalog.ts';
import type { Io } from './io.ts';
import { type Format, printFields, printJson } from './print.ts';

export function saysAccepted(io: Io, output: Format, { numbers, authoritiesRemoved, putAside }: Accepted): void {
  if (output === 'json') {
    printJson(io, { numbers, authorities_removed: authoritiesRemoved, put_aside: putAside });
    return;
  }
  const { change, bundle, issuance, events } = numbers;
  printFields(io, [
    ['goes on at', `change ${change}, bundle ${bundle}, issuance ${issuance}, events ${events}`],
    ['authorities removed', authoritiesRemoved.length === 0 ? 'none' : authoritiesRemoved.join(' ')],
    ['put aside', putAside.length === 0 ? 'nothing' : putAside.join(' ')],
  ]);
  if (authoritiesRemoved.length > 0)
    io.talk(
      'the next start makes new authorities, which nobody has heard of: workloads with an open stream get them at once, files and other trust domains when they look next\n',
    );
}
