// SPDX-License-Identifier: Apache-2.0
/** Keys and tokens for tests, well formed or not: whatever header and payload it is given, it signs. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JwsAlgorithm, signJws } from '../../src/jwt/algorithms.ts';
import type { JwtKey } from '../../src/jwt/key.ts';

const CURVE = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;

export interface TestJwtKey extends JwtKey {
  readonly alg: JwsAlgorithm;
  readonly privateKey: KeyObject;
  readonly sign: (input: Buffer) => Buffer | Promise<Buffer>;
}

export function newJwtKey(alg: JwsAlgorithm = 'ES256', kid = `${alg}-1`): TestJwtKey {
  const { privateKey, publicKey } = newPair(alg);
  return { alg, kid, privateKey, publicKey, sign: (input) => signJws(alg, privateKey, input) };
}

function newPair(alg: JwsAlgorithm): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const namedCurve = alg.startsWith('ES') ? CURVE[alg as keyof typeof CURVE] : undefined;
  if (namedCurve === undefined) return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return generateKeyPairSync('ec', { namedCurve });
}

export const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Header and payload as objects, or as the text to stand there; signed by `key`, whatever they say. */
export async function rawToken(key: TestJwtKey, header: unknown, payload: unknown): Promise<string> {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${(await key.sign(Buffer.from(input))).toString('base64url')}`;
}
