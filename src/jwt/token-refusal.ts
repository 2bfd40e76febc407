// SPDX-License-Identifier: Apache-2.0
/**
 * How a token is refused: the rule that it breaks, and what whoever validates or sends it can do. Nothing out of the token is
 * in either (I10), and both go to whoever asked.
 */
import { Failure } from '../lib/failure.ts';

const NO_SVID = 'send an SVID as the Workload API gives it; no other token is taken here';
const FORGED = 'find out where it comes from: it was changed on the way, or made by somebody else';
const CLOCKS = 'compare the clocks of this machine and the one that issued it';

const HINTS = {
  JWT_MALFORMED: 'send the token whole, as the Workload API gave it',
  JWT_ALGORITHM: NO_SVID,
  JWT_TYPE: NO_SVID,
  JWT_HEADER: NO_SVID,
  JWT_KEY_ID: NO_SVID,
  JWT_SUBJECT: NO_SVID,
  JWT_AUDIENCE_MISSING: NO_SVID,
  JWT_AUDIENCE: 'fetch a token for the audience that is asked for here, character for character',
  JWT_EXPIRY_MISSING: NO_SVID,
  JWT_EXPIRED: `fetch a new token; if this one is new, ${CLOCKS}`,
  JWT_NOT_YET_VALID: CLOCKS,
  JWT_TIME: NO_SVID,
  JWT_UNTRUSTED:
    'fetch its bundle (assay federation create), and name it in an entry of the validator (--federates-with)',
  JWT_KEY_UNKNOWN:
    'fetch a new token; if it is refused as well, the bundle here is an old one: assay federation refresh',
  JWT_KEY_UNFIT: FORGED,
  JWT_SIGNATURE: FORGED,
  WIT_AUDIENCE: NO_SVID,
  WIT_HOLDER_KEY: NO_SVID,
  WIT_NOT_PROVEN: 'sign this request with the key that came with the token, as the protocol between the two says',
} as const;

/** `broken` follows "the token is refused: ". */
export function tokenRefused(reason: keyof typeof HINTS, broken: string): Failure {
  return new Failure('invalid-argument', reason, `the token is refused: ${broken}`, {
    field: 'svid',
    hint: HINTS[reason],
  });
}
