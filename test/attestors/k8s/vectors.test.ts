// SPDX-License-Identifier: Apache-2.0
/** Pods as kubelets and API servers really list them; those of SPIRE with the selectors that its own tests expect. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isUsable, parsePod } from '../../../attestors/k8s/pod.ts';
import { PodBook } from '../../../attestors/k8s/pod-book.ts';

interface Vector {
  readonly what: string;
  /** Recorded on a machine, or where it was published. */
  readonly source: string;
  readonly container: string;
  readonly selectors: readonly string[];
  readonly pod: { readonly metadata: { readonly uid: string } };
  /** What its cgroup is called, where that is not its UID. */
  readonly cgroup?: string;
}
const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../vectors/k8s/pods.json'), 'utf8'),
) as readonly Vector[];

describe('a pod as it is listed', () => {
  it.each(vectors.map((one) => [one.what, one] as const))('%s', (_what, vector) => {
    const pod = parsePod(vector.pod);
    if (pod === undefined || !isUsable(pod)) throw new Error(JSON.stringify(pod));
    const container = pod.containers.get(vector.container);
    expect([...pod.selectors, ...(container?.selectors ?? [])].sort()).toEqual(vector.selectors);
    const book = new PodBook();
    book.replace(new Map([[pod.uid, pod]]), true);
    expect(book.called(vector.cgroup ?? pod.uid)).toEqual([pod]);
  });

  it('comes from somewhere that can be looked up', () => {
    for (const { source } of vectors) expect(source).toMatch(/^(?:github\.com\/.*commit|recorded )/);
  });
});
