// SPDX-License-Identifier: Apache-2.0
/** Keys that somebody vouches for, on a real store. The security keys are in software: what an attacker can make as well. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { armor } from '../../src/approvals/armor.ts';
import { parseKeyStatement } from '../../src/approvals/enrolment.ts';
import { Enrolments, enrolmentOf } from '../../src/ballots/enrolments.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { sshFingerprint } from '../../src/lib/ssh-key.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR } from '../support/lone.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { newSshKey, rawSshsig, type TestSshKey } from '../support/sshsig.ts';
import { tempDir } from '../support/temp-dir.ts';

const ROOT = { uid: 0, pid: 7 };
const SK = 'sk-ssh-ed25519@openssh.com';
const WHY = 'blue token, made in my presence';
const top = tempDir('enrolments');
const keys = { alice: newSshKey(SK), bob: newSshKey(SK), carol: newSshKey('ssh-ed25519') } as const;
const printOf = (name: keyof typeof keys): string => sshFingerprint(keys[name].bytes);
let count = 0;
let w: Awaited<ReturnType<typeof world>>;

async function world() {
  count += 1;
  const clock = new FakeClock();
  const dataDir = `${top}/${count}`;
  const rooms = await lone({ dataDir, clock });
  const { people } = rooms.registry;
  for (const [name, key] of Object.entries(keys)) {
    await people.add({ name, uids: [], teams: [] }, OPERATOR);
    await people.addKey(name, `${key.type} ${key.blob}`, OPERATOR);
  }
  const told = { trustDomain: 'example.org', log: 'example.org/log/1' };
  return {
    ...rooms,
    dataDir,
    clock,
    people,
    enrolments: new Enrolments({ people, ...told, clock, random: systemRandom }),
  };
}

beforeEach(async () => {
  w = await world();
});
afterEach(() => w.close());

const bobs = (highest: 2 | 3 = 2) => ({ human: 'bob', fingerprint: printOf('bob'), highest, because: WHY });
const first = (highest: 2 | 3 = 3) => ({ human: 'alice', fingerprint: printOf('alice'), highest });
const signed = (statement: string, key: TestSshKey = keys.alice, flags = 5) => ({
  statement,
  signature: armor(rawSshsig(key, statement, { namespace: 'enrolment@example.org', flags })),
});
const worth = (name: keyof typeof keys) => enrolmentOf(w.people.keyOf(name, printOf(name)));

describe('a security key', () => {
  it('C3: is worth what software is until somebody vouches for it, then what was signed, also over a restart', async () => {
    expect(worth('bob')).toEqual({ highest: 1, proof: 'none' });
    await w.enrolments.bootstrap(first(), ROOT);
    expect(worth('alice')).toEqual({ highest: 3, proof: 'stated' });
    const text = w.enrolments.ask(bobs(), 'alice');
    expect(parseKeyStatement(text)).toMatchObject({ human: 'bob', highest: 2, because: WHY, by: 'alice' });
    const human = await w.enrolments.submit(signed(text), OPERATOR);
    expect(human.keys[0]?.vouched).toMatchObject({ highest: 2, statement: text });
    expect(worth('bob')).toEqual({ highest: 2, proof: 'stated' });
    const kinds = w.store.audit.events({ kind: 'human.key_vouch' }, { limit: 9 }).rows;
    expect(kinds).toHaveLength(2);
    expect(w.store.humans.load().find(({ name }) => name === 'bob')).toEqual(human);
  });

  it('C3: is vouched for by root once, and then by nobody without a key that counts for as much', async () => {
    await w.enrolments.bootstrap(first(2), ROOT);
    const again = await refusalOfAsync(() => w.enrolments.bootstrap(bobs(), ROOT));
    expect(again.reason).toBe('ENROLMENT_TOO_WEAK');
    const more = signed(w.enrolments.ask(bobs(3), 'alice'));
    expect((await refusalOfAsync(() => w.enrolments.submit(more, OPERATOR))).reason).toBe('ENROLMENT_TOO_WEAK');
    const untouched = signed(w.enrolments.ask(bobs(), 'alice'), keys.alice, 0);
    expect((await refusalOfAsync(() => w.enrolments.submit(untouched, OPERATOR))).reason).toBe('ENROLMENT_TOO_WEAK');
    const byCarol = signed(w.enrolments.ask(bobs(), 'carol'), keys.carol);
    expect((await refusalOfAsync(() => w.enrolments.submit(byCarol, OPERATOR))).reason).toBe('ENROLMENT_TOO_WEAK');
    expect(worth('bob').highest).toBe(1);
  });

  it('C3: is not vouched for at first by anybody but root', async () => {
    const refused = await refusalOfAsync(() => w.enrolments.bootstrap(first(), { uid: 1000, pid: 7 }));
    expect([refused.reason, worth('alice').highest]).toEqual(['ENROLMENT_TOO_WEAK', 1]);
  });

  it('C3: is none where the key is in software', async () => {
    const carols = { human: 'carol', fingerprint: printOf('carol'), highest: 2 } as const;
    expect(refusalOf(() => w.enrolments.ask({ ...carols, because: WHY }, 'alice')).reason).toBe('KEY_NOT_HARDWARE');
    expect((await refusalOfAsync(() => w.enrolments.bootstrap(carols, ROOT))).reason).toBe('KEY_NOT_HARDWARE');
  });

  it('C3: is another one once it was taken away, though it is given again', async () => {
    await w.enrolments.bootstrap(first(), ROOT);
    await w.people.removeKey('alice', printOf('alice'), OPERATOR);
    await w.clock.advance(1);
    await w.people.addKey('alice', `${keys.alice.type} ${keys.alice.blob}`, OPERATOR);
    expect(worth('alice')).toEqual({ highest: 1, proof: 'none' });
  });
});

describe('a statement about a key', () => {
  beforeEach(() => w.enrolments.bootstrap(first(), ROOT));

  it('C4: is good once', async () => {
    const submitted = signed(w.enrolments.ask(bobs(), 'alice'));
    await w.enrolments.submit(submitted, OPERATOR);
    await w.people.removeKey('bob', printOf('bob'), OPERATOR);
    await w.people.addKey('bob', `${keys.bob.type} ${keys.bob.blob}`, OPERATOR);
    const again = await refusalOfAsync(() => w.enrolments.submit(submitted, OPERATOR));
    expect([again.reason, worth('bob').highest]).toEqual(['APPROVAL_OTHER_REQUEST', 1]);
  });

  it('C4: is over after 15 minutes', async () => {
    const submitted = signed(w.enrolments.ask(bobs(), 'alice'));
    await w.clock.advance(15 * 60_000);
    expect((await refusalOfAsync(() => w.enrolments.submit(submitted, OPERATOR))).reason).toBe('APPROVAL_OVER');
  });

  it('C2: of somebody who has left meanwhile says nothing', async () => {
    const submitted = signed(w.enrolments.ask(bobs(), 'alice'));
    await w.people.leave('alice', 'gone', OPERATOR);
    expect((await refusalOfAsync(() => w.enrolments.submit(submitted, OPERATOR))).reason).toBe('APPROVAL_KEY_UNKNOWN');
  });

  it('C3: is about the key as it was then', async () => {
    const submitted = signed(w.enrolments.ask(bobs(), 'alice'));
    await w.people.removeKey('bob', printOf('bob'), OPERATOR);
    await w.clock.advance(1);
    await w.people.addKey('bob', `${keys.bob.type} ${keys.bob.blob}`, OPERATOR);
    expect((await refusalOfAsync(() => w.enrolments.submit(submitted, OPERATOR))).reason).toBe('HUMAN_KEY_NOT_FOUND');
  });

  it('I9: is asked for 256 times at once, until they are over', async () => {
    for (let i = 0; i < 256; i += 1) w.enrolments.ask(bobs(), 'alice');
    expect(refusalOf(() => w.enrolments.ask(bobs(), 'alice')).reason).toBe('LIMIT_REACHED');
    await w.clock.advance(15 * 60_000);
    expect(w.enrolments.ask(bobs(), 'alice')).toContain('bob');
  });
});
