// SPDX-License-Identifier: Apache-2.0
/** What makes a finding, and what makes it the same one as before. */
import { describe, expect, it } from '@jest/globals';
import {
  humanUse,
  newBinary,
  programOf,
  replay,
  type Subject,
  sharedCredential,
  staticSecret,
} from '../../src/detectors/rules.ts';

const SUBJECT: Subject = { identity: 'spiffe://td/a', kind: 'service', pid: 7, uid: 1000 };
const AGENT: Subject = { ...SUBJECT, kind: 'agent' };

describe('static-secret', () => {
  it('C5: is found by name', () => {
    expect(staticSecret(SUBJECT, { outcome: 'found', names: ['DB_PASSWORD'] })).toEqual({
      detector: 'static-secret',
      identity: 'spiffe://td/a',
      key: { outcome: 'found', names: ['DB_PASSWORD'] },
      evidence: { outcome: 'found', names: ['DB_PASSWORD'], pid: 7, uid: 1000 },
    });
  });

  it('C5: counts what cannot be read as found for an agent, and for nobody else', () => {
    const environment = { outcome: 'unreadable', reason: 'it reads empty' } as const;
    expect(staticSecret(SUBJECT, environment)).toBeUndefined();
    expect(staticSecret(AGENT, environment)).toMatchObject({ evidence: { outcome: 'unreadable' } });
    expect(staticSecret(AGENT, { outcome: 'none-seen' })).toBeUndefined();
  });
});

describe('human-use', () => {
  it.each([
    [{ attached: true, login: 'sshd' }, true],
    [{ attached: true, login: undefined }, false],
    [{ attached: false, login: 'sshd' }, false],
  ])('NHI10: of %j is %s', (terminal, is) => {
    expect(humanUse(SUBJECT, terminal) !== undefined).toBe(is);
  });
});

describe('the program of a process', () => {
  const executable = { device: 8n, inode: 9n };

  it('is its content where a look had it, else the file', () => {
    const facts = { unix: { sha256: 'ab', path: '/bin/a' } };
    expect(programOf(facts, executable)).toEqual({ binary: 'sha256:ab', path: '/bin/a' });
    expect(programOf({ unix: { path: '/bin/a' } }, executable)).toEqual({ binary: 'file:8:9', path: '/bin/a' });
    expect(programOf({}, executable)).toEqual({ binary: 'file:8:9', path: undefined });
    expect(programOf({}, undefined)).toBeUndefined();
  });

  it('is told by itself, not by who ran it', () => {
    const { key, evidence } = newBinary(SUBJECT, { binary: 'sha256:ab', path: '/bin/a' });
    expect(key).toEqual({ binary: 'sha256:ab' });
    expect(evidence).toEqual({ binary: 'sha256:ab', path: '/bin/a', pid: 7, uid: 1000 });
  });
});

describe('shared-credential', () => {
  const a = { binary: 'file:8:1', path: '/bin/a' };
  const b = { binary: 'file:8:2', path: '/bin/b', pid: 8 };

  it('NHI9: is two programs that have neither content nor place in common, in any order', () => {
    const one = sharedCredential(SUBJECT, 'e1', a, b);
    expect(one).toMatchObject({
      key: { entry: 'e1', programs: ['/bin/a', '/bin/b'] },
      evidence: { pids: [7, 8] },
    });
    const other = sharedCredential({ ...SUBJECT, pid: 8 }, 'e1', b, { ...a, pid: 7 });
    expect(other?.key).toEqual(one?.key);
  });

  it.each([
    ['the same place, as after an upgrade', { ...b, path: '/bin/a' }],
    ['the same content elsewhere', { ...b, binary: 'file:8:1' }],
  ])('is not %s', (_, other) => expect(sharedCredential(SUBJECT, 'e1', a, other)).toBeUndefined());

  it('is two files of which no place is known', () => {
    const nowhere = { path: undefined };
    expect(sharedCredential(SUBJECT, 'e1', { ...a, ...nowhere }, { ...b, ...nowhere })).toBeDefined();
  });
});

it('B8: replay-after-revocation is of the task and of the identity that it lent, where the serial is of a credential of its', () => {
  const lent = { task: 'T1', identity: 'spiffe://td/agent', subject: 'spiffe://td/agent/task/T1' };
  const what = { kind: 'jwt', serial: 'ab', by: 'uid:1' } as const;
  const ours = replay({ ...what, identity: lent.subject }, lent);
  expect([ours.identity, ours.task]).toEqual(['spiffe://td/agent', 'T1']);
  const foreign = replay({ ...what, identity: 'spiffe://elsewhere/x' }, lent);
  expect([foreign.identity, foreign.task]).toEqual(['spiffe://elsewhere/x', undefined]);
});

it('replay-after-revocation is of one credential, whoever shows it', () => {
  const one = replay({ kind: 'x509', serial: 'ab', identity: 'spiffe://td/a', by: 'spiffe://td/b' });
  expect(one).toMatchObject({ detector: 'replay-after-revocation', key: { kind: 'x509', serial: 'ab' } });
  expect(one.evidence).toEqual({ kind: 'x509', serial: 'ab', by: 'spiffe://td/b' });
});
