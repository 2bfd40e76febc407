// SPDX-License-Identifier: Apache-2.0
/** A JWT-SVID of this process, and one answer of FetchJWTSVID, read whole or refused whole (WAPI-38). */
import { SpiffeId } from '../identity/spiffe-id.ts';
import { readOwnJwtSvid } from '../jwt/svid.ts';
import { messageFault, within } from './message-fault.ts';
import type { JwtSvidRequest, WireJwtSvid, WireJwtSvids } from './workload-api.ts';

interface Parts {
  readonly token: string;
  readonly spiffeId: SpiffeId;
  readonly audiences: readonly string[];
  readonly expiresAt: number;
  readonly kid: string;
  readonly hint: string;
}

/** The token has no printable form: only `token` gives it. */
export class JwtSvid {
  readonly spiffeId: SpiffeId;
  readonly audiences: readonly string[];
  /** Milliseconds UTC. */
  readonly expiresAt: number;
  /** Of the key that signed it. */
  readonly kid: string;
  /** What the operator wrote to tell several identities apart; empty when nothing. */
  readonly hint: string;
  readonly #token: string;

  constructor({ token, spiffeId, audiences, expiresAt, kid, hint }: Parts) {
    this.#token = token;
    this.spiffeId = spiffeId;
    this.audiences = audiences;
    this.expiresAt = expiresAt;
    this.kid = kid;
    this.hint = hint;
  }

  /** For `Authorization: Bearer`, over confidential links only (JWT-18). */
  get token(): string {
    return this.#token;
  }
}

/** One or more; the first is the default identity (WAPI-18). */
export function readJwtSvids(message: WireJwtSvids, request: JwtSvidRequest, now: number): readonly JwtSvid[] {
  // guard: CLI-01 test/client/jwt-svid.test.ts
  if (message.svids.length === 0) throw messageFault('svids', 'it is empty');
  const svids = message.svids.map((wire, at) => readSvid(wire, `svids[${at}]`, request, now));
  const seen = new Set<string>();
  // Of several with the same hint the first one counts (CLI-08).
  return svids.filter(({ hint }) => hint === '' || (!seen.has(hint) && seen.add(hint)));
}

function readSvid(wire: WireJwtSvid, field: string, request: JwtSvidRequest, now: number): JwtSvid {
  const { spiffe_id, svid: token, hint } = wire;
  const spiffeId = within(`${field}.spiffe_id`, () => SpiffeId.parseWorkload(spiffe_id));
  // guard: WAPI-23 test/client/jwt-svid.test.ts
  if (request.spiffe_id !== '' && request.spiffe_id !== spiffe_id)
    throw messageFault(`${field}.spiffe_id`, `it is not the one that was asked for, ${request.spiffe_id}`);
  const [audience = ''] = request.audience;
  const said = within(`${field}.svid`, () => readOwnJwtSvid(token, { audience, now }));
  // guard: CLI-12 test/client/jwt-svid.test.ts
  if (!request.audience.every((wanted) => said.audiences.includes(wanted)))
    throw messageFault(`${field}.svid`, 'it lacks an audience that was asked for');
  // guard: JWT-06 test/client/jwt-svid.test.ts
  if (!said.spiffeId.equals(spiffeId)) throw messageFault(`${field}.svid`, `it is not a token of ${spiffeId}`);
  // guard: I5 test/client/jwt-svid.test.ts
  if (said.expiresAt <= now) throw messageFault(`${field}.svid`, 'it has expired');
  return new JwtSvid({ token, spiffeId, hint, audiences: said.audiences, expiresAt: said.expiresAt, kid: said.kid });
}
