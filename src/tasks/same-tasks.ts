// SPDX-License-Identifier: Apache-2.0
/** Tasks by who asked for what: the same process that asks for the same again has the same, until nobody holds it any more. */
import type { LiveTask } from './live-task.ts';

export class SameTasks {
  readonly #byKey = new Map<string, Promise<LiveTask>>();

  /** `begin`: called where there is none. One that could not be begun is not kept. */
  async ask(key: string, begin: () => Promise<LiveTask>): Promise<LiveTask> {
    const live = this.#byKey.get(key) ?? begin();
    try {
      this.#byKey.set(key, live);
      return await live;
    } catch (error) {
      if (this.#byKey.get(key) === live) this.#byKey.delete(key);
      throw error;
    }
  }

  /** Nobody is given it any more; by then another may have its key. Idempotent. */
  forget(live: LiveTask): void {
    if (live.key === '') return;
    this.#byKey.delete(live.key);
    live.key = '';
  }
}
