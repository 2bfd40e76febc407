// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { WireX509Svid, WireX509Svids } from '../../src/client/workload-api.ts';
import { readX509State } from '../../src/client/x509-state.ts';
import { Failure } from '../../src/lib/failure.ts';
import { wireMessage, wireOf, wireSvid } from '../support/fake-workload-api.ts';
import { type IssueOptions, KU, TestCa } from '../support/test-ca.ts';

const now = Date.now();
const ca = TestCa.create('td-a');
const other = TestCa.create('td-b');
const id = 'spiffe://td-a/api';

function refusal(message: WireX509Svids): Failure {
  try {
    readX509State(message, now);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('was taken');
}

const changed = (change: Partial<WireX509Svid>, issue: IssueOptions = {}): WireX509Svids =>
  wireMessage([{ ...wireSvid(ca, id, issue), ...change }]);

describe('a good message', () => {
  it('becomes identities in the order they came and one bundle a trust domain', () => {
    const first = wireSvid(ca.intermediate(), 'spiffe://td-a/first', { hint: 'one' });
    const message = wireMessage([{ ...first, bundle: ca.der }, wireSvid(ca, 'spiffe://td-a/second')], {
      'td-b': other,
    });
    const state = readX509State(message, now);
    expect(state.svids.map((svid) => `${svid.spiffeId}`)).toEqual(['spiffe://td-a/first', 'spiffe://td-a/second']);
    expect(state.svids[0]).toMatchObject({ hint: 'one', chain: { length: 2 } });
    expect([...state.bundles].map(([name, anchors]) => [name, anchors.length])).toEqual([
      ['td-a', 1],
      ['td-b', 1],
    ]);
    expect(state.bundles.get('td-b')).toEqual([other.der]);
  });

  it.each([['rsa'], ['ed25519'], ['ec']] as const)('may carry a key of type %s', (keyType) => {
    expect(readX509State(changed({}, { keyType }), now).svids[0]?.privateKey.asymmetricKeyType).toBe(keyType);
  });

  it('BUN-02: keeps an empty foreign bundle as empty, so that nothing of that trust domain is trusted', () => {
    const message = { ...changed({}), federated_bundles: { 'spiffe://td-b': Buffer.alloc(0) } };
    expect(readX509State(message, now).bundles.get('td-b')).toEqual([]);
  });

  it('B7: takes __proto__ and constructor as trust domain names', () => {
    const message = wireMessage([wireSvid(ca, id)], { ['__proto__']: other, constructor: other });
    const { bundles } = readX509State(message, now);
    expect([...bundles.keys()]).toEqual(['td-a', '__proto__', 'constructor']);
  });

  it('CLI-08: of several SVIDs with one hint the first counts; no hint equals no other', () => {
    const ids = ['a', 'b', 'c', 'd'].map((name, at) =>
      wireSvid(ca, `spiffe://td-a/${name}`, { hint: at < 2 ? 'same' : '' }),
    );
    const state = readX509State(wireMessage(ids), now);
    expect(state.svids.map((svid) => svid.spiffeId.path)).toEqual(['/a', '/c', '/d']);
  });

  it('shows no key in print', () => {
    const { svids } = readX509State(changed({}), now);
    const scalar = svids[0]!.privateKey.export({ format: 'jwk' }).d as string;
    expect(JSON.stringify(svids)).not.toContain(scalar);
  });
});

describe('WAPI-38: a message is refused whole, naming the field', () => {
  const both = (bad: WireX509Svid): WireX509Svids => wireMessage([wireSvid(ca, 'spiffe://td-a/good'), bad]);
  const sec1 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'der', type: 'sec1' });
  const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'der', type: 'pkcs8' });
  const good = wireSvid(ca, id);
  const mismatched = ca.issue(id);

  it.each<[string, string, WireX509Svids, string, string?]>([
    ['CLI-01', 'no SVID at all', wireMessage([]), 'svids'],
    ['CLI-21', 'empty spiffe_id', changed({ spiffe_id: '' }), 'svids[0].spiffe_id'],
    ['CLI-21', 'empty x509_svid', changed({ x509_svid: Buffer.alloc(0) }), 'svids[0].x509_svid'],
    ['CLI-21', 'empty x509_svid_key', changed({ x509_svid_key: Buffer.alloc(0) }), 'svids[0].x509_svid_key'],
    ['CLI-21', 'empty bundle', changed({ bundle: Buffer.alloc(0) }), 'svids[0].bundle'],
    [
      'CLI-02',
      'a second SVID that is bad',
      both({ ...good, x509_svid: Buffer.from('30', 'hex') }),
      'svids[1].x509_svid',
    ],
    [
      'CLI-02',
      'the key of another certificate',
      changed({ x509_svid_key: mismatched.pkcs8 }),
      'svids[0].x509_svid_key',
    ],
    ['CLI-05', 'a SEC1 key', changed({ x509_svid_key: sec1 }), 'svids[0].x509_svid_key'],
    ['CLI-05', 'a key of no use', changed({ x509_svid_key: x25519 }), 'svids[0].x509_svid_key', 'type "x25519"'],
    [
      'CLI-05',
      'bytes after the chain',
      changed({ x509_svid: Buffer.concat([good.x509_svid, Buffer.from([0])]) }),
      'svids[0].x509_svid',
    ],
    [
      'CLI-05',
      'bytes after the bundle',
      changed({ bundle: Buffer.concat([ca.der, Buffer.from([0])]) }),
      'svids[0].bundle',
    ],
    [
      'CLI-03',
      "an ID that is not the certificate's",
      changed({ spiffe_id: 'spiffe://td-a/else' }),
      'svids[0].x509_svid',
      'and not',
    ],
    ['CLI-03', 'an ID without a path', changed({ spiffe_id: 'spiffe://td-a' }), 'svids[0].spiffe_id'],
    ['CLI-03', 'two URI SANs', changed({}, { uris: [id, `${id}2`] }), 'svids[0].x509_svid'],
    ['CLI-03', 'a CA as leaf', changed({}, { isCa: true }), 'svids[0].x509_svid'],
    ['CLI-03', 'no digitalSignature', changed({}, { keyUsage: KU.keyEncipherment }), 'svids[0].x509_svid'],
    ['CLI-03', 'keyCertSign', changed({}, { keyUsage: KU.digitalSignature | KU.keyCertSign }), 'svids[0].x509_svid'],
    ['CLI-03', 'an expired leaf', changed({}, { notAfter: now - 1_000 }), 'svids[0].x509_svid'],
    [
      'CLI-04',
      'a stray leaf in the chain',
      changed({ x509_svid: Buffer.concat([good.x509_svid, mismatched.der]), x509_svid_key: good.x509_svid_key }),
      'svids[0].x509_svid',
    ],
    ['X509-17', 'a leaf that its own bundle does not vouch for', changed({ bundle: other.der }), 'svids[0].x509_svid'],
    [
      'CLI-07',
      'two bundles for one trust domain',
      wireMessage([good, wireOf(ca.issue(id), id, [ca.der, other.der])]),
      'svids[1].bundle',
    ],
    [
      'CLI-06',
      'a bundle key with a slash',
      { ...changed({}), federated_bundles: { 'spiffe://td-b/': other.der } },
      'federated_bundles["spiffe://td-b/"]',
    ],
    [
      'CLI-06',
      'a bundle key with a path',
      { ...changed({}), federated_bundles: { 'spiffe://td-b/x': other.der } },
      'federated_bundles["spiffe://td-b/x"]',
    ],
    [
      'CLI-06',
      'a bare name as bundle key',
      { ...changed({}), federated_bundles: { 'td-b': other.der } },
      'federated_bundles["td-b"]',
    ],
    [
      'WAPI-15',
      'our own trust domain among the foreign',
      wireMessage([good], { 'td-a': other }),
      'federated_bundles["spiffe://td-a"]',
    ],
    [
      'CLI-05',
      'a foreign bundle that is no DER',
      { ...changed({}), federated_bundles: { 'spiffe://td-b': Buffer.from('pem') } },
      'federated_bundles["spiffe://td-b"]',
    ],
  ])('%s: %s', (_row, _what, message, field, words = field) => {
    const failure = refusal(message);
    expect(failure).toMatchObject({ reason: 'WORKLOAD_API_MESSAGE_INVALID', field });
    expect(failure.message).toContain(words);
  });
});
