// SPDX-License-Identifier: Apache-2.0
/**
 * A descriptor with one owner and an idempotent close (attack A3: a number that outlives its file names another file).
 * After `close` the number cannot be had any more: using it throws instead of reaching a stranger's file.
 */
import { closeFd } from './native.ts';

export class OwnedFd {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  get number(): number {
    if (this.#fd < 0) throw new Error('descriptor used after close');
    return this.#fd;
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = -1;
    // guard: A3 test/peer/owned-fd.test.ts — a second close of a number would close whatever got that number since
    if (fd < 0) return;
    closeFd(fd);
  }
}
