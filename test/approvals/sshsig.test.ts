// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { armor, unarmor } from '../../src/approvals/armor.ts';
import { verifySshsig } from '../../src/approvals/sshsig.ts';
import { Failure } from '../../src/lib/failure.ts';
import { parseSshKey } from '../../src/lib/ssh-key.ts';
import { refusalOf } from '../support/refusal.ts';
import { KEY_TYPES, NAMESPACE, newSshKey, rawSshsig } from '../support/sshsig.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Museum {
  readonly message: string;
  readonly namespace: string;
  readonly good: readonly { readonly type: string; readonly key: string; readonly signature: string }[];
  readonly hostile: readonly { readonly name: string; readonly says: string; readonly signature: string }[];
}
const museum = JSON.parse(readFileSync(new URL('../vectors/sshsig/hostile.json', import.meta.url), 'utf8')) as Museum;
const dir = tempDir('sshsig');
const message = Buffer.from('{"what":"a statement","v":1}');

/** As ssh-keygen writes it. */
function signedBySshKeygen(type: string, ...more: string[]): { readonly line: string; readonly signature: string } {
  const key = join(dir, `${type}${more.join('')}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', key]);
  const signature = execFileSync('ssh-keygen', ['-Y', 'sign', '-f', key, '-n', NAMESPACE, ...more], { input: message });
  return { line: readFileSync(`${key}.pub`, 'utf8'), signature: signature.toString() };
}

/** What ssh-keygen says of it; throws where it does not take it. */
function sshKeygenVerifies(line: string, signature: string): string {
  const allowed = join(dir, 'allowed');
  const file = join(dir, 'signature');
  writeFileSync(allowed, `alice namespaces="${NAMESPACE}" ${line}\n`);
  writeFileSync(file, signature);
  const args = ['-Y', 'verify', '-f', allowed, '-I', 'alice', '-n', NAMESPACE, '-s', file];
  return execFileSync('ssh-keygen', args, { input: message, encoding: 'utf8', stdio: 'pipe' });
}

describe('a signature of ssh-keygen', () => {
  it.each([
    ['ed25519', []],
    ['ecdsa', []],
    ['ed25519', ['-O', 'hashalg=sha256']],
    ['ecdsa', ['-O', 'hashalg=sha256']],
  ] as const)('is good, by the key that its .pub file has: %s %j', (type, more) => {
    const { line, signature } = signedBySshKeygen(type, ...more);
    const found = verifySshsig(signature, message, NAMESPACE);
    const key = parseSshKey(line);
    expect(found).toEqual({ keyBlob: key.blob, keyType: key.type, fingerprint: key.fingerprint, sk: undefined });
  });

  it('is written again as it was', () => {
    const { signature } = signedBySshKeygen('ed25519', '-q');
    expect(armor(unarmor(signature))).toBe(signature);
  });
});

describe('a signature made here', () => {
  it.each(KEY_TYPES)('is good for ssh-keygen as for us: %s', (type) => {
    const key = newSshKey(type);
    for (const hashName of ['sha256', 'sha512'] as const) {
      const signature = armor(rawSshsig(key, message, { hashName }));
      expect(verifySshsig(signature, message, NAMESPACE).keyBlob).toBe(key.blob);
      expect(sshKeygenVerifies(`${type} ${key.blob}`, signature)).toContain('Good');
    }
  });

  it.each([
    [0x00, false, false],
    [0x01, true, false],
    [0x04, false, true],
    [0x05, true, true],
    [0x1d, true, true],
  ])('by a security key tells its flags and its counter: %i', (flags, present, verified) => {
    for (const type of KEY_TYPES.slice(2)) {
      const signature = armor(rawSshsig(newSshKey(type), message, { flags, counter: 4_000_000_000 }));
      expect(verifySshsig(signature, message, NAMESPACE).sk).toEqual({ present, verified, counter: 4_000_000_000 });
    }
  });

  it('is good though the numbers in it are short', () => {
    const key = newSshKey('ecdsa-sha2-nistp256');
    for (let at = 0; at < 600; at += 1)
      expect(verifySshsig(armor(rawSshsig(key, message)), message, NAMESPACE).keyBlob).toBe(key.blob);
  });
});

describe('the museum of signatures', () => {
  const bytes = Buffer.from(museum.message);

  it.each(museum.good.map((one) => [one.type, one] as const))('has a good one: %s', (_, one) => {
    expect(verifySshsig(one.signature, bytes, museum.namespace).keyBlob).toBe(one.key);
  });

  it.each(museum.hostile.map((one) => [one.name, one] as const))('C3, C4: refuses one with %s', (_, one) => {
    const refusal = refusalOf(() => verifySshsig(one.signature, bytes, museum.namespace));
    expect(['SSHSIG_INVALID', 'HUMAN_KEY_INVALID']).toContain(refusal.reason);
    expect(refusal.message).toMatch(new RegExp(one.says));
    expect(refusal.message).toMatch(/^[\x20-\x7e…]*$/);
  });

  it('C3: refuses each with any one bit turned, or throws nothing but a Failure', () => {
    for (const { signature } of museum.good) {
      const raw = unarmor(signature);
      fc.assert(
        fc.property(fc.nat(raw.length * 8 - 1), (bit) => {
          const turned = Buffer.from(raw);
          turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7));
          expect(() => verifySshsig(armor(turned), bytes, museum.namespace)).toThrow(Failure);
        }),
        { numRuns: 300 },
      );
    }
  });

  it('I9: nothing that is no signature does more than be refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (random) => {
        for (const start of ['', 'SSHSIG\0\0\0\x01']) {
          const raw = Buffer.concat([Buffer.from(start), random]);
          expect(() => verifySshsig(armor(raw), bytes, museum.namespace)).toThrow(Failure);
        }
      }),
    );
  });
});
