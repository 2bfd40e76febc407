// SPDX-License-Identifier: Apache-2.0
/**
 * What is said of a container, in SPIRE's spelling (doc/plugin_agent_workloadattestor_docker.md), so that entries move over
 * unchanged, and by whose choice: what its image says too, the image's author may have chosen.
 */
import type { FoundSelector, LeftOut, Strength } from '../../src/attestation/plugin.ts';
import { Selector } from '../../src/identity/selector.ts';
import type { Known } from './engine.ts';

export const KINDS: ReadonlyMap<string, Strength> = new Map([
  ['label', 'authority'],
  ['env', 'authority'],
  ['image_id', 'authority'],
  ['image_config_digest', 'authority'],
  ['image_digest', 'authority'],
]);

export interface Said {
  readonly selectors: readonly FoundSelector[];
  readonly leftOut: readonly LeftOut[];
}

export interface Saying {
  /** Does anybody want the environment? Asked at each look. */
  readonly wantEnv: boolean;
  /** A rootless engine says what its user wants. */
  readonly rootless: boolean;
}

export function say({ container, image }: Known, { wantEnv, rootless }: Saying): Said {
  const given = new Given(rootless);
  addLabels(given, container.labels, image?.labels);
  if (wantEnv) addEnv(given, container.env, image?.env);
  else given.leaveOut({ kind: 'env', reason: 'no entry names an env selector', onDemand: true });
  given.give('image_id', container.reference);
  if (container.image === undefined)
    given.leaveOut({ kind: 'image_config_digest', reason: 'the engine names no hash' });
  else given.give('image_config_digest', container.image);
  for (const digest of image?.digests ?? []) given.give('image_digest', digest);
  if (image === undefined) {
    const reason =
      'the engine no longer has the image; labels and env count as claimed, since it may have brought them';
    given.leaveOut({ kind: 'image_digest', reason });
  } else if (image.digests.length === 0) {
    given.leaveOut({ kind: 'image_digest', reason: 'the image was made here, no registry has it' });
  }
  return given.said();
}

function addLabels(
  given: Given,
  labels: ReadonlyMap<string, string>,
  imageLabels: ReadonlyMap<string, string> | undefined,
): void {
  for (const [key, value] of labels) {
    // guard: A10 test/attestors/docker/findings.test.ts — `a:b` with `c` would pass for `a` with `b:c`
    if (key.includes(':')) {
      given.count('label', 'with a colon in the key, which could pass for another');
      continue;
    }
    let strength: Strength = 'authority';
    // guard: A1 test/attestors/docker/findings.test.ts — the author of an image is not who started it
    if (imageLabels === undefined || imageLabels.get(key) === value) strength = 'claimed';
    given.give('label', `${key}:${value}`, strength);
  }
}

function addEnv(given: Given, env: readonly string[], imageEnv: readonly string[] | undefined): void {
  const ofImage = new Set(imageEnv);
  for (const variable of env) {
    if (!variable.includes('=')) continue;
    let strength: Strength = 'authority';
    // guard: A1 test/attestors/docker/findings.test.ts
    if (imageEnv === undefined || ofImage.has(variable)) strength = 'claimed';
    given.give('env', variable, strength);
  }
}

class Given {
  readonly #rootless: boolean;
  readonly #selectors: FoundSelector[] = [];
  readonly #leftOut: LeftOut[] = [];
  readonly #counts = new Map<string, number>();

  constructor(rootless: boolean) {
    this.#rootless = rootless;
  }

  give(kind: string, text: string, strongest: Strength = 'authority'): void {
    const value = `${kind}:${text}`;
    if (text === '') return;
    if (!isNameable(value)) {
      this.count(kind, 'too long or with control characters, which no entry can name');
      return;
    }
    let strength = strongest;
    // guard: A13 test/attestors/docker/rootless.test.ts — a rootless engine is that user's own
    if (this.#rootless) strength = 'claimed';
    this.#selectors.push({ value, strength });
  }

  leaveOut(leftOut: LeftOut): void {
    this.#leftOut.push(leftOut);
  }

  /** Told as a number, because the text may be a secret. */
  count(kind: string, why: string): void {
    const key = `${kind}\n${why}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  said(): Said {
    const counted = [...this.#counts].map(([key, count]) => {
      const [kind = '', why] = key.split('\n');
      return { kind, reason: `${count} left out: ${why}` };
    });
    return { selectors: this.#selectors, leftOut: [...this.#leftOut, ...counted] };
  }
}

function isNameable(value: string): boolean {
  try {
    Selector.parse(`docker:${value}`);
    return true;
  } catch {
    return false;
  }
}
