// SPDX-License-Identifier: Apache-2.0
/** What one caller is granted, kept up to date for calls that ask and get one answer. Nothing is made ahead of them. */
import type { Attested } from '../attestation/attested.ts';
import { Failure } from '../lib/failure.ts';
import type { Match } from '../registry/match.ts';
import type { Errand } from './standing.ts';
import type { Follower } from './workload-identities.ts';

export interface CallerState {
  readonly match: Match;
  /** Undefined when nothing is granted. */
  readonly attested: Attested | undefined;
}

export class CallerErrand implements Errand<CallerState> {
  readonly nextWake = undefined;

  /** Whether that is a refusal depends on what is asked. */
  ungranted(match: Match): CallerState {
    return { match, attested: undefined };
  }

  async prepare(match: Match, attested: Attested): Promise<CallerState> {
    return { match, attested };
  }

  /** Each walk ends with a state: calls wait for it. */
  holds(): boolean {
    return false;
  }

  delivered(): void {
    // Told to the follower.
  }

  close(): void {
    // It makes nothing.
  }
}

/** Holds the newest state for whoever waits. */
export class StateFollower implements Follower<CallerState> {
  #state: CallerState | undefined;
  #failure: Failure | undefined;
  readonly #waiting = new Set<() => void>();

  async send(state: CallerState): Promise<void> {
    this.#state = state;
    this.#wake();
  }

  end(failure: Failure): void {
    this.#failure = failure;
    this.#wake();
  }

  get state(): CallerState | undefined {
    return this.#state;
  }

  /** Resolves with the next state that comes. Rejects with what ended the standing, or the signal's reason. */
  next(signal: AbortSignal): Promise<CallerState> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', abort);
        act();
      };
      const wake = (): void =>
        settle(() => (this.#failure === undefined ? resolve(this.#state as CallerState) : reject(this.#failure)));
      const abort = (): void => settle(() => reject(signal.reason));
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.add(wake);
      if (this.#failure !== undefined) wake();
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** The caller of an answer that nobody waits for any more. */
export const CALLER_GONE = new Failure('unavailable', 'CALLER_GONE', 'the caller has gone');
