// SPDX-License-Identifier: Apache-2.0
/** A WIT-SVID of this process with its key, and one answer of FetchWITSVID, read whole or refused whole (WAPI-38, CLI-16). */
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { JwsAlgorithm } from '../jwt/algorithms.ts';
import { type HolderSigner, readPrivateJwk } from '../jwt/wit-key.ts';
import { readOwnWitSvid } from '../jwt/wit-svid.ts';
import { messageFault, within } from './message-fault.ts';
import type { WireWitSvid, WireWitSvids } from './workload-api.ts';

export interface WitSvid {
  readonly spiffeId: SpiffeId;
  /** Milliseconds UTC. */
  readonly expiresAt: number;
  /** Of the key that signed it. */
  readonly kid: string;
  /** What the operator wrote to tell several identities apart; empty when nothing. */
  readonly hint: string;
  /** Worth nothing without a proof by the key, and never for `Authorization` (WIT-15). */
  readonly token: string;
  /** With which `signer` signs. */
  readonly alg: JwsAlgorithm;
  readonly signer: HolderSigner;
}

/** One or more; the first is the default identity (WAPI-18). `asked`: empty, or the one ID that was asked for. */
export function readWitSvids(message: WireWitSvids, asked: string, now: number): readonly WitSvid[] {
  // guard: CLI-01 test/client/wit-svid.test.ts
  if (message.svids.length === 0) throw messageFault('svids', 'it is empty');
  const svids = message.svids.map((wire, at) => readSvid(wire, `svids[${at}]`, asked, now));
  const seen = new Set<string>();
  // Of several with the same hint the first one counts (CLI-08).
  return svids.filter(({ hint }) => hint === '' || (!seen.has(hint) && seen.add(hint)));
}

function readSvid(wire: WireWitSvid, field: string, asked: string, now: number): WitSvid {
  const { spiffe_id, wit_svid: token, wit_svid_key, hint } = wire;
  const spiffeId = within(`${field}.spiffe_id`, () => SpiffeId.parseWorkload(spiffe_id));
  // guard: WAPI-23 test/client/wit-svid.test.ts
  if (asked !== '' && asked !== spiffe_id)
    throw messageFault(`${field}.spiffe_id`, `it is not the one that was asked for, ${asked}`);
  const said = within(`${field}.wit_svid`, () => readOwnWitSvid(token, { now }));
  // guard: WIT-05 test/client/wit-svid.test.ts
  if (!said.spiffeId.equals(spiffeId)) throw messageFault(`${field}.wit_svid`, `it is not a token of ${spiffeId}`);
  // guard: I5 test/client/wit-svid.test.ts
  if (said.expiresAt <= now) throw messageFault(`${field}.wit_svid`, 'it has expired');
  const signer = readPrivateJwk(wit_svid_key, said.holder);
  // guard: WAPI-31 test/client/wit-svid.test.ts
  if (typeof signer === 'string') throw messageFault(`${field}.wit_svid_key`, signer);
  return { spiffeId, expiresAt: said.expiresAt, kid: said.kid, hint, token, alg: said.holder.alg, signer };
}
