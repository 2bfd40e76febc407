// SPDX-License-Identifier: Apache-2.0
/** All identities, packed, by SPIFFE ID; and which of the active ones have run out. */
import { packIdentity, unpackIdentity } from '../../store/packed.ts';
import type { IdentityRecord } from '../../store/records.ts';
import { grown } from './arrays.ts';
import { KeyedRows } from './keyed-rows.ts';
import { digitsAt, eachRow, endOfField } from './rows.ts';

export class IdentityRows {
  readonly #rows = new KeyedRows();
  /** By slot: when it expires if it is active, else 0. */
  #activeUntil = new Float64Array(1024);

  get count(): number {
    return this.#rows.count;
  }

  /** -1 when there is none. A slot stays: identities are never removed. */
  slotOf(spiffeId: string): number {
    return this.#rows.find(spiffeId);
  }

  slotOfBytes(bytes: Buffer, start: number, end: number): number {
    return this.#rows.findBytes(bytes, start, end);
  }

  get(spiffeId: string): IdentityRecord | undefined {
    const slot = this.#rows.find(spiffeId);
    return slot < 0 ? undefined : unpackIdentity(this.#rows.text(slot));
  }

  put(identity: IdentityRecord): void {
    const slot = this.#rows.put(packIdentity(identity));
    this.#note(slot, identity.state === 'active' ? identity.expiresAt : 0);
  }

  /** A chunk of packed rows, none of which is here yet. */
  load(bytes: Buffer): void {
    const chunk = this.#rows.adoptChunk(bytes);
    eachRow(bytes, (start, end) => {
      const slot = this.#rows.adoptRow(chunk, start, end);
      const stateAt = endOfField(bytes, start, end) + 1;
      const stateEnd = endOfField(bytes, stateAt, end);
      const active = bytes.toString('latin1', stateAt, stateEnd) === 'active';
      this.#note(slot, active ? digitsAt(bytes, stateEnd + 1, endOfField(bytes, stateEnd + 1, end)) : 0);
    });
  }

  /** Active identities that have run out by `now`, and when the next one will. */
  expired(now: number): { readonly spiffeIds: readonly string[]; readonly next: number | undefined } {
    const spiffeIds: string[] = [];
    let next = Infinity;
    for (let slot = 0; slot < this.#rows.slots; slot += 1) {
      const until = this.#activeUntil[slot] as number;
      if (until === 0) continue;
      if (until <= now) spiffeIds.push(unpackIdentity(this.#rows.text(slot)).spiffeId);
      else if (until < next) next = until;
    }
    return { spiffeIds, next: next === Infinity ? undefined : next };
  }

  #note(slot: number, activeUntil: number): void {
    this.#activeUntil = grown(this.#activeUntil, slot);
    this.#activeUntil[slot] = activeUntil;
  }
}
