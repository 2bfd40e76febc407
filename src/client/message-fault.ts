// SPDX-License-Identifier: Apache-2.0
/** What is said of a message of the Workload API that is discarded: the field at fault, and why (WAPI-38). */
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Failure, quote } from '../lib/failure.ts';

/** Says in which field of the message something else was found wrong. */
export function within<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw messageFault(field, error instanceof Error ? error.message : String(error), error);
  }
}

export function messageFault(field: string, why: string, cause?: unknown): Failure {
  return new Failure(
    'invalid-argument',
    'WORKLOAD_API_MESSAGE_INVALID',
    `the daemon sent a message with a bad ${field}: ${why}`,
    {
      field,
      cause,
      hint: 'the message was discarded whole; look at the log of the daemon',
    },
  );
}

/** The key of a map of bundles: a trust domain ID without a path, such as `spiffe://example.org` (CLI-06). */
export function readBundleKey(map: string, key: string): TrustDomain {
  const field = `${map}[${quote(key)}]`;
  const id = within(field, () => SpiffeId.parse(key));
  // guard: CLI-06 test/client/x509-state.test.ts
  if (id.path !== '') throw messageFault(field, 'the key is no trust domain ID: it has a path');
  return id.trustDomain;
}
