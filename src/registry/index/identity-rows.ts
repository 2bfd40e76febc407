// SPDX-License-Identifier: Apache-2.0
/** All identities, packed, by SPIFFE ID; and for which of them time has brought something. */
import { packIdentity, unpackIdentity } from '../../store/packed.ts';
import type { IdentityRecord } from '../../store/records.ts';
import { dueAt } from '../due.ts';
import { grown } from './arrays.ts';
import { KeyedRows } from './keyed-rows.ts';
import { digitsAt, eachRow, endOfField } from './rows.ts';

export class IdentityRows {
  readonly #rows = new KeyedRows();
  /** By slot: when time brings something, else 0. */
  #dueAt = new Float64Array(1024);

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
    this.#note(slot, dueAt(identity) ?? 0);
  }

  /** A chunk of packed rows, none of which is here yet. */
  load(bytes: Buffer): void {
    const chunk = this.#rows.adoptChunk(bytes);
    eachRow(bytes, (start, end) => {
      const slot = this.#rows.adoptRow(chunk, start, end);
      this.#note(slot, dueInRow(bytes, start, end));
    });
  }

  /** Those for which time has brought something by `now`, and when it brings the next. */
  due(now: number): { readonly spiffeIds: readonly string[]; readonly next: number | undefined } {
    const spiffeIds: string[] = [];
    let next = Infinity;
    for (let slot = 0; slot < this.#rows.slots; slot += 1) {
      const until = this.#dueAt[slot] as number;
      if (until === 0) continue;
      if (until <= now) spiffeIds.push(unpackIdentity(this.#rows.text(slot)).spiffeId);
      else if (until < next) next = until;
    }
    return { spiffeIds, next: next === Infinity ? undefined : next };
  }

  #note(slot: number, dueAt: number): void {
    this.#dueAt = grown(this.#dueAt, slot);
    this.#dueAt[slot] = dueAt;
  }
}

/** Of a million rows nearly all are active: their times are read in place. */
function dueInRow(bytes: Buffer, start: number, end: number): number {
  const stateAt = endOfField(bytes, start, end) + 1;
  const stateEnd = endOfField(bytes, stateAt, end);
  if (bytes.toString('latin1', stateAt, stateEnd) !== 'active')
    return dueAt(unpackIdentity(bytes.toString('utf8', start, end))) ?? 0;
  const expiresEnd = endOfField(bytes, stateEnd + 1, end);
  const reviewEnd = endOfField(bytes, expiresEnd + 1, end);
  const expiresAt = digitsAt(bytes, stateEnd + 1, expiresEnd);
  return reviewEnd === expiresEnd + 1 ? expiresAt : Math.min(expiresAt, digitsAt(bytes, expiresEnd + 1, reviewEnd));
}
