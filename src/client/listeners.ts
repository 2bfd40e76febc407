// SPDX-License-Identifier: Apache-2.0
/** Who wants to hear of changes; one that fails keeps nobody else from hearing. */
import type { SourceLog } from './followed.ts';

export class Listeners<Source> {
  readonly #all = new Set<(source: Source) => void>();
  readonly #name: string;
  readonly #log: SourceLog | undefined;

  constructor(name: string, log: SourceLog | undefined) {
    this.#name = name;
    this.#log = log;
  }

  /** Returns what ends it. */
  add(listener: (source: Source) => void): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  tell(source: Source): void {
    for (const listener of [...this.#all]) {
      try {
        listener(source);
      } catch (error) {
        this.#log?.warn({ problem: String(error) }, `a listener of ${this.#name} failed`);
      }
    }
  }

  clear(): void {
    this.#all.clear();
  }
}
