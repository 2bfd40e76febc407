// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { armor } from '../../src/approvals/armor.ts';
import { type Enrolment, strengthOf, strengthWords } from '../../src/approvals/key-strength.ts';
import { verifySshsig } from '../../src/approvals/sshsig.ts';
import { NAMESPACE, newSshKey, rawSshsig } from '../support/sshsig.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('key-strength');
const plain: Enrolment = { highest: 1, proof: 'none' };
const flags = (
  present: boolean,
  verified: boolean,
): { readonly sk: { present: boolean; verified: boolean; counter: number } } => ({
  sk: { present, verified, counter: 1 },
});

describe('the strength of a signature', () => {
  it('C3: is that of software where software signed as a security key, though ssh-keygen says Good', () => {
    const forged = newSshKey('sk-ssh-ed25519@openssh.com');
    const signature = armor(rawSshsig(forged, 'approve', { flags: 0x05 }));
    writeFileSync(join(dir, 'allowed'), `agent ${forged.type} ${forged.blob}\n`);
    writeFileSync(join(dir, 'sig'), signature);
    const args = ['-Y', 'verify', '-f', join(dir, 'allowed'), '-I', 'agent', '-n', NAMESPACE, '-s', join(dir, 'sig')];
    expect(execFileSync('ssh-keygen', args, { input: 'approve', encoding: 'utf8' })).toContain('Good');
    const good = verifySshsig(signature, Buffer.from('approve'), NAMESPACE);
    expect(good.sk).toEqual({ present: true, verified: true, counter: 7 });
    expect(strengthOf(good, plain)).toBe(1);
    expect(strengthOf(good, { highest: 3, proof: 'none' })).toBe(1);
  });

  it.each<[string, Enrolment, number, number, number]>([
    ['enrolled without proof', plain, 1, 1, 1],
    ['stated by an operator for touch', { highest: 2, proof: 'stated' }, 1, 2, 2],
    ['stated by an operator for more', { highest: 3, proof: 'stated' }, 1, 2, 3],
    ['attested for touch', { highest: 2, proof: 'attested' }, 1, 2, 2],
    ['attested for more', { highest: 3, proof: 'attested' }, 1, 2, 3],
    ['attested, and held to what a key in a file is', { highest: 1, proof: 'attested' }, 1, 1, 1],
  ])('C3: of a key %s', (_, enrolment, untouched, touched, verified) => {
    expect(strengthOf(flags(false, false), enrolment)).toBe(untouched);
    expect(strengthOf(flags(false, true), enrolment)).toBe(untouched);
    expect(strengthOf(flags(true, false), enrolment)).toBe(touched);
    expect(strengthOf(flags(true, true), enrolment)).toBe(verified);
    expect(strengthOf({ sk: undefined }, enrolment)).toBe(1);
  });

  it('C3: is told as unattested where it rests on a word', () => {
    expect(strengthWords(2, { highest: 2, proof: 'stated' })).toBe('2 (touched), unattested');
    expect(strengthWords(3, { highest: 3, proof: 'attested' })).toBe('3 (touched, and knew who)');
    expect(strengthWords(1, plain)).toBe('1 (a key)');
  });
});
