// SPDX-License-Identifier: Apache-2.0
/** Counts what the `orders` service prints: requests, failures, and the certificates seen at either end. */

const EXCHANGE = /^(new|kept) connection +orders ([0-9a-f]{8}) <-> billing ([0-9a-f]{8}) {2}(.*)$/;

export class Tally {
  readonly #orders = new Set<string>();
  readonly #billing = new Set<string>();
  readonly #kept = new Set<string>();
  readonly counts = { fresh: 0, kept: 0, failed: 0 };

  hear(line: string): void {
    if (line.includes('FAILED')) this.counts.failed += 1;
    const [, kind, orders = '', billing = ''] = EXCHANGE.exec(line) ?? [];
    if (kind === 'new') {
      this.counts.fresh += 1;
      this.#orders.add(orders);
      this.#billing.add(billing);
    } else if (kind === 'kept') {
      this.counts.kept += 1;
      this.#kept.add(`${orders} ${billing}`);
    }
  }

  get serials(): { readonly orders: number; readonly billing: number } {
    return { orders: this.#orders.size, billing: this.#billing.size };
  }

  /** Both ends changed their certificate, and the connection opened at the start still carries the first pair. */
  get rotated(): boolean {
    return (
      this.#orders.size > 1 && this.#billing.size > 1 && this.#kept.size === 1 && this.counts.kept >= this.counts.fresh
    );
  }
}
