// SPDX-License-Identifier: Apache-2.0
/**
 * Fetches JWT-SVIDs. An answer of the daemon (PERMISSION_DENIED, INVALID_ARGUMENT, UNIMPLEMENTED) is final; everything else may
 * be over in a moment, such as its restart, and is tried again until the time is up.
 */
import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import { Backoff } from './backoff.ts';
import type { Endpoint } from './endpoint.ts';
import { hintFor } from './followed.ts';
import { type JwtSvid, readJwtSvids } from './jwt-svid.ts';
import { type JwtSvidRequest, WorkloadApi } from './workload-api.ts';

export interface TokenFetchOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeoutMs: number;
}

export class TokenFetch {
  readonly #options: TokenFetchOptions;
  readonly #wakes = new Set<() => void>();
  #api: WorkloadApi | undefined;
  #closed = false;

  constructor(options: TokenFetchOptions) {
    this.#options = options;
  }

  async fetch(request: JwtSvidRequest): Promise<readonly JwtSvid[]> {
    const { clock, random, timeoutMs } = this.#options;
    const backoff = new Backoff(random);
    const end = clock.monotonic() + timeoutMs;
    for (;;) {
      try {
        return await this.#once(request, end - clock.monotonic());
      } catch (error) {
        const pause = backoff.next();
        if (this.#closed || !isPassing(error) || clock.monotonic() + pause >= end) throw error;
        await this.#pause(pause);
      }
    }
  }

  /** Whoever waits is told at once. */
  close(): void {
    this.#closed = true;
    this.#hangUp();
    for (const wake of [...this.#wakes]) wake();
  }

  async #once(request: JwtSvidRequest, timeoutMs: number): Promise<readonly JwtSvid[]> {
    if (this.#closed) throw new Failure('failed-precondition', 'SOURCE_CLOSED', 'this JwtSource was closed');
    const { endpoint, clock } = this.#options;
    this.#api ??= new WorkloadApi(endpoint);
    const api = this.#api;
    const answer = await api.fetchJwtSvids(request, Date.now() + timeoutMs).catch((error: ServiceError) => {
      const failure = asFailure(error);
      // Dialled anew next time: grpc-js would wait longer and longer before it does, and the pace is ours (CLI-17).
      if (isPassing(failure) && this.#api === api) this.#hangUp();
      throw failure;
    });
    return readJwtSvids(answer, request, clock.now());
  }

  #hangUp(): void {
    this.#api?.close();
    this.#api = undefined;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#wakes.delete(wake);
        resolve();
      };
      const timer = this.#options.clock.after(ms, wake);
      this.#wakes.add(wake);
    });
  }
}

/** Worth another attempt. */
const isPassing = (error: unknown): boolean => error instanceof Failure && error.kind === 'unavailable';

function asFailure({ code, details }: ServiceError): Failure {
  const text = `${grpcStatus[code] ?? code}: ${details}`;
  const hint = hintFor(text);
  const message = `the daemon gave no JWT-SVID: ${text}`;
  switch (code) {
    case grpcStatus.PERMISSION_DENIED:
      return new Failure('permission-denied', 'SVID_WITHDRAWN', message, { hint });
    case grpcStatus.INVALID_ARGUMENT:
    case grpcStatus.UNIMPLEMENTED:
      return new Failure('failed-precondition', 'WORKLOAD_API_REFUSED', message, { hint });
    default:
      return new Failure('unavailable', 'SVID_MISSING', message, { hint });
  }
}
