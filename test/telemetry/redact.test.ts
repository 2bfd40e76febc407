// SPDX-License-Identifier: Apache-2.0
/** I10: what a log line may not carry. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Failure } from '../../src/lib/failure.ts';
import { isSecretName, REDACTED, scrub } from '../../src/telemetry/redact.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const der = privateKey.export({ format: 'der', type: 'pkcs8' });
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

const shown = (value: unknown): string => JSON.stringify(scrub(value));

describe('scrub', () => {
  it.each([
    ['a value under a secret name', { token: 'canary' }],
    ['a secret name at any depth', { a: { b: [{ privateKey: 'canary' }] } }],
    ['a secret name in a Map', { env: new Map([['PASSWORD', 'canary']]) }],
    ['selectors, which may hold secrets', { selectors: ['docker:env:KEY=canary'] }],
    ['a secret name in an error’s cause', { err: new Error('x', { cause: { secret: 'canary' } }) }],
  ])('I10: leaves out %s', (_, fields) => {
    expect(shown(fields)).not.toContain('canary');
    expect(shown(fields)).toContain(REDACTED);
  });

  it('I10: shows bytes by their number alone', () => {
    expect(scrub({ key: der })).toEqual({ key: `[${der.length} bytes]` });
    expect(scrub({ a: new Uint8Array(3), b: new DataView(new ArrayBuffer(5)) })).toEqual({
      a: '[3 bytes]',
      b: '[5 bytes]',
    });
  });

  it('I10: leaves out a PEM private key inside a text, a message and a stack', () => {
    for (const value of [{ note: `before ${pem} after` }, new Error(pem), { err: new Failure('internal', 'X', pem) }]) {
      expect(shown(value)).not.toContain(pem.split('\n')[1]);
    }
  });

  it('I10: shows a key object by its class alone', () => {
    expect(shown({ it: createPrivateKey(pem) })).not.toMatch(/[A-Za-z0-9+/]{30}/);
  });

  it('B7: keeps names such as __proto__ as names', () => {
    const clean = scrub({
      labels: new Map([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]),
    });
    expect(JSON.stringify(clean)).toBe('{"labels":{"__proto__":"x","constructor":"y"}}');
  });

  it('I9: bounds depth, members and text', () => {
    type Nest = { in?: Nest };
    const deep: Nest = {};
    let at = deep;
    for (let i = 0; i < 1_000; i++) at = at.in = {};
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i]));
    for (const value of [deep, wide, { text: 'x'.repeat(1e6) }, { list: Array(1e5).fill(1) }]) {
      expect(shown(value).length).toBeLessThan(10_000);
    }
  });

  it('I9: survives an object that holds itself', () => {
    const own: { self?: object } = {};
    own.self = own;
    expect(shown(own)).toContain('[deep]');
  });

  it('shows a value type by its text', () => {
    const id = new (class SpiffeId {
      toString = (): string => 'spiffe://example.org/a';
    })();
    expect(scrub({ id })).toEqual({ id: '[SpiffeId]' });
    class Named {
      toString(): string {
        return 'named';
      }
    }
    expect(scrub({ it: new Named(), n: 5n, at: new Date(0) })).toEqual({
      it: 'named',
      n: '5',
      at: '1970-01-01T00:00:00.000Z',
    });
  });
});

describe('isSecretName', () => {
  it.each(['private_key', 'privateKey', 'PRIVATE-KEY', 'x509_svid_key', 'Selectors', 'token'])('knows %s', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each(['key', 'keyType', 'serial', 'spiffeId', 'pid', 'tokens_used'])('leaves %s alone', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});
