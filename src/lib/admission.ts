// SPDX-License-Identifier: Apache-2.0
/**
 * A few jobs in one turn of the event loop, tenants taking turns: what a thousand callers of one uid ask for at once must
 * not hold up another's for as long as all of it takes (I9). How many may wait is bounded elsewhere.
 */
export class Admission {
  readonly #perTurn: number;
  /** In the order in which the tenants get their next turn; an empty queue is not kept. */
  readonly #queues = new Map<string, Set<() => void>>();
  #left: number;
  #scheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
    this.#left = perTurn;
  }

  /** Tenants that wait. */
  get waiting(): number {
    return this.#queues.size;
  }

  /** Undefined: at once. Otherwise resolves when it is this one's turn. */
  enter(tenant: string): Promise<void> | undefined {
    this.#schedule();
    // guard: I9 test/attacks/crowd.test.ts
    if (this.#left <= 0 || this.#queues.size > 0) return this.#wait(tenant);
    this.#left -= 1;
    return undefined;
  }

  #wait(tenant: string): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#queues.get(tenant);
      if (queue === undefined) this.#queues.set(tenant, new Set([resolve]));
      else queue.add(resolve);
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#left = this.#perTurn;
    for (; this.#left > 0 && this.#queues.size > 0; this.#left -= 1) this.#admitNext();
    if (this.#left < this.#perTurn) this.#schedule();
  }

  /** The first tenant's first; the tenant goes to the end of the line. */
  #admitNext(): void {
    const [[tenant, queue] = []] = this.#queues;
    const [start] = queue ?? [];
    if (tenant === undefined || queue === undefined || start === undefined) return;
    queue.delete(start);
    this.#queues.delete(tenant);
    if (queue.size > 0) this.#queues.set(tenant, queue);
    start();
  }
}
