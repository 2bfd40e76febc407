// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, it } from '@jest/globals';
import { TemplateCache } from '../../src/authority/template-cache.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import type { Signer } from '../../src/x509/types.ts';
import { leafRequest, startAuthority } from '../support/authority.ts';

let signer: Signer;

beforeAll(async () => {
  const bench = await startAuthority();
  signer = bench.authority.active();
  await bench.close();
});

describe('a cache of leaf templates', () => {
  it('gives the same template while the entry stays as it is', () => {
    const cache = new TemplateCache(signer);
    expect(cache.get(leafRequest())).toBe(cache.get(leafRequest()));
  });

  it.each([
    ['revision', { entryRevision: 2 }],
    ['key type', { keyType: 'rsa-2048' }],
  ] as const)('makes a new one for another %s', (_, over) => {
    const cache = new TemplateCache(signer);
    expect(cache.get(leafRequest(over))).not.toBe(cache.get(leafRequest()));
  });

  it('I2: makes a new one when an entry of the same id and revision names another SPIFFE ID', () => {
    const cache = new TemplateCache(signer);
    const before = cache.get(leafRequest());
    expect(cache.get(leafRequest({ spiffeId: SpiffeId.parse('spiffe://example.org/other') }))).not.toBe(before);
  });

  it.each([
    ['another name', ['b.example.org']],
    ['one more', ['a.example.org', 'b.example.org']],
    ['none', []],
  ])('I2: makes a new one when an entry of the same id and revision has other DNS names: %s', (_, dnsNames) => {
    const cache = new TemplateCache(signer);
    const before = cache.get(leafRequest({ dnsNames: ['a.example.org'] }));
    expect(cache.get(leafRequest({ dnsNames }))).not.toBe(before);
  });

  it('I9: holds so many and no more; the least recently used goes', () => {
    const cache = new TemplateCache(signer, 2);
    const first = cache.get(leafRequest({ entryId: 'a' }));
    const second = cache.get(leafRequest({ entryId: 'b' }));
    cache.get(leafRequest({ entryId: 'a' }));
    cache.get(leafRequest({ entryId: 'c' }));
    expect(cache.size).toBe(2);
    expect(cache.get(leafRequest({ entryId: 'a' }))).toBe(first);
    expect(cache.get(leafRequest({ entryId: 'b' }))).not.toBe(second);
  });

  it('I9: those of tasks are few, and drive out none of an entry', () => {
    const cache = new TemplateCache(signer, 2, 2);
    const lasting = cache.get(leafRequest());
    const of = (task: string) =>
      cache.get(leafRequest({ task, spiffeId: SpiffeId.parse(`spiffe://example.org/web/task/${task}`) }));
    const first = of('a');
    expect(of('a')).toBe(first);
    for (const task of ['b', 'c', 'd']) of(task);
    expect(cache.size).toBe(3);
    expect(of('a')).not.toBe(first);
    expect(cache.get(leafRequest())).toBe(lasting);
  });

  it('replaces the template of a changed entry, and keeps no old one', () => {
    const cache = new TemplateCache(signer);
    for (let entryRevision = 1; entryRevision < 50; entryRevision += 1) cache.get(leafRequest({ entryRevision }));
    expect(cache.size).toBe(1);
  });
});
