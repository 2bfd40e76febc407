// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { EntryPatch } from '../../src/registry/input.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { callerWith, OPERATOR, openRoom } from './rooms.ts';

const FULL = {
  spiffeId: 'spiffe://td/a',
  entryId: 'e',
  selectors: ['unix:uid:1000'],
  x509TtlSeconds: 600,
  jwtTtlSeconds: 300,
  dnsNames: ['a.org'],
  federatesWith: ['f.org'],
  hint: 'h',
};

async function created() {
  const room = await openRoom();
  const { entry } = await room.registry.createEntry({ ...FULL, expiresAt: room.clock.now() + 1000 }, OPERATOR);
  return { ...room, entry };
}

describe('an update', () => {
  it.each<[string, EntryPatch, object]>([
    ['selectors', { selectors: ['unix:uid:2', 'unix:uid:1'] }, { selectors: ['unix:uid:1', 'unix:uid:2'] }],
    ['the X.509 TTL', { x509TtlSeconds: 60 }, { x509TtlSeconds: 60 }],
    ['the X.509 TTL back to the default', { x509TtlSeconds: null }, { x509TtlSeconds: null }],
    ['the JWT TTL', { jwtTtlSeconds: null }, { jwtTtlSeconds: null }],
    ['jti in its tokens', { jwtJti: true }, { jwtJti: true }],
    ['DNS names', { dnsNames: [] }, { dnsNames: [] }],
    ['federation', { federatesWith: ['g.org', 'f.org'] }, { federatesWith: ['f.org', 'g.org'] }],
    ['the hint', { hint: '' }, { hint: '' }],
    ['the expiry', { expiresAt: null }, { expiresAt: null }],
  ])('of %s changes that and the revision, nothing else', async (_, patch, changed) => {
    const { registry, entry } = await created();
    const updated = await registry.updateEntry('e', patch, OPERATOR);
    expect(updated.entry).toEqual({ ...entry, ...changed, revision: 2 });
    expect(registry.entry('e')).toEqual(updated.entry);
    expect(registry.lastChangeSeq).toBe(3);
  });

  it.each<[string, EntryPatch]>([
    ['of nothing', {}],
    ['of undefined', { hint: undefined, selectors: undefined, x509TtlSeconds: undefined }],
    [
      'to what it is',
      { hint: 'h', selectors: ['unix:uid:1000', 'unix:uid:1000'], dnsNames: ['A.org'], x509TtlSeconds: 600 },
    ],
  ])('%s writes nothing', async (_, patch) => {
    const { registry, entry } = await created();
    expect((await registry.updateEntry('e', patch, OPERATOR)).entry).toEqual(entry);
    expect(registry.lastChangeSeq).toBe(2);
  });

  it.each<[string, EntryPatch, string]>([
    ['an empty list of selectors', { selectors: [] }, 'SELECTOR_MISSING'],
    ['a TTL of 0', { x509TtlSeconds: 0 }, 'TTL_INVALID'],
    ['a JWT TTL over a sixth of ca.ttl', { jwtTtlSeconds: 14_401 }, 'TTL_INVALID'],
    ['our own trust domain', { federatesWith: ['td'] }, 'FEDERATES_WITH_OWN'],
    ['a time in the past', { expiresAt: 1 }, 'EXPIRY_INVALID'],
    ['a hint with a control character', { hint: '\u001b' }, 'TEXT_INVALID'],
    ['a DNS name that is none', { dnsNames: ['a b'] }, 'DNS_NAME_INVALID'],
  ])('to %s is refused and changes nothing', async (_, patch, reason) => {
    const { registry, entry } = await created();
    expect((await refusalOfAsync(() => registry.updateEntry('e', patch, OPERATOR))).reason).toBe(reason);
    expect(registry.entry('e')).toEqual(entry);
  });

  it('of an entry that is not there names it', async () => {
    const { registry } = await openRoom();
    expect(await refusalOfAsync(() => registry.updateEntry('nope', {}, OPERATOR))).toMatchObject({
      kind: 'not-found',
      reason: 'ENTRY_NOT_FOUND',
      value: 'nope',
    });
  });

  it('moves it to other callers at once', async () => {
    const { registry, clock } = await created();
    await registry.updateEntry('e', { selectors: ['unix:uid:2000'] }, OPERATOR);
    expect(registry.match(callerWith('unix:uid:1000'), clock.now()).grants).toHaveLength(0);
    expect(registry.match(callerWith('unix:uid:2000'), clock.now()).grants).toHaveLength(1);
  });

  it('that races another is made on top of it', async () => {
    const { registry, entry } = await created();
    await Promise.all([
      registry.updateEntry('e', { hint: 'new' }, OPERATOR),
      registry.updateEntry('e', { dnsNames: ['b.org'] }, OPERATOR),
      registry.updateEntry('e', { x509TtlSeconds: 60 }, OPERATOR),
    ]);
    const changed = { hint: 'new', dnsNames: ['b.org'], x509TtlSeconds: 60, revision: 4 };
    expect(registry.entry('e')).toEqual({ ...entry, ...changed });
  });

  it('may not make it another entry', async () => {
    const { registry } = await created();
    await registry.createEntry({ ...FULL, entryId: 'f', selectors: ['unix:uid:2'] }, OPERATOR);
    const refused = await refusalOfAsync(() => registry.updateEntry('f', { selectors: ['unix:uid:1000'] }, OPERATOR));
    expect([refused.reason, refused.value]).toEqual(['ENTRY_EXISTS', 'e']);
  });

  it('warns of a hint that another identity has', async () => {
    const { registry } = await created();
    await registry.createEntry({ spiffeId: 'spiffe://td/b', entryId: 'b', selectors: ['unix:uid:1'] }, OPERATOR);
    const { warnings } = await registry.updateEntry('b', { hint: 'h' }, OPERATOR);
    expect(warnings).toEqual([expect.stringContaining('the hint "h" is also on entry e')]);
  });
});

describe('A1: claimed selectors', () => {
  it('alone need their own acceptance, which does not carry over to others', async () => {
    const { registry } = await created();
    const claimed = { selectors: ['unix:path:/x'] };
    const refused = await refusalOfAsync(() => registry.updateEntry('e', claimed, OPERATOR));
    expect(refused.reason).toBe('CLAIMED_SELECTORS_ONLY');
    const accepted = await registry.updateEntry('e', { ...claimed, acceptClaimedSelectors: true }, OPERATOR);
    expect(accepted.entry.claimedAccepted).toBe(true);
    // Something else about it: still accepted.
    expect((await registry.updateEntry('e', { hint: 'i' }, OPERATOR)).entry.claimedAccepted).toBe(true);
    const others = { selectors: ['unix:path:/y'] };
    expect((await refusalOfAsync(() => registry.updateEntry('e', others, OPERATOR))).reason).toBe(
      'CLAIMED_SELECTORS_ONLY',
    );
    const strong = await registry.updateEntry('e', { selectors: ['unix:uid:1'] }, OPERATOR);
    expect(strong.entry.claimedAccepted).toBe(false);
  });

  it('may have their acceptance taken back only with the selectors', async () => {
    const { registry } = await created();
    await registry.updateEntry('e', { selectors: ['unix:path:/x'], acceptClaimedSelectors: true }, OPERATOR);
    const takeBack = () => registry.updateEntry('e', { acceptClaimedSelectors: false }, OPERATOR);
    expect((await refusalOfAsync(takeBack)).reason).toBe('CLAIMED_SELECTORS_ONLY');
  });
});
