// SPDX-License-Identifier: Apache-2.0
/** Cgroup paths as runtimes of all sorts make them: test/vectors/cgroups/containers.json says where each is from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { containerHints, isBelowPod, isContainerPath } from '../../src/attestation/container-hints.ts';
import { parseCgroups } from '../../src/peer/proc-text.ts';

interface Vector {
  readonly what: string;
  readonly source: string;
  readonly cgroup: readonly string[];
}

interface ContainerVector extends Vector {
  readonly containers: readonly { readonly id: string; readonly pod: string | null }[];
}

const file = join(import.meta.dirname, '../vectors/cgroups/containers.json');
const { containers, none } = JSON.parse(readFileSync(file, 'utf8')) as {
  containers: readonly ContainerVector[];
  none: readonly Vector[];
};
const hintsOf = ({ cgroup }: Vector) => containerHints(parseCgroups(Buffer.from(cgroup.join('\n'))));
const named = (vector: Vector) => [`${vector.what} (${vector.source})`, vector] as const;

describe('the containers of a process', () => {
  it.each(containers.map(named))('are named by its cgroup: %s', (_name, vector) => {
    const hints = hintsOf(vector);
    const wanted = (vector as ContainerVector).containers;
    expect(hints.map(({ id, podUid }) => ({ id, pod: podUid ?? null }))).toEqual(wanted);
    for (const { id, podUid, path } of hints) {
      expect(isContainerPath(path, id)).toBe(true);
      expect(podUid === undefined || isBelowPod(path, podUid)).toBe(true);
    }
  });

  it.each(none.map(named))('A10: are none: %s', (_name, vector) => {
    expect(hintsOf(vector)).toEqual([]);
  });

  it('are recorded here, or of a source that others can look up', () => {
    const all = [...containers, ...none];
    for (const { what, source } of all) {
      const known = /^recorded here: |^attack A10$|^github\.com\/|^[\w-]+\/[\w-]+, |^podman-systemd/.test(source);
      expect([what, known]).toEqual([what, true]);
    }
    expect(new Set(all.map(({ what }) => what)).size).toBe(all.length);
  });
});
