// SPDX-License-Identifier: Apache-2.0
/**
 * What was taken back and would otherwise still be valid, in memory: whoever issues or verifies asks here, and nobody waits.
 * Kept by the store's changes; a serial leaves when what it names has expired.
 */
import type { Clock } from '../lib/clock.ts';
import type { Change } from '../store/records.ts';
import type { RevokedSvid } from '../store/revocations.ts';

export interface RevocationsOptions {
  /** At the start. */
  readonly unexpired: readonly RevokedSvid[];
  readonly changes: { onChanges(listener: (changes: readonly Change[]) => void): () => void };
  readonly clock: Pick<Clock, 'now'>;
}

/** Expired ones are looked for after so many came. */
const SWEEP_EVERY = 1_000;

export class Revocations {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #bySerial = new Map<string, RevokedSvid>();
  readonly #listeners = new Set<(revoked: readonly RevokedSvid[]) => void>();
  readonly #forget: () => void;
  #sinceSweep = 0;

  constructor({ unexpired, changes, clock }: RevocationsOptions) {
    this.#clock = clock;
    for (const one of unexpired) this.#bySerial.set(one.serial, one);
    this.#forget = changes.onChanges((told) => {
      for (const change of told) if (change.kind === 'revocation') this.#take(change.revoked);
    });
  }

  /** `serial` as of an issuance: of an X509-SVID its serial number, of a token its `jti`, or without one its SHA-256. */
  isRevoked(serial: string): boolean {
    return this.#bySerial.has(serial);
  }

  /** Of one authority, those that are valid but for this. */
  ofAuthority(authorityId: string): readonly RevokedSvid[] {
    const now = this.#clock.now();
    const found: RevokedSvid[] = [];
    for (const one of this.#bySerial.values())
      if (one.authorityId === authorityId && one.notAfter > now) found.push(one);
    return found;
  }

  /** Synchronously, in commit order, after `isRevoked` knows of them. Returns the undo. */
  onRevoked(listener: (revoked: readonly RevokedSvid[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#forget();
    this.#listeners.clear();
  }

  #take(revoked: readonly RevokedSvid[]): void {
    for (const one of revoked) this.#bySerial.set(one.serial, one);
    this.#sinceSweep += revoked.length;
    if (this.#sinceSweep >= SWEEP_EVERY) this.#sweep();
    for (const listener of [...this.#listeners]) listener(revoked);
  }

  #sweep(): void {
    this.#sinceSweep = 0;
    const now = this.#clock.now();
    for (const [serial, { notAfter }] of this.#bySerial) if (notAfter <= now) this.#bySerial.delete(serial);
  }
}
