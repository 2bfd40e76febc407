// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { parsePod } from '../../../attestors/k8s/pod.ts';
import { PodBook } from '../../../attestors/k8s/pod-book.ts';
import type { Pods } from '../../../attestors/k8s/pod-list.ts';
import { idOf, type PodWords, podJson, UID_A, UID_B } from '../../support/k8s-pods.ts';

const HASH = 'c0ffee00'.repeat(4);
const MIRROR = { uid: UID_B, annotations: { 'kubernetes.io/config.mirror': HASH } };

const pods = (...words: readonly PodWords[]): Pods =>
  new Map(words.map((one) => [one.uid ?? UID_A, parsePod(podJson(one))!]));

describe('a new list', () => {
  it('tells which pods are another thing now, and which are gone', () => {
    const book = new PodBook();
    expect(book.replace(pods({}, { uid: UID_B }), true)).toEqual([]);
    expect(book.replace(pods({}, { uid: UID_B, labels: {} }, { uid: 'new' }), true)).toEqual([UID_B]);
    expect(book.replace(pods({ uid: UID_B, labels: {} }), true).toSorted()).toEqual([UID_A, 'new']);
  });

  it('tells of nothing when all is as it was, in whatever order', () => {
    const book = new PodBook();
    book.replace(pods({}, { uid: UID_B }), true);
    expect(book.replace(pods({ uid: UID_B, annotations: { seen: '1' } }, {}), true)).toEqual([]);
  });

  it('holds a pod that is gone for deleted only if its server has not been started anew meanwhile', () => {
    const book = new PodBook();
    book.replace(pods({}, { uid: UID_B }), true);
    book.replace(pods({ uid: UID_B }), false);
    expect([book.called(UID_A), book.isDeleted(UID_A)]).toEqual([[], false]);
    book.replace(pods(), true);
    expect([book.isDeleted(UID_B), book.isDeleted(UID_A)]).toEqual([true, false]);
    book.replace(pods({ uid: UID_B }), true);
    expect(book.isDeleted(UID_B)).toBe(false);
  });

  it('I9: leaves some thousand deleted pods to be remembered', () => {
    const book = new PodBook();
    const many = Array.from({ length: 4_097 }, (_, at) => ({ uid: `uid-${at}` }));
    book.replace(pods(...many), true);
    book.replace(pods(), true);
    expect([book.isDeleted('uid-0'), book.isDeleted('uid-1'), book.isDeleted('uid-4096')]).toEqual([false, true, true]);
  });
});

describe('one that is heard of', () => {
  it('is told of when it is another thing now, and is deleted when it is gone; the others stay', () => {
    const book = new PodBook();
    book.replace(pods({}, { uid: UID_B }), true);
    expect(book.put(UID_A, parsePod(podJson({ labels: {} })))).toEqual([UID_A]);
    expect(book.put(UID_A, parsePod(podJson({ labels: {} })))).toEqual([]);
    expect(book.put(UID_A, undefined)).toEqual([UID_A]);
    expect([book.size, book.isDeleted(UID_A), book.called(UID_B).length]).toEqual([1, true, 1]);
  });
});

describe('a pod', () => {
  it('is found by its UID, and by the hash that a static pod’s cgroup is called after', () => {
    const book = new PodBook();
    book.replace(pods({}, MIRROR), true);
    expect(book.called(UID_A).map(({ uid }) => uid)).toEqual([UID_A]);
    expect(book.called(HASH).map(({ uid }) => uid)).toEqual([UID_B]);
    expect(book.called('other')).toEqual([]);
  });

  it('is told of by both of its names', () => {
    const book = new PodBook();
    book.replace(pods(MIRROR), true);
    expect(book.replace(pods(), true)).toEqual([UID_B, HASH]);
    expect(book.isDeleted(HASH)).toBe(true);
  });

  it('A10: with a UID of that name comes before those that only say so', () => {
    const book = new PodBook();
    book.replace(pods({ uid: HASH }, MIRROR), true);
    expect(book.called(HASH).map(({ uid }) => uid)).toEqual([HASH]);
  });
});

describe('a container', () => {
  it('A10: is known with every pod that lists it', () => {
    const book = new PodBook();
    book.replace(pods({}, { uid: UID_B }, { uid: 'c', containers: [] }), true);
    expect([book.listing(idOf('aa')), book.listing(idOf('bb'))]).toEqual([[UID_A, UID_B], []]);
  });
});
