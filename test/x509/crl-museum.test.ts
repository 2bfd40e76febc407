// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Failure } from '../../src/lib/failure.ts';
import { parseCrl } from '../../src/x509/crl-parse.ts';
import { refusalOf } from '../support/refusal.ts';

interface Museum {
  good: string;
  hostile: { name: string; reason: string; der: string }[];
}
const museum = JSON.parse(
  readFileSync(new URL('../vectors/x509/hostile-crls.json', import.meta.url), 'utf8'),
) as Museum;
const good = Buffer.from(museum.good, 'hex');

describe('a revocation list', () => {
  it('WAPI-39: of the museum is good before anything is wrong with it', () => {
    const { revoked, number, aki } = parseCrl(good);
    expect([[...revoked.keys()], number, aki.toString('latin1')]).toEqual([['41'], 7n, 'AB']);
  });

  it.each(museum.hostile.map(({ name, reason, der }) => [name, reason, der]))(
    'WAPI-39: is refused for %s',
    (_, reason, der) => {
      const failure = refusalOf(() => parseCrl(Buffer.from(der, 'hex')));
      expect(failure).toMatchObject({ kind: 'invalid-argument', reason: 'CRL_INVALID' });
      expect(failure.message).toContain(reason);
    },
  );
});

/** Some bytes of `good` put in, taken out or overwritten, several times over. */
const edits = fc.array(
  fc.record({
    at: fc.nat(good.length),
    drop: fc.nat(6),
    put: fc.uint8Array({ maxLength: 6 }),
  }),
  { minLength: 1, maxLength: 8 },
);

function edited(all: readonly { at: number; drop: number; put: Uint8Array }[]): Buffer {
  return all.reduce<Buffer>(
    (der, { at, drop, put }) => Buffer.concat([der.subarray(0, at), put, der.subarray(at + drop)]),
    good,
  );
}

/** The refusal of it, or undefined where it is read; anything else that is thrown fails the test. */
function reasonFor(der: Buffer): string | undefined {
  try {
    parseCrl(der);
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error.reason;
    throw error;
  }
}

describe('whatever came in place of a revocation list', () => {
  it('WAPI-39: is read or refused with the room’s own failure, when bytes of it were changed', () => {
    let refused = 0;
    fc.assert(
      fc.property(edits, (all) => {
        const reason = reasonFor(edited(all));
        if (reason !== undefined) refused += 1;
        return reason === undefined || reason === 'CRL_INVALID';
      }),
      { numRuns: 5_000 },
    );
    expect(refused).toBeGreaterThan(4_000);
  });

  it('WAPI-39: is refused when it is nothing but noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => reasonFor(Buffer.from(noise)) === 'CRL_INVALID'),
      { numRuns: 2_000 },
    );
  });
});
