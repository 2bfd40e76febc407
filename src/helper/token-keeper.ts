// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps one token fresh: fetched again when half of the life that it had is over, or at once when the key that signed it
 * has left the bundle. While none is to be had the last one stays, and it is tried again and again.
 */
import { Backoff } from '../client/backoff.ts';
import type { JwtSvid } from '../client/jwt-svid.ts';
import type { TokenFetch } from '../client/token-fetch.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import { pickSvid } from './pick-svid.ts';
import type { Output, TokenOutput } from './settings.ts';
import type { Target } from './target.ts';

export interface TokenKeeperOptions {
  readonly output: Output;
  readonly token: TokenOutput;
  readonly target: Target;
  readonly fetch: TokenFetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A token that lives for a moment only must not keep us busy. */
const SOONEST_MS = 1_000;

export class TokenKeeper {
  readonly #options: TokenKeeperOptions;
  readonly #backoff: Backoff;
  #held: JwtSvid | undefined;
  #timer: Timer | undefined;
  #fetching = false;
  #closed = false;

  constructor(options: TokenKeeperOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    this.#start();
  }

  /** `isVouchedFor`: by the bundle as it is now. */
  bundleChanged(isVouchedFor: (svid: JwtSvid) => boolean): void {
    // guard: I7 test/helper/token-keeper.test.ts
    if (this.#held !== undefined && !isVouchedFor(this.#held)) this.#start();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #start(): void {
    if (this.#fetching || this.#closed) return;
    this.#timer?.cancel();
    this.#fetching = true;
    void this.#renew().then((pauseMs) => {
      this.#fetching = false;
      if (!this.#closed) this.#timer = this.#options.clock.after(pauseMs, () => this.#start());
    });
  }

  /** How long to wait for the next time. */
  async #renew(): Promise<number> {
    const { output, token, target, fetch, clock, log } = this.#options;
    const { pick, modes, owner } = output;
    try {
      const request = { audience: token.audiences, spiffe_id: pick.spiffeId?.toString() ?? '' };
      const svid = pickSvid(await fetch.fetch(request), pick);
      if (this.#closed) return 0;
      this.#held = svid;
      this.#backoff.reset();
      target.offer({
        files: [{ name: token.file, bytes: Buffer.from(svid.token), mode: modes.jwt, ...owner }],
        freshUntil: svid.expiresAt,
        about: { spiffeId: `${svid.spiffeId}`, audiences: svid.audiences },
      });
      return Math.max(SOONEST_MS, (svid.expiresAt - clock.now()) / 2);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      const retryInMs = Math.round(this.#backoff.next());
      if (this.#closed) return 0;
      target.lacks(problem);
      log.warn({ output: target.status().name, problem, retryInMs }, 'no new token; the last one stays');
      return retryInMs;
    }
  }
}
