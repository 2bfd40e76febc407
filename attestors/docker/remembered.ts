// SPDX-License-Identifier: Apache-2.0
/**
 * Answers kept for as long as somebody tells of changes, and asked for once however many want them. What was asked for
 * before a change was told of is neither kept nor shared with those who come after it.
 */
import { AttestorError } from '../../src/attestation/plugin.ts';

export interface Kept<T> {
  readonly value: T;
  readonly bytes: number;
}

export interface Bounds {
  readonly count: number;
  readonly bytes: number;
}

interface Asking<T> {
  readonly answer: Promise<Kept<T>>;
  /** Begun while changes are told of, and none of it was since. */
  mayKeep: boolean;
}

/** Different keys at once; a flood of made-up ones waits for nobody. */
const MOST_ASKING = 256;

export class Remembered<T> {
  readonly #ask: (key: string) => Promise<Kept<T>>;
  readonly #places: (value: T) => LeastRecent<T>;
  readonly #all: readonly LeastRecent<T>[];
  readonly #asking = new Map<string, Asking<T>>();
  #told = false;

  /** `rare` says which answers are worth less, so that many of them push out only each other. */
  constructor(
    ask: (key: string) => Promise<Kept<T>>,
    bounds: { readonly common: Bounds; readonly rare: Bounds },
    rare: (value: T) => boolean,
  ) {
    this.#ask = ask;
    const [common, lesser] = [new LeastRecent<T>(bounds.common), new LeastRecent<T>(bounds.rare)];
    this.#places = (value) => (rare(value) ? lesser : common);
    this.#all = [common, lesser];
  }

  /** `remembered`: nobody was asked just now. */
  async get(key: string): Promise<{ readonly value: T; readonly remembered: boolean }> {
    for (const place of this.#all) {
      const kept = place.get(key);
      if (kept !== undefined) return { value: kept.value, remembered: true };
    }
    const { value } = await (this.#asking.get(key) ?? this.#start(key)).answer;
    return { value, remembered: false };
  }

  forget(key: string): void {
    for (const place of this.#all) place.delete(key);
    const asking = this.#asking.get(key);
    if (asking === undefined) return;
    // guard: I1 test/attestors/docker/remembered.test.ts — the answer under way may be from before the change
    asking.mayKeep = false;
    // guard: I1 test/attestors/docker/remembered.test.ts — whoever asks after the change hears from after it
    this.#asking.delete(key);
  }

  /** Are changes told of from now on? What was known up to now is not believed any longer. */
  believe(told: boolean): void {
    this.#told = told;
    for (const place of this.#all) place.clear();
    for (const key of [...this.#asking.keys()]) this.forget(key);
  }

  #start(key: string): Asking<T> {
    // guard: I9 test/attestors/docker/remembered.test.ts
    if (this.#asking.size >= MOST_ASKING)
      throw new AttestorError(`more than ${MOST_ASKING} containers are asked about`);
    const asking: Asking<T> = { answer: this.#ask(key), mayKeep: this.#told };
    this.#asking.set(key, asking);
    const done = (kept?: Kept<T>): void => {
      if (this.#asking.get(key) === asking) this.#asking.delete(key);
      // guard: I1 test/attestors/docker/remembered.test.ts — nobody would tell of its end
      if (!asking.mayKeep || kept === undefined) return;
      this.#places(kept.value).set(key, kept);
    };
    asking.answer.then(done, () => done());
    return asking;
  }
}

/** Bounded; what nobody asked for longest goes first. */
class LeastRecent<T> {
  readonly #bounds: Bounds;
  readonly #kept = new Map<string, Kept<T>>();
  #bytes = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get(key: string): Kept<T> | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept;
  }

  set(key: string, kept: Kept<T>): void {
    this.delete(key);
    this.#kept.set(key, kept);
    this.#bytes += kept.bytes;
    for (const oldest of this.#kept.keys()) {
      // guard: I9 test/attestors/docker/remembered.test.ts
      if (this.#kept.size <= this.#bounds.count && this.#bytes <= this.#bounds.bytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }
}
