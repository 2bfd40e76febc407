// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, ECDH, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { anAuthority, NOW } from '../store/samples.ts';
import { anchors } from '../support/anchors.ts';
import { bits, oid, sequence } from '../support/der.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { Ca, nameOf, type Pair } from '../x509/pki.ts';
import { OPERATOR, openRoom } from './rooms.ts';

const ONE = Buffer.from('certificate one');
const TWO = Buffer.from('certificate two');

it('BUN-11: a bundle is kept with its trust domain, whatever it is called', async () => {
  const { registry, reopen, clock } = await openRoom();
  for (const name of ['__proto__', 'constructor', 'other.org'])
    await registry.putBundle(name, anchors([ONE, TWO]), OPERATOR);
  const bundle = { trustDomain: '__proto__', ...anchors([ONE, TWO]), updatedAt: clock.now(), updatedBy: 'uid:0' };
  expect(registry.foreignBundle('__proto__')).toEqual(bundle);
  expect(registry.foreignBundle('toString')).toBeUndefined();
  const again = await reopen();
  expect(again.registry.foreignBundle('__proto__')).toEqual(bundle);
  expect(again.registry.foreignBundles().map((one) => one.trustDomain)).toEqual([
    '__proto__',
    'constructor',
    'other.org',
  ]);
});

it('setting what is there writes nothing; another order or content does', async () => {
  const { registry } = await openRoom();
  await registry.putBundle('other.org', anchors([ONE, TWO]), OPERATOR);
  await registry.putBundle('other.org', anchors([Buffer.from(ONE), TWO]), OPERATOR);
  expect(registry.lastChangeSeq).toBe(1);
  await registry.putBundle('other.org', anchors([TWO, ONE]), OPERATOR);
  await registry.putBundle('other.org', anchors([]), OPERATOR);
  expect(registry.lastChangeSeq).toBe(3);
  // BUN-02: empty is a statement, not an absence.
  expect(registry.foreignBundle('other.org')?.certificates).toEqual([]);
});

it('WAPI-15: our own trust domain and names that are none are refused', async () => {
  const { registry } = await openRoom();
  const own = await refusalOfAsync(() => registry.putBundle('td', anchors([ONE]), OPERATOR));
  expect([own.reason, own.field]).toEqual(['BUNDLE_IS_OWN', 'trust_domain']);
  for (const name of ['', 'spiffe://x', 'X']) {
    expect((await refusalOfAsync(() => registry.putBundle(name, anchors([ONE]), OPERATOR))).reason).toBe(
      'TRUST_DOMAIN_INVALID',
    );
  }
});

describe('BUN-13: a bundle that repeats a key of ours is refused', () => {
  const ours = Ca.root();
  const foreign = Ca.root().der;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

  it.each([
    ['in our own certificate', ours.der, ours.der],
    ['in another certificate over it', ours.der, Ca.root({ pair: ours.pair, subject: nameOf('other') }).der],
    ['with its point compressed', ours.der, Ca.root().below({ pair: compressed(ours.pair) }).der],
    ['named as one for PSS', Ca.root().below({ pair: rsa }).der, Ca.root().below({ pair: forPss(rsa) }).der],
  ])('%s', async (_, certificate, given) => {
    const { registry, store } = await openRoom();
    const authority = anAuthority({ id: 'bb', slot: 'old', published: certificate });
    await store.replaceAuthorities(
      'x509',
      [anAuthority({ published: Ca.root().der }), authority],
      new Map(),
      'aa',
      'uid:0',
      NOW,
    );
    const refused = await refusalOfAsync(() => registry.putBundle('other.org', anchors([foreign, given]), OPERATOR));
    expect(refused.reason).toBe('BUNDLE_HOLDS_OWN_ROOT');
    expect(refused.message).toContain('certificate 2');
    expect(refused.message).toContain('our own authority bb');
    expect(registry.foreignBundle('other.org')).toBeUndefined();
    await registry.putBundle('other.org', anchors([foreign]), OPERATOR);
  });
});

function compressed({ publicKey, privateKey }: Pair): Pair {
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  const short = ECDH.convertKey(point, 'prime256v1', undefined, undefined, 'compressed') as Buffer;
  const algorithm = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
  return { publicKey: publicKeyOf(sequence(algorithm, bits(short))), privateKey };
}

function forPss({ publicKey, privateKey }: Pair): Pair {
  const algorithm = sequence(oid('1.2.840.113549.1.1.10'));
  return {
    publicKey: publicKeyOf(sequence(algorithm, bits(publicKey.export({ type: 'pkcs1', format: 'der' })))),
    privateKey,
  };
}

function publicKeyOf(spki: Buffer): KeyObject {
  return createPublicKey({ key: spki, type: 'spki', format: 'der' });
}

it('I9: there are at most as many bundles, of as many certificates, as the limits say', async () => {
  const { registry } = await openRoom({ foreignBundles: 2, certificatesPerBundle: 2 });
  const many = await refusalOfAsync(() => registry.putBundle('a.org', anchors([ONE, TWO, ONE]), OPERATOR));
  expect(many.message).toContain('limits.certificates_per_bundle');
  const jwtKeys = ['a', 'b', 'c'].map((kid) => ({ kid, publicKey: ONE }));
  const keys = await refusalOfAsync(() => registry.putBundle('a.org', { ...anchors([]), jwtKeys }, OPERATOR));
  expect(keys.message).toContain('3 JWT keys are refused: at most 2 are allowed (limits.certificates_per_bundle)');
  await registry.putBundle('a.org', anchors([ONE]), OPERATOR);
  await registry.putBundle('b.org', anchors([ONE]), OPERATOR);
  const third = await refusalOfAsync(() => registry.putBundle('c.org', anchors([ONE]), OPERATOR));
  expect([third.kind, third.reason]).toEqual(['resource-exhausted', 'LIMIT_REACHED']);
  expect(third.message).toContain('limits.foreign_bundles');
  await registry.putBundle('b.org', anchors([TWO]), OPERATOR);
});

async function federating() {
  const room = await openRoom();
  await room.registry.putBundle('other.org', anchors([ONE]), OPERATOR);
  const create = (entryId: string, federatesWith: string[]) =>
    room.registry.createEntry(
      { spiffeId: `spiffe://td/${entryId}`, entryId, selectors: ['unix:uid:1'], federatesWith },
      OPERATOR,
    );
  await create('e1', ['other.org', 'x.org']);
  await create('e2', ['other.org']);
  await create('e3', ['x.org']);
  return room.registry;
}

it('a bundle in use is kept, unless said otherwise', async () => {
  const registry = await federating();
  const refused = await refusalOfAsync(() => registry.deleteBundle('other.org', 'restrict', OPERATOR));
  expect([refused.kind, refused.reason]).toEqual(['failed-precondition', 'BUNDLE_IN_USE']);
  expect(refused.message).toMatch(/entry "e[12]" federates with it/);
  expect(registry.foreignBundle('other.org')).toBeDefined();
});

it('dissociate takes its name out of the entries', async () => {
  const registry = await federating();
  await registry.deleteBundle('other.org', 'dissociate', OPERATOR);
  expect(registry.foreignBundle('other.org')).toBeUndefined();
  expect(['e1', 'e2', 'e3'].map((id) => registry.entry(id)?.federatesWith)).toEqual([['x.org'], [], ['x.org']]);
});

it('delete deletes the entries that federate with it, and no others', async () => {
  const registry = await federating();
  await registry.deleteBundle('other.org', 'delete', OPERATOR);
  expect(['e1', 'e2', 'e3'].map((id) => registry.entry(id) !== undefined)).toEqual([false, false, true]);
});

it('an unused bundle is deleted once', async () => {
  const { registry } = await openRoom();
  await registry.putBundle('other.org', anchors([ONE]), OPERATOR);
  await registry.deleteBundle('other.org', 'restrict', OPERATOR);
  const again = await refusalOfAsync(() => registry.deleteBundle('other.org', 'restrict', OPERATOR));
  expect([again.kind, again.reason]).toEqual(['not-found', 'BUNDLE_NOT_FOUND']);
});

it.each(['jwt', 'jwt-rsa'] as const)(
  'BUN-13: a bundle that repeats a key of our %s authority is refused',
  async (kind) => {
    const { registry, store } = await openRoom();
    const publicKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
      type: 'spki',
      format: 'der',
    });
    const ours = anAuthority({ id: 'cc', kind, published: publicKey });
    await store.replaceAuthorities(kind, [ours], new Map(), 'cc', 'uid:0', NOW);
    const bundle = { ...anchors([ONE]), jwtKeys: [{ kid: 'theirs', publicKey }] };
    const refused = await refusalOfAsync(() => registry.putBundle('other.org', bundle, OPERATOR));
    expect(refused.reason).toBe('BUNDLE_HOLDS_OWN_ROOT');
    expect(refused.message).toContain('our own authority cc');
  },
);
