// SPDX-License-Identifier: Apache-2.0
/** All identities, packed, by SPIFFE ID; and for which of them time has brought something. */
import { packIdentity, unpackIdentity } from '../../store/packed.ts';
import type { IdentityRecord } from '../../store/records.ts';
import { dueAt } from '../due.ts';
import { grown } from './arrays.ts';
import { KeyedRows } from './keyed-rows.ts';
import { digitsAt, eachRow, endOfField } from './rows.ts';

/** What one look found. */
export interface DueSlice {
  readonly spiffeIds: readonly string[];
  /** When time brings the next, of those looked at. */
  readonly next: number | undefined;
  /** Where to go on; undefined when all were looked at. */
  readonly rest: number | undefined;
}

export class IdentityRows {
  readonly #rows = new KeyedRows();
  readonly #graceMs: number;
  /** By slot: when time brings an active one something; below 0 where it brings another its retirement then; else 0. */
  #dueAt = new Float64Array(1024);

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

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

  /** Answers when time brings it something. */
  put(identity: IdentityRecord): number | undefined {
    const slot = this.#rows.put(packIdentity(identity));
    return this.#note(slot, identity);
  }

  /** A chunk of packed rows, none of which is here yet. */
  load(bytes: Buffer): void {
    const chunk = this.#rows.adoptChunk(bytes);
    eachRow(bytes, (start, end) => {
      const slot = this.#rows.adoptRow(chunk, start, end);
      const due = dueOfActive(bytes, start, end);
      if (due === undefined) this.#note(slot, unpackIdentity(bytes.toString('utf8', start, end)));
      else this.#keep(slot, due);
    });
  }

  /** The first `most`, from the slot `from`, for which time has brought something by `now`. */
  due(now: number, from: number, most: number): DueSlice {
    const spiffeIds: string[] = [];
    let next = Infinity;
    let slot = from;
    for (; slot < this.#rows.slots && spiffeIds.length < most; slot += 1) {
      const until = Math.abs(this.#dueAt[slot] as number);
      if (until === 0) continue;
      if (until <= now) spiffeIds.push(this.at(slot).spiffeId);
      else if (until < next) next = until;
    }
    return {
      spiffeIds,
      next: next === Infinity ? undefined : next,
      rest: slot < this.#rows.slots ? slot : undefined,
    };
  }

  /**
   * Visits each active one, of `many` slots from `from`, that time brings something after `now` and within `withinMs`. Answers
   * where to go on; undefined at the end.
   */
  eachAhead(
    { now, withinMs, from, many }: { readonly now: number; readonly withinMs: number; from: number; many: number },
    visit: (dueAt: number, slot: number) => void,
  ): number | undefined {
    const end = Math.min(this.#rows.slots, from + many);
    for (let slot = from; slot < end; slot += 1) {
      const until = this.#dueAt[slot] as number;
      if (until > now && until - now <= withinMs) visit(until, slot);
    }
    return end < this.#rows.slots ? end : undefined;
  }

  at(slot: number): IdentityRecord {
    return unpackIdentity(this.#rows.text(slot));
  }

  #note(slot: number, identity: IdentityRecord): number | undefined {
    const at = dueAt(identity, this.#graceMs);
    this.#keep(slot, at === undefined ? 0 : identity.state === 'active' ? at : -at);
    return at;
  }

  #keep(slot: number, dueAt: number): void {
    this.#dueAt = grown(this.#dueAt, slot);
    this.#dueAt[slot] = dueAt;
  }
}

/** Of a million rows nearly all are active: their times are read in place. Undefined for the others. */
function dueOfActive(bytes: Buffer, start: number, end: number): number | undefined {
  const stateAt = endOfField(bytes, start, end) + 1;
  const stateEnd = endOfField(bytes, stateAt, end);
  if (bytes.toString('latin1', stateAt, stateEnd) !== 'active') return undefined;
  const expiresEnd = endOfField(bytes, stateEnd + 1, end);
  const reviewEnd = endOfField(bytes, expiresEnd + 1, end);
  const expiresAt = digitsAt(bytes, stateEnd + 1, expiresEnd);
  return reviewEnd === expiresEnd + 1 ? expiresAt : Math.min(expiresAt, digitsAt(bytes, expiresEnd + 1, reviewEnd));
}
