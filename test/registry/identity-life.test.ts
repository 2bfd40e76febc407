// SPDX-License-Identifier: Apache-2.0
/** An identity from draft to tombstone, on a real store under a clock that is told when to move. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../support/fake-clock.ts';
import { type LoneOptions, lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const ID = 'spiffe://example.org/web';
const DAY = 86_400_000;
const top = tempDir('identity-life');
let count = 0;
let w: Awaited<ReturnType<typeof world>>;

async function world(options: Partial<LoneOptions> = {}) {
  count += 1;
  const clock = new FakeClock();
  const rooms = await lone({ dataDir: `${top}/${count}`, clock, ...options });
  const until = async (done: () => boolean): Promise<void> => {
    for (let at = 0; at < 1_000 && !done(); at += 1) {
      await clock.advance(0);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(done()).toBe(true);
  };
  const state = (): string => {
    const { state: now = '', stateReason } = rooms.registry.identity(ID) ?? {};
    return stateReason ? `${now}: ${stateReason}` : now;
  };
  /** Time passes, and what it brings is written. */
  const reach = async (at: number, wanted: string): Promise<void> => {
    // A jump, since a year of timers is long; a long wait looks at the wall clock once a minute.
    clock.jump(at - clock.now());
    for (let tries = 0; tries < 100 && state() !== wanted; tries += 1) {
      await clock.advance(5_000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(state()).toBe(wanted);
  };
  const entry = () =>
    rooms.registry.createEntry({ entryId: 'web', spiffeId: ID, selectors: ['unix:uid:1000'] }, OPERATOR);
  const kinds = (): readonly string[] =>
    rooms.store.audit.events({ identity: ID, kind: 'identity.' }, { limit: 99 }).rows.map(({ kind }) => kind);
  return { ...rooms, life: rooms.registry.life, clock, until, state, reach, entry, kinds };
}

beforeEach(async () => {
  w = await world();
});
afterEach(() => w.close());

describe('a draft', () => {
  it('gives nothing to whoever matches, until it is activated; then open callers get it', async () => {
    await w.life.create({ spiffeId: ID, owner: 'o', deputy: 'd', purpose: 'p', draft: true }, OPERATOR);
    await w.entry();
    const follower = new TestFollower();
    w.standings.followX509(new TestProcess(), follower);
    await w.until(() => follower.failure !== undefined);
    expect([follower.failure?.kind, follower.failure?.reason]).toEqual(['permission-denied', 'DRAFT']);
    expect((await refusalOfAsync(() => w.registry.resumeIdentity(ID, OPERATOR))).reason).toBe('IDENTITY_DRAFT');
    expect((await w.life.activate(ID, OPERATOR)).identity.state).toBe('active');
    const second = new TestFollower();
    w.standings.followX509(new TestProcess(), second);
    await w.until(() => second.states.length === 1);
    expect((await refusalOfAsync(() => w.life.activate(ID, OPERATOR))).reason).toBe('IDENTITY_NOT_DRAFT');
  });

  it('I5: that has expired does not begin', async () => {
    await w.life.create({ spiffeId: ID, draft: true, expiresAt: w.clock.now() + DAY }, OPERATOR);
    w.clock.jump(DAY);
    expect((await refusalOfAsync(() => w.life.activate(ID, OPERATOR))).reason).toBe('IDENTITY_EXPIRED');
    await w.life.renew(ID, OPERATOR);
    expect(w.state()).toBe('draft');
  });

  it('is created once, under a name that may be registered', async () => {
    await w.life.create({ spiffeId: ID }, OPERATOR);
    expect((await refusalOfAsync(() => w.life.create({ spiffeId: ID }, OPERATOR))).reason).toBe('IDENTITY_EXISTS');
    const spire = await refusalOfAsync(() => w.life.create({ spiffeId: 'spiffe://example.org/spire/x' }, OPERATOR));
    expect(spire.field).toBe('spiffe_id');
    const purposeless = await refusalOfAsync(() => w.life.create({ spiffeId: `${ID}2`, kind: 'agent' }, OPERATOR));
    expect(purposeless.reason).toBe('PURPOSE_REQUIRED');
  });
});

describe('time', () => {
  it('I5: suspends at the end, and one that is renewed goes on under the same name with its entries', async () => {
    await w.entry();
    const ends = w.registry.identity(ID)?.expiresAt ?? 0;
    await w.reach(ends, 'suspended: expired');
    const { identity: renewed } = await w.life.renew(ID, OPERATOR);
    expect([w.state(), renewed.expiresAt - w.clock.now()]).toEqual(['active', 365 * DAY]);
    expect(w.registry.entriesOf(ID)).toHaveLength(1);
  });

  it('I5: retires what was not renewed for 90 days, with its entries, for good', async () => {
    await w.entry();
    const ends = w.registry.identity(ID)?.expiresAt ?? 0;
    await w.reach(ends, 'suspended: expired');
    w.clock.jump(89 * DAY);
    await w.clock.advance(120_000);
    expect(w.state()).toBe('suspended: expired');
    await w.reach(ends + 90 * DAY, 'retired: expired, and not renewed in time');
    expect(w.registry.entriesOf(ID)).toEqual([]);
    expect((await refusalOfAsync(() => w.life.renew(ID, OPERATOR))).reason).toBe('IDENTITY_RETIRED');
    expect((await refusalOfAsync(() => w.entry())).reason).toBe('IDENTITY_RETIRED');
    expect((await refusalOfAsync(() => w.life.create({ spiffeId: ID }, OPERATOR))).reason).toBe('IDENTITY_EXISTS');
  });

  it('I5: retires sooner where the grace is shorter, and refuses to renew from then on', async () => {
    await w.close();
    w = await world({ graceMs: 7 * DAY });
    await w.entry();
    const ends = w.registry.identity(ID)?.expiresAt ?? 0;
    await w.reach(ends, 'suspended: expired');
    w.clock.jump(7 * DAY);
    expect((await refusalOfAsync(() => w.life.renew(ID, OPERATOR))).reason).toBe('IDENTITY_EXPIRED');
    await w.reach(ends + 7 * DAY, 'retired: expired, and not renewed in time');
  });

  it('I9: suspends many that end together, slice by slice', async () => {
    const paths = Array.from({ length: 600 }, (_, at) => `${ID}/${at}`);
    const expiresAt = w.clock.now() + DAY;
    await Promise.all(paths.map((spiffeId) => w.life.create({ spiffeId, expiresAt }, OPERATOR)));
    await w.entry();
    w.clock.jump(DAY);
    const left = () => paths.filter((path) => w.registry.identity(path)?.state === 'active').length;
    for (let tries = 0; tries < 200 && left() > 0; tries += 1) {
      await w.clock.advance(5_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect([left(), w.state()]).toEqual([0, 'active']);
  });

  it('I5: suspends what was not reviewed, and one that is goes on', async () => {
    await w.entry();
    await w.life.update(ID, { reviewBy: w.clock.now() + 30 * DAY }, OPERATOR);
    await w.reach(w.clock.now() + 30 * DAY, 'suspended: review missed');
    expect((await refusalOfAsync(() => w.registry.resumeIdentity(ID, OPERATOR))).reason).toBe('REVIEW_MISSED');
    await w.life.update(ID, { reviewBy: w.clock.now() + 30 * DAY }, OPERATOR);
    await w.registry.resumeIdentity(ID, OPERATOR);
    expect(w.state()).toBe('active');
    await w.life.update(ID, { reviewBy: null }, OPERATOR);
    w.clock.jump(60 * DAY);
    await w.clock.advance(120_000);
    expect(w.state()).toBe('active');
  });

  it('does what it brought while nobody was there', async () => {
    await w.entry();
    const ends = w.registry.identity(ID)?.expiresAt ?? 0;
    await w.life.create({ spiffeId: `${ID}/reviewed`, reviewBy: w.clock.now() + DAY }, OPERATOR);
    await w.close();
    const clock = new FakeClock(ends + 91 * DAY);
    const again = await lone({ dataDir: `${top}/${count}`, clock });
    const states = (): readonly (string | null | undefined)[] =>
      [ID, `${ID}/reviewed`].map((id) => again.registry.identity(id)?.stateReason);
    for (let at = 0; at < 300 && again.registry.identity(ID)?.state !== 'retired'; at += 1) {
      await clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(states()).toEqual(['expired, and not renewed in time', expect.stringMatching(/expired/)]);
    await again.close();
    w = await world();
  });
});

describe('renewing', () => {
  it('C1: reaches no further than the life of the kind', async () => {
    await w.life.create({ spiffeId: ID, kind: 'agent', purpose: 'p' }, OPERATOR);
    const far = await refusalOfAsync(() => w.life.renew(ID, OPERATOR, w.clock.now() + 91 * DAY));
    expect([far.reason, far.field]).toEqual(['EXPIRY_INVALID', 'expires']);
    const { identity: renewed } = await w.life.renew(ID, OPERATOR, w.clock.now() + 90 * DAY);
    expect(renewed.expiresAt).toBe(w.clock.now() + 90 * DAY);
  });

  it('C1: nor do creating and resuming', async () => {
    const agent = { spiffeId: ID, kind: 'agent', purpose: 'p' } as const;
    const tooFar = w.clock.now() + 91 * DAY;
    const created = await refusalOfAsync(() => w.life.create({ ...agent, expiresAt: tooFar }, OPERATOR));
    expect([created.reason, created.field]).toEqual(['EXPIRY_INVALID', 'identity_expires']);
    await w.life.create(agent, OPERATOR);
    const resumed = await refusalOfAsync(() => w.registry.resumeIdentity(ID, OPERATOR, tooFar));
    expect([resumed.reason, resumed.field]).toEqual(['EXPIRY_INVALID', 'expires']);
    expect((await w.registry.resumeIdentity(ID, OPERATOR, w.clock.now() + DAY)).identity.state).toBe('active');
  });

  it('I5: comes too late when the grace is over, also before the sweep came by', async () => {
    await w.entry();
    const ends = w.registry.identity(ID)?.expiresAt ?? 0;
    await w.reach(ends, 'suspended: expired');
    w.clock.jump(ends + 90 * DAY - w.clock.now());
    expect((await refusalOfAsync(() => w.life.renew(ID, OPERATOR))).reason).toBe('IDENTITY_EXPIRED');
    const resumed = refusalOfAsync(() => w.registry.resumeIdentity(ID, OPERATOR, w.clock.now() + DAY));
    expect((await resumed).reason).toBe('IDENTITY_EXPIRED');
  });

  it('I5: does not stand in for a review that was missed', async () => {
    await w.life.create({ spiffeId: ID, expiresAt: w.clock.now() + DAY, reviewBy: w.clock.now() + 2 * DAY }, OPERATOR);
    await w.reach(w.clock.now() + DAY, 'suspended: expired');
    w.clock.jump(2 * DAY);
    expect((await refusalOfAsync(() => w.life.renew(ID, OPERATOR))).reason).toBe('REVIEW_MISSED');
  });

  it('I5: goes by reasons that only the daemon gives', async () => {
    await w.entry();
    for (const reason of ['expired', 'review missed', 'owner human:x left', 'found by the detector x']) {
      const refused = await refusalOfAsync(() => w.registry.suspendIdentity(ID, reason, OPERATOR));
      expect([refused.reason, refused.field]).toEqual(['REASON_RESERVED', 'reason']);
    }
  });

  it('I5: what was suspended for a reason of somebody retires like all else', async () => {
    await w.entry();
    const ends = w.registry.identity(ID)?.expiresAt ?? 0;
    await w.registry.suspendIdentity(ID, 'incident', OPERATOR);
    await w.reach(ends + 90 * DAY, 'retired: expired, and not renewed in time');
  });

  it('I5: leaves suspended what a detector found, also where time had suspended it before', async () => {
    await w.entry();
    const ends = w.registry.identity(ID)?.expiresAt ?? 0;
    await w.life.suspendFound(ID, 'intent-mismatch');
    await w.life.renew(ID, OPERATOR);
    expect(w.state()).toBe('suspended: found by the detector intent-mismatch');
    await w.registry.resumeIdentity(ID, OPERATOR);
    await w.reach(ends + DAY, 'suspended: expired');
    await w.life.suspendFound(ID, 'intent-mismatch');
    await w.life.renew(ID, OPERATOR);
    expect(w.state()).toBe('suspended: found by the detector intent-mismatch');
  });

  it('I5: a detector takes nobody’s reason away', async () => {
    await w.entry();
    await w.registry.suspendIdentity(ID, 'incident', OPERATOR);
    expect(await w.life.suspendFound(ID, 'intent-mismatch')).toBeUndefined();
    expect(w.state()).toBe('suspended: incident');
    await w.life.retire(ID, 'gone', OPERATOR);
    expect((await refusalOfAsync(() => w.life.suspendFound(ID, 'x'))).reason).toBe('IDENTITY_RETIRED');
  });

  it('leaves suspended what was so for another reason', async () => {
    await w.entry();
    await w.registry.suspendIdentity(ID, 'incident', OPERATOR);
    await w.life.renew(ID, OPERATOR);
    expect(w.state()).toBe('suspended: incident');
  });
});

describe('retiring', () => {
  it('I7: ends streams, revokes what was given, takes the entries along, and is one step in the log', async () => {
    await w.entry();
    const follower = new TestFollower();
    w.standings.followX509(new TestProcess(), follower);
    await w.until(() => follower.states.length === 1);
    const retired = await w.life.retire(ID, 'switched off', OPERATOR);
    expect([retired.state, retired.stateReason]).toEqual(['retired', 'switched off']);
    await w.until(() => follower.failure !== undefined);
    expect(follower.failure?.kind).toBe('permission-denied');
    expect([w.registry.entry('web'), w.store.revocations.unexpired(w.clock.now()).length]).toEqual([undefined, 1]);
    expect(w.kinds()).toEqual(['identity.create', 'identity.retire']);
    expect((await refusalOfAsync(() => w.life.retire(ID, 'again', OPERATOR))).reason).toBe('IDENTITY_RETIRED');
  });
});

describe('what is said of an identity', () => {
  it('is changed field by field, and what may be empty is cleared', async () => {
    await w.life.create({ spiffeId: ID, owner: 'a', deputy: 'b', purpose: 'p', environment: 'prod' }, OPERATOR);
    const labels = new Map([['team', 'web']]);
    const changed = await w.life.update(ID, { owner: 'c', deputy: null, labels }, OPERATOR);
    expect(changed).toMatchObject({ owner: 'c', deputy: null, purpose: 'p', environment: 'prod', labels, revision: 2 });
    const bad = await refusalOfAsync(() => w.life.update(ID, { owner: '\u202e' }, OPERATOR));
    expect(bad.field).toBe('owner');
    expect((await refusalOfAsync(() => w.life.update(`${ID}/none`, {}, OPERATOR))).reason).toBe('IDENTITY_NOT_FOUND');
  });
});
