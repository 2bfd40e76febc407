// SPDX-License-Identifier: Apache-2.0
/** Identities suspended for what a detector found. Their tasks end, and what they were given is revoked, in the same transaction. */
import type { Clock, Timer } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Registry } from '../registry/registry.ts';
import type { Detector } from '../store/findings.ts';
import type { Logger } from '../telemetry/logger.ts';

const AGAIN_MS = 1_000;

export interface SuspensionRooms {
  readonly registry: { readonly life: Pick<Registry['life'], 'suspendFound'> };
  readonly clock: Clock;
  readonly log: Logger;
}

export class Suspensions {
  readonly #rooms: SuspensionRooms;
  /** Being written, or to be tried again: at most one an identity. */
  readonly #under = new Map<string, Timer | undefined>();
  #closed = false;

  constructor(rooms: SuspensionRooms) {
    this.#rooms = rooms;
  }

  /** Tried until it is written. Never throws. */
  suspend(identity: string, detector: Detector): void {
    if (this.#closed || this.#under.has(identity)) return;
    this.#write(identity, detector);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#under.values()) timer?.cancel();
    this.#under.clear();
  }

  #write(identity: string, detector: Detector): void {
    const { registry, clock, log } = this.#rooms;
    this.#under.set(identity, undefined);
    registry.life.suspendFound(identity, detector).then(
      (suspended) => {
        this.#under.delete(identity);
        if (suspended !== undefined)
          log.warn({ identity, detector }, 'an identity was suspended: a detector found something');
      },
      (error: unknown) => {
        this.#under.delete(identity);
        // Of another trust domain, or retired: there is nothing to suspend.
        if (error instanceof Failure && (error.kind === 'not-found' || error.kind === 'failed-precondition')) return;
        if (this.#closed) return;
        log.error({ identity, detector, err: error }, 'an identity could not be suspended; it is tried again');
        this.#under.set(
          identity,
          clock.after(AGAIN_MS, () => this.#write(identity, detector)),
        );
      },
    );
  }
}
