// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseSshKey } from '../../src/registry/ssh-key.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('ssh-key');
const refusal = expect.objectContaining({ reason: 'HUMAN_KEY_INVALID' });

function generated(type: string, ...more: string[]): string {
  const path = join(dir, `${type}${more.join('')}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, ...more, '-N', '', '-C', 'alice at work', '-f', path]);
  return `${path}.pub`;
}

/** Strings, each after its length. */
function blobOf(...parts: readonly (string | Buffer)[]): string {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, Buffer.from(part as string)];
    }),
  ).toString('base64');
}

describe('an SSH public key', () => {
  it.each([['ed25519'], ['ecdsa', '-b', '256']])(
    'of ssh-keygen is read, with the fingerprint that it prints: %s',
    (...type) => {
      const file = generated(type[0] as string, ...type.slice(1));
      const [, fingerprint] = execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }).split(' ');
      expect(parseSshKey(readFileSync(file, 'utf8')).fingerprint).toBe(fingerprint);
    },
  );

  it('of a security key is read', () => {
    const ed = 'sk-ssh-ed25519@openssh.com';
    expect(parseSshKey(`${ed} ${blobOf(ed, Buffer.alloc(32, 1), 'ssh:')} me`).type).toBe(ed);
    const ec = 'sk-ecdsa-sha2-nistp256@openssh.com';
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
    expect(parseSshKey(`${ec} ${blobOf(ec, 'nistp256', point, 'ssh:')}`).type).toBe(ec);
  });

  it('C3: of RSA, or of a curve that approvals are not checked with, is refused', () => {
    for (const type of [
      ['rsa', '-b', '2048'],
      ['ecdsa', '-b', '384'],
    ] as const)
      expect(() => parseSshKey(readFileSync(generated(type[0], type[1], type[2]), 'utf8'))).toThrow(refusal);
  });

  const ed = 'ssh-ed25519';
  const good = `${ed} ${blobOf(ed, Buffer.alloc(32, 1))}`;
  it.each([
    ['nothing', ''],
    ['options before it', `no-pty ${good}`],
    ['two lines', `${good}\n${good}`],
    ['no base64', `${ed} !!!`],
    ['base64 with spare bits', good.replace(/.$/, '=')],
    ['another kind within', `${ed} ${blobOf('ssh-rsa', Buffer.alloc(32, 1))}`],
    ['a key too short', `${ed} ${blobOf(ed, Buffer.alloc(31, 1))}`],
    ['more behind it', `${ed} ${blobOf(ed, Buffer.alloc(32, 1), 'x')}`],
    ['a length past its end', `${ed} ${Buffer.from('0000000fabc', 'hex').toString('base64')}`],
    ['another curve', `ecdsa-sha2-nistp256 ${blobOf('ecdsa-sha2-nistp256', 'nistp384', Buffer.alloc(65, 4))}`],
    ['a point off its curve', `ecdsa-sha2-nistp256 ${blobOf('ecdsa-sha2-nistp256', 'nistp256', Buffer.alloc(65, 4))}`],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ])('C3: is refused where it is %s', (_, line) => {
    expect(() => parseSshKey(line)).toThrow(refusal);
  });

  it('I9: is refused where it is longer than any', () => {
    expect(() => parseSshKey(`${good} ${'x'.repeat(5_000)}`)).toThrow(/longer than 4096/);
  });
});
