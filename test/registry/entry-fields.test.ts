// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parseEntrySpiffeId, parseExpiry, parseTtl } from '../../src/registry/entry-fields.ts';
import type { NewEntry } from '../../src/registry/input.ts';
import { anchors } from '../support/anchors.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { HOUR, NODE, OPERATOR, openRoom, type Room, rulesWith } from './rooms.ts';

const few = { selectorsPerEntry: 3, dnsNamesPerEntry: 2, federatesWithPerEntry: 2 };
let room: Room;
let count = 0;

beforeAll(async () => {
  room = await openRoom(few);
});

function create(change: Partial<NewEntry>) {
  count += 1;
  const spiffeId = `spiffe://td/service-${count}`;
  return room.registry.createEntry({ spiffeId, selectors: ['unix:uid:1000'], ...change }, OPERATOR);
}

const refused = (change: Partial<NewEntry>) => refusalOfAsync(() => create(change));

describe('the SPIFFE ID', () => {
  it('ID-18: is of our own trust domain', async () => {
    const failure = await refused({ spiffeId: 'spiffe://other/a' });
    expect([failure.kind, failure.reason, failure.field]).toEqual([
      'invalid-argument',
      'FOREIGN_TRUST_DOMAIN',
      'spiffe_id',
    ]);
    expect(failure.hint).toContain('spiffe://td/');
  });

  it('ID-17: has a path', async () => {
    expect((await refused({ spiffeId: 'spiffe://td' })).reason).toBe('SPIFFE_ID_INVALID');
  });

  it.each(['/spire', '/spire/agent/x', '/spire/server', '/spire/x/y'])(
    'ID-18: %s is kept for the system',
    async (path) => {
      const failure = await refused({ spiffeId: `spiffe://td${path}` });
      expect([failure.reason, failure.field]).toEqual(['PATH_RESERVED', 'spiffe_id']);
    },
  );

  it.each([
    '/a/task/01ARZ3NDEKTSV4RRFFQ69G5FAV',
    '/task/01arz3ndektsv4rrffq69g5fav',
    '/a/b/task/7ZZZZZZZZZZZZZZZZZZZZZZZZZ',
  ])('ID-18: %s is kept for tasks', async (path) => {
    expect((await refused({ spiffeId: `spiffe://td${path}` })).reason).toBe('PATH_RESERVED');
  });

  it.each([
    '/spirex',
    '/Spire',
    '/a/spire',
    '/task',
    '/task/x',
    '/task/01ARZ3NDEKTSV4RRFFQ69G5FA',
    '/task/81ARZ3NDEKTSV4RRFFQ69G5FAV',
    '/task/01ARZ3NDEKTSV4RRFFQ69G5FAU',
    '/task/01ARZ3NDEKTSV4RRFFQ69G5FAV/x',
    '/mytask/01ARZ3NDEKTSV4RRFFQ69G5FAV',
    '/__proto__',
    '/constructor',
  ])('%s may be registered', (path) => {
    expect(parseEntrySpiffeId(`spiffe://td${path}`, rulesWith())).toBe(`spiffe://td${path}`);
  });
});

describe('the entry id', () => {
  it.each(['a', 'A-1_b.c', '__proto__', 'x'.repeat(255)])('may be %s', async (entryId) => {
    expect((await create({ entryId })).entry.id).toBe(entryId);
    expect(room.registry.entry(entryId)?.id).toBe(entryId);
  });

  it.each(['', 'a b', 'a/b', 'ü', 'a\n', 'x'.repeat(256)])('may not be %j', async (entryId) => {
    expect(await refused({ entryId })).toMatchObject({ reason: 'ENTRY_ID_INVALID', field: 'entry_id' });
  });

  it('is random when none is given', async () => {
    const ids = await Promise.all([1, 2, 3].map(async () => (await create({})).entry.id));
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('the parent', () => {
  it('is this daemon when none is given', async () => {
    expect((await create({})).entry.parentId).toBe(NODE);
  });

  it('may be another of our trust domain, which this daemon does not serve', async () => {
    const { entry, warnings } = await create({ parentId: 'spiffe://td/spire/server' });
    expect(entry.parentId).toBe('spiffe://td/spire/server');
    expect(warnings).toEqual([expect.stringContaining('so it matches nobody here')]);
  });

  it.each(['spiffe://other/x', 'x', ''])('is not %j', async (parentId) => {
    expect((await refused({ parentId })).field).toBe('parent_id');
  });
});

describe('the selectors', () => {
  it('are kept sorted and distinct', async () => {
    const { entry } = await create({ selectors: ['unix:uid:2', 'unix:gid:1', 'unix:uid:2'] });
    expect(entry.selectors).toEqual(['unix:gid:1', 'unix:uid:2']);
  });

  it('are at least one', async () => {
    expect(await refused({ selectors: [] })).toMatchObject({ reason: 'SELECTOR_MISSING', field: 'selector' });
  });

  it('I9: are at most as many as the limit says', async () => {
    const selectors = [1, 2, 3, 4].map((uid) => `unix:uid:${uid}`);
    const failure = await refused({ selectors });
    expect([failure.kind, failure.reason, failure.field]).toEqual(['resource-exhausted', 'LIMIT_REACHED', 'selector']);
    expect(failure.message).toContain('at most 3 are allowed (limits.selectors_per_entry)');
  });

  it.each(['unix', ':x', 'UNIX:uid:1', 'unix:', 'unix:a\nb'])('%j is none', async (selector) => {
    expect(await refused({ selectors: [selector] })).toMatchObject({ reason: 'SELECTOR_INVALID', field: 'selector' });
  });
});

describe('claimed selectors', () => {
  it('A1: alone are refused, with the word that accepts them', async () => {
    const failure = await refused({ selectors: ['unix:path:/opt/pay', 'unix:sha256:00'] });
    expect([failure.kind, failure.reason]).toEqual(['failed-precondition', 'CLAIMED_SELECTORS_ONLY']);
    expect(failure.message).toContain('unix:path, unix:sha256');
    expect(failure.hint).toContain('--accept-claimed-selectors');
  });

  it('A1: count as claimed when no attestor knows them, and the message says so', async () => {
    const failure = await refused({ selectors: ['k8s:ns:prod', 'unix:uidd:1'] });
    expect(failure.reason).toBe('CLAIMED_SELECTORS_ONLY');
    expect(failure.message).toContain('no attestor that runs here gives k8s:ns, unix:uidd');
  });

  it('A1: accepted ones are marked and warned of', async () => {
    const { entry, warnings } = await create({ selectors: ['unix:path:/x'], acceptClaimedSelectors: true });
    expect(entry.claimedAccepted).toBe(true);
    expect(warnings).toEqual([expect.stringContaining('only claimed')]);
  });

  it('beside a stronger one need no acceptance', async () => {
    const { entry, warnings } = await create({
      selectors: ['unix:path:/x', 'unix:uid:1'],
      acceptClaimedSelectors: true,
    });
    expect([entry.claimedAccepted, warnings]).toEqual([false, []]);
  });

  it('I10: their values are in no message', async () => {
    const failure = await refused({ selectors: ['docker:env:TOKEN=secret', 'other:secret'] });
    expect(`${failure.message} ${failure.hint} ${failure.value}`).not.toContain('secret');
    const { warnings } = await create({ selectors: ['other:secret', 'unix:uid:1'] });
    expect(warnings).toEqual(['no attestor that runs here gives other, so it matches nobody yet']);
  });
});

describe('TTLs', () => {
  it.each(['x509TtlSeconds', 'jwtTtlSeconds'] as const)('I5: %s is from 10 s to a sixth of ca.ttl', async (name) => {
    for (const ttl of [10, 14_400]) expect((await create({ [name]: ttl })).entry[name]).toBe(ttl);
    const short = await refused({ [name]: 9 });
    const long = await refused({ [name]: 14_401 });
    expect([short.reason, long.reason]).toEqual(['TTL_INVALID', 'TTL_INVALID']);
    expect(short.message).toContain('under 10s');
    expect(long.message).toContain('"4h1s" is refused: it is over a sixth of ca.ttl (24h)');
    expect(long.hint).toBe(`set ca.ttl to 24h6s or more, or ${long.field} to 4h or less`);
  });

  it.each([0, -1, 10.5, Number.NaN, Infinity, '60', null])('I5: %p is none', (ttl) => {
    expect(refusalOf(() => parseTtl(ttl, 'x509_ttl', rulesWith()))).toMatchObject({ field: 'x509_ttl' });
  });

  it('I5: are measured against ca.ttl as it is now', () => {
    expect(refusalOf(() => parseTtl(600, 'x509_ttl', rulesWith({}, HOUR - 1))).hint).toContain(
      'set ca.ttl to 1h or more',
    );
    expect(parseTtl(600, 'x509_ttl', rulesWith({}, HOUR))).toBe(600);
  });
});

describe('DNS names', () => {
  it('keep their order and lose their case', async () => {
    expect((await create({ dnsNames: ['b.Example.org', '*.a.org'] })).entry.dnsNames).toEqual([
      'b.example.org',
      '*.a.org',
    ]);
  });

  it('are refused twice, also in another case', async () => {
    expect(await refused({ dnsNames: ['a.org', 'A.org'] })).toMatchObject({ reason: 'DNS_NAME_REPEATED' });
  });

  it('I9: are at most as many as the limit says', async () => {
    const failure = await refused({ dnsNames: ['a.org', 'b.org', 'c.org'] });
    expect(failure.message).toContain('limits.dns_names_per_entry');
  });

  it.each(['a b', '10.0.0.1', 'a..b', 'a.org.', '*'])('%j is none', async (name) => {
    expect((await refused({ dnsNames: [name] })).reason).toBe('DNS_NAME_INVALID');
  });
});

describe('federation', () => {
  it('takes foreign trust domains, and warns of those without a bundle', async () => {
    await room.registry.putBundle('has.org', anchors([]), OPERATOR);
    const { entry, warnings } = await create({ federatesWith: ['no.org', 'has.org', 'no.org'] });
    expect(entry.federatesWith).toEqual(['has.org', 'no.org']);
    expect(warnings).toEqual([expect.stringContaining('no bundle of trust domain no.org')]);
  });

  it('WAPI-15: not our own', async () => {
    expect(await refused({ federatesWith: ['td'] })).toMatchObject({ reason: 'FEDERATES_WITH_OWN' });
  });

  it('I9: with at most as many as the limit says', async () => {
    const failure = await refused({ federatesWith: ['a.org', 'b.org', 'c.org'] });
    expect(failure.message).toContain('limits.federates_with_per_entry');
  });

  it.each(['spiffe://a.org', 'A.org', ''])('%j is no trust domain', async (name) => {
    expect(await refused({ federatesWith: [name] })).toMatchObject({ reason: 'TRUST_DOMAIN_INVALID' });
  });
});

describe('expiry', () => {
  it('I5: lies ahead', async () => {
    const now = room.clock.now();
    expect((await create({ expiresAt: now + 1 })).entry.expiresAt).toBe(now + 1);
    for (const at of [now, now - 1, 0]) {
      const failure = await refused({ expiresAt: at });
      expect([failure.reason, failure.field]).toEqual(['EXPIRY_INVALID', 'expires']);
      expect(failure.message).toContain('it is in the past');
    }
  });

  it.each([Number.NaN, 1.5, '2030', 253_402_300_800_000])('%p is no time', (at) => {
    expect(refusalOf(() => parseExpiry(at, 'expires', 0)).message).toContain('it is not a time');
  });
});

it('WAPI-17: a hint of 1025 bytes is refused', async () => {
  expect(await refused({ hint: 'x'.repeat(1025) })).toMatchObject({ reason: 'TEXT_INVALID', field: 'hint' });
});
