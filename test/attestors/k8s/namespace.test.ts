// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isUsableNamespace, parseNamespace, sameNamespace } from '../../../attestors/k8s/namespace.ts';
import { NamespaceBook } from '../../../attestors/k8s/namespace-book.ts';
import { Selector } from '../../../src/identity/selector.ts';

interface Vector {
  readonly what: string;
  readonly namespace: unknown;
  readonly selectors?: readonly string[];
  readonly unusable?: string;
}
const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../vectors/k8s/namespaces.json'), 'utf8'),
) as readonly Vector[];
const labelled = (labels: unknown, name = 'shop') => parseNamespace({ metadata: { name, labels } });
const many = (count: number, value = 'x') =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, value]));

describe('a namespace as it is listed', () => {
  it.each(vectors.map((one) => [one.what, one] as const))('A10: %s', (_what, { namespace, selectors, unusable }) => {
    const found = parseNamespace(namespace);
    if (selectors !== undefined) expect(found).toEqual({ name: 'shop', selectors });
    else if (unusable !== undefined) expect(found).toEqual({ name: 'shop', unusable });
    else expect(found).toBeUndefined();
  });

  it('I9: has 128 labels and 8 KiB of them at most', () => {
    expect(labelled(many(128))).toMatchObject({ selectors: expect.anything() });
    expect(labelled(many(129))).toEqual({ name: 'shop', unusable: 'it has over 128 labels' });
    const long = Object.fromEntries(Object.entries(many(99)).map(([key]) => [`a.example/${key}`, 'v'.repeat(63)]));
    expect(labelled(long)).toMatchObject({ selectors: expect.anything() });
    const longer = Object.fromEntries(Object.entries(many(127)).map(([key]) => [`a.example/${key}`, 'v'.repeat(63)]));
    expect(labelled(longer)).toEqual({ name: 'shop', unusable: 'its labels have over 8192 bytes' });
  });

  it('A10: gives selectors that an entry can name, and that read as one key and one value alone', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string()), (labels) => {
        const found = labelled(labels);
        if (found === undefined || !isUsableNamespace(found)) return;
        expect(found.selectors.map((one) => one.split(':').length)).toEqual(found.selectors.map(() => 3));
        for (const one of found.selectors) Selector.parse(`k8s:${one}`);
        expect(new Map(found.selectors.map((one) => one.split(':').slice(1) as [string, string]))).toEqual(
          new Map(Object.entries(labels)),
        );
      }),
    );
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const one of [value, { metadata: value }, { metadata: { name: 'shop', labels: value } }])
          expect(() => parseNamespace(one)).not.toThrow();
      }),
    );
  });
});

describe('the namespaces that are known', () => {
  const listed = (...all: readonly (ReturnType<typeof labelled> & object)[]) =>
    new Map(all.map((one) => [one.name, one]));

  it('I1: tell which have other labels, and which are gone', () => {
    const book = new NamespaceBook();
    expect(book.replace(listed(labelled({ a: 'b' })!, labelled({}, 'bar')!, labelled({}, 'old')!))).toEqual([]);
    const now = listed(labelled({ a: 'c' })!, labelled({}, 'bar')!, labelled({}, 'new')!);
    expect(book.replace(now)).toEqual(['shop', 'old']);
    expect([book.size, book.called('old'), book.called('shop')]).toEqual([3, undefined, labelled({ a: 'c' })]);
  });

  it('I1: tell the same of one that changes', () => {
    const book = new NamespaceBook();
    book.replace(listed(labelled({ a: 'b' })!));
    expect(book.put('shop', labelled({ a: 'b' })!)).toEqual([]);
    expect(book.put('shop', labelled({ a: 'c' })!)).toEqual(['shop']);
    expect(book.put('bar', labelled({}, 'bar')!)).toEqual([]);
    expect([book.size, book.called('shop')]).toEqual([2, labelled({ a: 'c' })]);
    expect([book.put('shop', undefined), book.put('none', undefined)]).toEqual([['shop'], []]);
    expect([book.size, book.called('shop')]).toEqual([1, undefined]);
  });

  it('are the same while they give the same', () => {
    const odd = labelled(7)!;
    const [a, b] = [labelled({ a: 'b', c: 'd' })!, labelled({ c: 'd', a: 'b' })!];
    expect([sameNamespace(a, b), sameNamespace(a, odd), sameNamespace(odd, labelled(7)!)]).toEqual([true, false, true]);
  });
});
