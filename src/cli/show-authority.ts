// SPDX-License-Identifier: Apache-2.0
/** Authorities as JSON and in words. */
import type { WireAuthority } from '../api/admin/wire-authority.ts';
import { toPem } from '../x509/pem.ts';
import type { Io } from './io.ts';
import { instant, printFields, when } from './print.ts';

export function authorityJson(authority: WireAuthority): object {
  const time = (value: string | undefined): string | null => (value === undefined ? null : instant(Number(value)));
  return {
    id: authority.id,
    kind: authority.kind,
    slot: authority.slot,
    key_type: authority.key_type,
    key_held: authority.key_held,
    not_before: time(authority.not_before),
    not_after: time(authority.not_after),
    prepared_at: time(authority.prepared_at),
    activated_at: time(authority.activated_at),
    old_at: time(authority.old_at),
    tainted_at: time(authority.tainted_at),
    last_svid_not_after: authority.last_svid_not_after === '0' ? null : time(authority.last_svid_not_after),
    pem:
      authority.kind === 'x509'
        ? toPem('CERTIFICATE', authority.certificate)
        : toPem('PUBLIC KEY', authority.public_key),
  };
}

export function printAuthority(io: Io, authority: WireAuthority): void {
  const now = io.now();
  const time = (value: string | undefined): string | undefined =>
    value === undefined ? undefined : when(Number(value), now);
  printFields(io, [
    ['authority', authority.id],
    ['slot', authority.slot],
    ['key', `${authority.key_type}${authority.key_held ? '' : ', lost: it cannot sign'}`],
    ['prepared', time(authority.prepared_at)],
    ['activated', time(authority.activated_at)],
    ['replaced', time(authority.old_at)],
    ['tainted', time(authority.tainted_at)],
    ['ends', time(authority.not_after)],
    [
      'its SVIDs end',
      authority.slot === 'old' && authority.last_svid_not_after !== '0'
        ? time(authority.last_svid_not_after)
        : undefined,
    ],
  ]);
}
