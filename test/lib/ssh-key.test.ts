// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseSshKey, readSshKey } from '../../src/lib/ssh-key.ts';
import { sshStrings } from '../../src/lib/ssh-wire.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('ssh-key');
const refusal = expect.objectContaining({ reason: 'HUMAN_KEY_INVALID' });

function generated(type: string, ...more: string[]): string {
  const path = join(dir, `${type}${more.join('')}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, ...more, '-N', '', '-C', 'alice at work', '-f', path]);
  return `${path}.pub`;
}

const blobOf = (...parts: readonly (string | Buffer)[]): string => sshStrings(...parts).toString('base64');

const wrapped = (bytes: Buffer): string => bytes.toString('base64').replace(/.{70}/g, '$&\n');

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
    ['no kind within', `${ed} ${blobOf(Buffer.alloc(32, 1))}`],
    ['another kind that is taken within', `ecdsa-sha2-nistp256 ${blobOf(ed, Buffer.alloc(32, 1))}`],
    ['a compressed point', `ecdsa-sha2-nistp256 ${blobOf('ecdsa-sha2-nistp256', 'nistp256', Buffer.alloc(33, 2))}`],
    [
      'a security key for a web site',
      `sk-${ed}@openssh.com ${blobOf(`sk-${ed}@openssh.com`, Buffer.alloc(32, 1), 'bank.test')}`,
    ],
    ['a security key for nothing', `sk-${ed}@openssh.com ${blobOf(`sk-${ed}@openssh.com`, Buffer.alloc(32, 1))}`],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ])('C3: is refused where it is %s', (_, line) => {
    expect(() => parseSshKey(line)).toThrow(refusal);
  });

  it('I9: is refused where it is longer than any', () => {
    expect(() => parseSshKey(`${good} ${'x'.repeat(5_000)}`)).toThrow(/longer than 4096/);
  });

  it('C3: of small order is refused, for which a signature is good that nobody made', () => {
    // A is the neutral element, R the base point and S one: R = S·B − h·A for each h (RFC 8032 section 5.1.7).
    const neutral = Buffer.alloc(32);
    neutral[0] = 1;
    const base = Buffer.alloc(32, 0x66);
    base[0] = 0x58;
    const point = sshStrings(ed, neutral);
    const sshsig = Buffer.concat([
      Buffer.from('SSHSIG\0\0\0\x01'),
      sshStrings(point, 'x', '', 'sha512', sshStrings(ed, Buffer.concat([base, neutral]))),
    ]);
    const signature = join(dir, 'nobody.sig');
    const allowed = join(dir, 'allowed');
    writeFileSync(signature, `-----BEGIN SSH SIGNATURE-----\n${wrapped(sshsig)}\n-----END SSH SIGNATURE-----\n`);
    writeFileSync(allowed, `nobody ${ed} ${point.toString('base64')}\n`);
    const args = ['-Y', 'verify', '-f', allowed, '-I', 'nobody', '-n', 'x', '-s', signature];
    expect(execFileSync('ssh-keygen', args, { input: 'anything', encoding: 'utf8' })).toContain('Good');
    for (const sign of [0, 0x80]) {
      const either = Buffer.from(neutral);
      either[31] = sign;
      expect(() => parseSshKey(`${ed} ${blobOf(ed, either)}`)).toThrow(/small order/);
      expect(() => readSshKey(sshStrings(ed, either))).toThrow(/small order/);
    }
  });
});
