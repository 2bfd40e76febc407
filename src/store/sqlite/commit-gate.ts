// SPDX-License-Identifier: Apache-2.0
/**
 * Lets a test hold the writer just before it commits, with the batch's statements already run. Both threads look at one
 * shared word: odd while held. The writer sleeps until the word changes, so a release followed at once by another hold
 * still lets the waiting batch go.
 */
const TICKET = 0;
const AT_GATE = 1;

export class CommitGate {
  readonly shared = new SharedArrayBuffer(8);
  readonly #words = new Int32Array(this.shared);

  /** From the next commit on, the writer waits. */
  hold(): void {
    if (!isHeld(Atomics.load(this.#words, TICKET))) Atomics.add(this.#words, TICKET, 1);
  }

  /** Resolves when the writer stands at the gate that the last `hold` closed. */
  async reached(): Promise<void> {
    for (;;) {
      const at = Atomics.load(this.#words, AT_GATE);
      if (at === Atomics.load(this.#words, TICKET)) return;
      const turn = Atomics.waitAsync(this.#words, AT_GATE, at);
      if (turn.async) await turn.value;
    }
  }

  /** Lets it commit; later commits pass until the next `hold`. */
  release(): void {
    if (!isHeld(Atomics.load(this.#words, TICKET))) return;
    Atomics.add(this.#words, TICKET, 1);
    Atomics.notify(this.#words, TICKET);
  }
}

/** The writer's side. */
export function waitAtGate(shared: SharedArrayBuffer): void {
  const words = new Int32Array(shared);
  const ticket = Atomics.load(words, TICKET);
  if (!isHeld(ticket)) return;
  Atomics.store(words, AT_GATE, ticket);
  Atomics.notify(words, AT_GATE);
  while (Atomics.load(words, TICKET) === ticket) Atomics.wait(words, TICKET, ticket);
}

function isHeld(ticket: number): boolean {
  return ticket % 2 !== 0;
}
