// SPDX-License-Identifier: Apache-2.0
/**
 * One connection that breaks HTTP/2 ends alone. A tenant (`tenantOf`) whose connections keep doing so is flooding (attack
 * B4: rapid resets, which node:http2 answers by ending the connection, and the flooder by opening the next), and is kept
 * out for a moment. Honest clients never get here, and retry if a neighbour under their uid brought them into it.
 */
const STRIKES = 5;
const WINDOW_MS = 10_000;
const BARRED_MS = 2_000;
/** Above this many tenants the forgotten ones are dropped from memory. */
const REMEMBERED = 1_024;

interface Record {
  readonly count: number;
  readonly last: number;
}

export class Strikes {
  readonly #byTenant = new Map<string, Record>();

  /** A connection of this tenant was ended for what it sent. `now` is monotonic, in milliseconds. */
  note(tenant: string, now: number): void {
    const known = this.#byTenant.get(tenant);
    const goesOn = known !== undefined && now - known.last < WINDOW_MS;
    this.#byTenant.set(tenant, { count: goesOn ? known.count + 1 : 1, last: now });
    if (this.#byTenant.size > REMEMBERED) this.#forget(now);
  }

  get size(): number {
    return this.#byTenant.size;
  }

  barred(tenant: string, now: number): boolean {
    const known = this.#byTenant.get(tenant);
    return known !== undefined && known.count >= STRIKES && now - known.last < BARRED_MS;
  }

  #forget(now: number): void {
    for (const [tenant, { last }] of this.#byTenant) if (now - last >= WINDOW_MS) this.#byTenant.delete(tenant);
  }
}
