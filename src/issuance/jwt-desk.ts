// SPDX-License-Identifier: Apache-2.0
/**
 * JWT-SVIDs for one process, asked for and answered one call at a time, for as long as its connection is open. What the
 * caller is and is granted is watched by a standing, as for a stream, so that a call finds it decided; a token is signed and
 * recorded, or found in the cache, and then everything is looked at once more with no `await` before the answer.
 */
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { checkJwtSvid, type JwtSvidClaims } from '../jwt/svid.ts';
import { tokenId } from '../jwt/token-id.ts';
import { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Grant } from '../registry/match.ts';
import { CALLER_GONE, CallerErrand, type CallerState, StateFollower } from './caller-state.ts';
import { jwtKeysFor } from './jwt-keys.ts';
import { callerChanged, noIdentity, notGranted } from './refusal.ts';
import type { JwtRoom, Rooms } from './rooms.ts';
import { Standing, type Whereabouts } from './standing.ts';
import { TokenIssuer } from './token-issuer.ts';
import type { JwtCaller, JwtSvidState } from './workload-identities.ts';

/** An answer that finds its decision out of date this often in a row has met a disagreement, not a race. */
const STALE_ANSWERS = 8;
/** Twice what a look at a caller may take by default (limits.attestation_timeout). */
const LONGEST_WAIT_MS = 10_000;

export class JwtDesk implements JwtCaller {
  readonly #rooms: Rooms;
  readonly #process: ProcessHandle;
  readonly #issuer: TokenIssuer;
  readonly #jwt: JwtRoom;
  readonly #open: (standing: Standing<CallerState>) => void;
  readonly #whereabouts: Whereabouts;
  #standing: Standing<CallerState> | undefined;
  #follower = new StateFollower();
  #closed = false;

  constructor(
    rooms: Rooms,
    jwt: JwtRoom,
    process: ProcessHandle,
    whereabouts: Whereabouts,
    open: (standing: Standing<CallerState>) => void,
  ) {
    this.#rooms = rooms;
    this.#jwt = jwt;
    this.#process = process;
    this.#whereabouts = whereabouts;
    this.#open = open;
    this.#issuer = new TokenIssuer(rooms, jwt, process);
  }

  async fetch(
    asked: { readonly audiences: readonly string[]; readonly spiffeId: string },
    signal: AbortSignal,
    answer: (svids: readonly JwtSvidState[]) => void,
  ): Promise<void> {
    const { audiences } = asked;
    const spiffeId = asked.spiffeId === '' ? undefined : SpiffeId.parseWorkload(asked.spiffeId, 'spiffe_id').toString();
    for (let tries = 0; tries < STALE_ANSWERS; tries += 1) {
      const state = await this.#current(signal);
      const grants = this.#granted(state, spiffeId);
      const tokens = await this.#issuer.tokens(grants, audiences, state);
      await this.#changesDecided();
      signal.throwIfAborted();
      // The last look. From here to the answer nothing may await.
      if (tokens === undefined || !this.#stillStands(state)) continue;
      answer(tokens.map((token, i) => svidOf(grants[i] as Grant, token)));
      for (const token of tokens) token.delivered = true;
      return;
    }
    throw tooFast();
  }

  /** WAPI-27: against our own keys and those of trust domains that this caller federates with. */
  async validate(
    asked: { readonly token: string; readonly audience: string },
    signal: AbortSignal,
    answer: (checked: JwtSvidClaims) => void,
  ): Promise<void> {
    for (let tries = 0; tries < STALE_ANSWERS; tries += 1) {
      const state = await this.#current(signal);
      const federatesWith = this.#verifies(state);
      const keysOf = (trustDomain: TrustDomain) => jwtKeysFor(this.#rooms, this.#jwt, federatesWith, trustDomain);
      const now = this.#rooms.clock.now();
      const checked = checkJwtSvid(asked.token, { audience: asked.audience, keysOf, now });
      await this.#changesDecided();
      signal.throwIfAborted();
      if (!this.#stillStands(state)) continue;
      // guard: I7 test/issuance/revocation.test.ts — after the wait, so that one that was asked for meanwhile counts
      if (this.#rooms.revocations.isRevoked(tokenId(asked.token, checked.claims.get('jti'))))
        throw this.#revoked(asked.token, checked);
      answer(checked);
      return;
    }
    throw tooFast();
  }

  /** The connection has closed. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#standing?.stop();
    this.#follower.end(CALLER_GONE);
    this.#issuer.close();
  }

  /** What stands now; looked at first where nobody has yet, or the last look ended with a refusal. */
  #current(signal: AbortSignal): Promise<CallerState> {
    if (this.#closed) return Promise.reject(CALLER_GONE);
    if (this.#standing === undefined || this.#standing.ended) {
      this.#follower = new StateFollower();
      const errand = new CallerErrand();
      this.#standing = new Standing(this.#rooms, this.#process, this.#follower, errand, this.#whereabouts);
      const next = this.#next(signal);
      if (!this.#standing.ended) this.#open(this.#standing);
      return next;
    }
    const { state } = this.#follower;
    return state !== undefined && this.#standing.upToDate ? Promise.resolve(state) : this.#next(signal);
  }

  /** A standing goes on trying where a look fails, since streams hold what is still valid; a call is told that nothing is sure. */
  async #next(signal: AbortSignal): Promise<CallerState> {
    const late = new AbortController();
    const timer = this.#rooms.clock.after(LONGEST_WAIT_MS, () => late.abort(unsure()));
    try {
      return await this.#follower.next(AbortSignal.any([signal, late.signal]));
    } finally {
      timer.cancel();
    }
  }

  #granted({ match }: CallerState, spiffeId: string | undefined): readonly Grant[] {
    // guard: I1 test/issuance/jwt-desk.test.ts
    if (match.grants.length === 0) throw noIdentity(this.#process, match);
    if (spiffeId === undefined) return match.grants;
    const found = match.grants.filter(({ subject }) => subject === spiffeId);
    // guard: WAPI-23 test/issuance/jwt-desk.test.ts
    if (found.length === 0) throw notGranted(spiffeId);
    return found;
  }

  #verifies({ match }: CallerState): ReadonlySet<string> {
    const isKnown = match.grants.length > 0 || this.#rooms.settings.allowUnauthenticatedVerifiers;
    // guard: WAPI-20 test/issuance/jwt-desk.test.ts
    if (!isKnown) throw noIdentity(this.#process, match);
    return new Set(match.grants.flatMap(({ federatesWith }) => federatesWith));
  }

  /** A withdrawal that was asked for meanwhile is waited for: the answer must not overtake it. */
  async #changesDecided(): Promise<void> {
    const asked = this.#rooms.changes.changesInFlight();
    // guard: I1 test/issuance/jwt-desk.test.ts
    if (asked !== undefined) await asked;
  }

  #revoked(token: string, { claims, spiffeId }: JwtSvidClaims): Failure {
    const serial = tokenId(token, claims.get('jti'));
    const by = `uid:${this.#process.uid}`;
    // guard: I7 test/issuance/revocation.test.ts — who still shows it is worth a look
    this.#rooms.detectors?.replayed({ kind: 'jwt', serial, identity: spiffeId.toString(), by });
    return revoked();
  }

  /** False: decide again. Throws when the caller is no longer the process that connected. */
  #stillStands(state: CallerState): boolean {
    const verdict = this.#process.stillSame();
    // guard: A2 test/issuance/jwt-desk.test.ts
    if (!verdict.same) throw callerChanged(this.#process, verdict.reason);
    // guard: I1 test/issuance/jwt-desk.test.ts
    return this.#standing?.upToDate === true && this.#follower.state === state;
  }
}

function svidOf({ subject, hint }: Grant, { token }: { readonly token: string }): JwtSvidState {
  return { spiffeId: subject, token, hint };
}

function revoked(): Failure {
  return new Failure('invalid-argument', 'TOKEN_REVOKED', 'the token is refused: it was taken back', {
    field: 'svid',
    hint: 'have whoever shows it fetch another one',
  });
}

function unsure(): Failure {
  return new Failure('unavailable', 'CALLER_UNSURE', 'who the calling process is could not be found out in time', {
    hint: 'try again; `assay doctor` says which attestor fails',
  });
}

function tooFast(): Failure {
  return new Failure('unavailable', 'DECISION_STALE', 'the registry changes faster than an identity can be issued', {
    hint: 'try again',
  });
}
