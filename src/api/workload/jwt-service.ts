// SPDX-License-Identifier: Apache-2.0
/**
 * The JWT profile of the Workload API: a token is asked for and answered in one call, so what is known of a caller is kept for
 * as long as its connection is open. Wire on one side, `JwtIdentities` on the other; no decision is taken here.
 */
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { JwtCaller, JwtIdentities } from '../../issuance/workload-identities.ts';
import { Failure } from '../../lib/failure.ts';
import type { Peer } from '../../peer/peer.ts';
import { toStatus } from '../status.ts';
import { toClaimsField } from './claims.ts';

/** A request names at most so many, each of at most so many characters (I9). */
const MOST_AUDIENCES = 64;
const LONGEST_AUDIENCE = 1_024;
/** Of all together, so that no token outgrows what verifiers read (16 KiB). */
const LONGEST_AUDIENCES = 8_192;

export type Unary = ServerUnaryCall<unknown, object>;

export interface JwtServiceOptions {
  readonly jwt: JwtIdentities;
  readonly peerOf: (call: { getPeer(): string }) => Peer;
  readonly onConnectionClose: (call: { getPeer(): string }, closed: () => void) => void;
}

type Work = (
  caller: JwtCaller,
  request: never,
  signal: AbortSignal,
  answer: (message: object) => void,
) => Promise<void>;

/** What each unary method does, by name. */
export function jwtMethods(
  options: JwtServiceOptions,
): Readonly<Record<string, (call: Unary, callback: sendUnaryData<object>) => void>> {
  const callers = new Callers(options);
  const unary =
    (work: Work) =>
    (call: Unary, callback: sendUnaryData<object>): void => {
      const abort = new AbortController();
      const gone = (): void => abort.abort(new Failure('unavailable', 'CALLER_GONE', 'the caller has gone'));
      call.once('cancelled', gone);
      // grpc-js says `cancelled` of an answered call as well, when its stream closes.
      const answer: sendUnaryData<object> = (error, message) => {
        call.off('cancelled', gone);
        callback(error, message);
      };
      Promise.resolve()
        .then(() => work(callers.of(call), call.request as never, abort.signal, (message) => answer(null, message)))
        .catch((error: unknown) => answer({ name: 'Error', message: '', ...toStatus(error) }));
    };
  return { FetchJWTSVID: unary(fetchSvid), ValidateJWTSVID: unary(validateSvid) };
}

async function fetchSvid(
  caller: JwtCaller,
  { audience, spiffe_id }: { readonly audience: readonly string[]; readonly spiffe_id: string },
  signal: AbortSignal,
  answer: (message: object) => void,
): Promise<void> {
  const asked = { audiences: readAudiences(audience), spiffeId: spiffe_id };
  await caller.fetch(asked, signal, (svids) =>
    answer({ svids: svids.map(({ spiffeId, token, hint }) => ({ spiffe_id: spiffeId, svid: token, hint })) }),
  );
}

async function validateSvid(
  caller: JwtCaller,
  { audience, svid }: { readonly audience: string; readonly svid: string },
  signal: AbortSignal,
  answer: (message: object) => void,
): Promise<void> {
  // guard: WAPI-08 test/api/workload/jwt-service.test.ts
  if (audience === '') throw refused('audience', 'is missing', 'name whom the token is for');
  // guard: WAPI-08 test/api/workload/jwt-service.test.ts
  if (svid === '') throw refused('svid', 'is missing', 'send the token that is to be checked');
  await caller.validate({ token: svid, audience }, signal, (checked) =>
    answer({ spiffe_id: checked.spiffeId.toString(), claims: toClaimsField(checked) }),
  );
}

/** WAPI-08, WAPI-09, WAPI-21: as they were asked for, and none of them empty. */
function readAudiences(audience: readonly string[]): readonly string[] {
  // guard: WAPI-09 test/api/workload/jwt-service.test.ts
  if (audience.every((one) => one === '')) throw refused('audience', 'is missing', 'name whom the token is for');
  // guard: WAPI-10 test/api/workload/jwt-service.test.ts
  if (audience.includes('')) throw refused('audience', 'one of several is empty', 'leave it out');
  // guard: I9 test/api/workload/jwt-service.test.ts
  if (audience.length > MOST_AUDIENCES) throw refused('audience', `there are more than ${MOST_AUDIENCES}`);
  // guard: I9 test/api/workload/jwt-service.test.ts
  if (audience.some((one) => one.length > LONGEST_AUDIENCE))
    throw refused('audience', `one is longer than ${LONGEST_AUDIENCE} characters`);
  // guard: I9 test/api/workload/jwt-service.test.ts
  if (Buffer.byteLength(audience.join('')) > LONGEST_AUDIENCES)
    throw refused('audience', `together they are longer than ${LONGEST_AUDIENCES} bytes`);
  return audience;
}

/** One for each connection that has asked. */
class Callers {
  readonly #options: JwtServiceOptions;
  readonly #byConnection = new Map<number, JwtCaller>();

  constructor(options: JwtServiceOptions) {
    this.#options = options;
  }

  of(call: Unary): JwtCaller {
    const { connection, process } = this.#options.peerOf(call);
    const known = this.#byConnection.get(connection);
    if (known !== undefined) return known;
    const caller = this.#options.jwt.caller(process);
    this.#byConnection.set(connection, caller);
    this.#options.onConnectionClose(call, () => {
      this.#byConnection.delete(connection);
      caller.close();
    });
    return caller;
  }
}

function refused(field: string, why: string, hint = 'ask for fewer audiences, or shorter ones'): Failure {
  return new Failure('invalid-argument', 'REQUEST_INVALID', `${field}: ${why}`, { field, hint });
}
