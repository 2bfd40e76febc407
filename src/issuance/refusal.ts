// SPDX-License-Identifier: Apache-2.0
/** The words for "no": one sentence for the caller, with a reason a program can read. */
import { Failure } from '../lib/failure.ts';
import type { EndReason, ProcessHandle } from '../peer/process-handle.ts';
import type { Match } from '../registry/match.ts';

/** No grant: PERMISSION_DENIED (Workload API section 6; I7). Says nothing about entries that are not the caller's own. */
export function noIdentity(process: ProcessHandle, match: Match): Failure {
  const own = match.refused[0];
  if (own !== undefined) {
    return new Failure('permission-denied', own.reason, `no identity issued: ${own.text}`, {
      hint: `an operator sees it with: assay identity show ${own.spiffeId}`,
    });
  }
  return new Failure(
    'permission-denied',
    'NO_ENTRY_MATCHES',
    `no identity issued: no registration entry describes this process (pid ${process.pid}, uid ${process.uid})`,
    { hint: 'an operator can register it with: assay entry create --spiffe-id ID --selector unix:uid:N' },
  );
}

/** WAPI-23: an identity that was asked for by name. */
export function notGranted(spiffeId: string): Failure {
  return new Failure('permission-denied', 'NOT_GRANTED', `this process is not granted the identity ${spiffeId}`, {
    field: 'spiffe_id',
    value: spiffeId,
    hint: 'leave spiffe_id empty to have all that it is granted',
  });
}

/** The caller is no longer the process that connected (attack A2): nothing more is sent to it. */
export function callerChanged(process: ProcessHandle, reason: EndReason): Failure {
  return new Failure(
    'unavailable',
    'CALLER_CHANGED',
    `the process that opened this connection (pid ${process.pid}) is no longer the same: ${reason}`,
    { hint: 'open a new connection' },
  );
}
