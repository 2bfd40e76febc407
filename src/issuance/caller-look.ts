// SPDX-License-Identifier: Apache-2.0
/**
 * One caller looked at, with nothing missed: what changes while a look is under way (the ground it rests on, an entry
 * that names what it left out) takes it again.
 */
import type { Attested } from '../attestation/attested.ts';
import { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Rooms } from './rooms.ts';

/** Facts that change during this many looks in a row are nothing to decide on. */
const MOST_LOOKS = 5;

export class CallerLook {
  readonly #rooms: Pick<Rooms, 'attestation' | 'registry'>;
  readonly #process: ProcessHandle;
  readonly #signal: AbortSignal;
  readonly #heard = new Set<string>();
  #looking = false;

  constructor(rooms: Pick<Rooms, 'attestation' | 'registry'>, process: ProcessHandle, signal: AbortSignal) {
    this.#rooms = rooms;
    this.#process = process;
    this.#signal = signal;
  }

  /** A ground of somebody's, maybe of this caller's, may no longer hold. */
  hear(ground: string): void {
    if (this.#looking) this.#heard.add(ground);
  }

  /**
   * Rejects as the engine does, or with Failure `FACTS_CHANGING`. Calls `place` with what was seen, in the same breath as
   * the last check, so that a change is either heard here or finds what was placed.
   */
  async take(place: (attested: Attested) => void): Promise<Attested> {
    this.#looking = true;
    try {
      for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
        this.#heard.clear();
        const attested = await this.#rooms.attestation.attest(this.#process, this.#signal);
        if (this.#outdated(attested)) continue;
        place(attested);
        return attested;
      }
    } finally {
      this.#looking = false;
    }
    throw new Failure('unavailable', 'FACTS_CHANGING', 'what is known of the calling process changes too fast', {
      hint: 'try again',
    });
  }

  #outdated(attested: Attested): boolean {
    // guard: I1 test/issuance/grounds.test.ts
    if (attested.restsOn.some((ground) => this.#heard.has(ground))) return true;
    // An entry that names what was left out may have come during the look, before it could find this caller.
    // guard: I1 test/issuance/on-demand.test.ts
    if (unasked(attested).some((kind) => this.#rooms.registry.names(kind))) return true;
    return false;
  }
}

/** Kinds, as `type:kind`, that another look would give if an entry named one. */
export function unasked(attested: Attested): string[] {
  return attested.notes.flatMap(({ attestor, kind, onDemand }) =>
    onDemand === true && kind !== undefined ? [`${attestor}:${kind}`] : [],
  );
}
