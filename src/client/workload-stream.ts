// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps one stream of the Workload API open for as long as it is wanted: when a stream ends it says how, and opens the next
 * one (WAPI-38). INVALID_ARGUMENT and UNIMPLEMENTED are final (WEP-20); after every other end it comes back, also
 * after a clean one (CLI-17).
 */
import { type ClientReadableStream, status } from '@grpc/grpc-js';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { Backoff } from './backoff.ts';
import type { Endpoint } from './endpoint.ts';
import { WorkloadApi } from './workload-api.ts';

export interface StreamEnd {
  readonly code: number;
  /** `PERMISSION_DENIED: no entry matches`, as the daemon or the connection said it. */
  readonly text: string;
  /** Until the next attempt; undefined when this answer is final. */
  readonly retryInMs: number | undefined;
}

export interface WorkloadStreamOptions<Message> {
  readonly endpoint: Endpoint;
  /** Which of the streams. */
  readonly fetch: (api: WorkloadApi) => ClientReadableStream<Message>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onMessage: (message: Message) => void;
  readonly onEnd: (end: StreamEnd) => void;
}

/** A stream that lived shorter than this and ends does not earn an immediate return. */
const SETTLED_MS = 1_000;
const FINAL: readonly number[] = [status.INVALID_ARGUMENT, status.UNIMPLEMENTED];

export class WorkloadStream<Message> {
  readonly #options: WorkloadStreamOptions<Message>;
  readonly #backoff: Backoff;
  #stop: () => void = () => undefined;

  constructor(options: WorkloadStreamOptions<Message>) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    this.#open();
  }

  /** Nothing is called after this. */
  close(): void {
    this.#stop();
  }

  #open(): void {
    const { clock, endpoint, fetch } = this.#options;
    const api = new WorkloadApi(endpoint);
    const call = fetch(api);
    const openedAt = clock.monotonic();
    let messages = 0;
    let stopped = false;
    call.on('data', (message) => {
      if (stopped) return;
      messages += 1;
      this.#backoff.reset();
      this.#options.onMessage(message);
    });
    call.on('error', () => undefined); // 'status' follows and says the same
    call.on('status', ({ code, details }) => {
      api.close();
      if (stopped) return;
      const settled = messages > 0 && clock.monotonic() - openedAt >= SETTLED_MS;
      this.#ended(code, details, settled);
    });
    this.#stop = () => {
      stopped = true;
      cancel(call);
      api.close();
    };
  }

  #ended(code: number, details: string, settled: boolean): void {
    const text = `${status[code] ?? code}: ${details}`;
    // guard: WEP-20 test/client/x509-source.test.ts
    if (FINAL.includes(code)) {
      this.#options.onEnd({ code, text, retryInMs: undefined });
      return;
    }
    const retryInMs = settled ? this.#backoff.soon() : this.#backoff.next();
    const timer: Timer = this.#options.clock.after(retryInMs, () => this.#open());
    this.#stop = () => timer.cancel();
    this.#options.onEnd({ code, text, retryInMs });
  }
}

function cancel(call: ClientReadableStream<unknown>): void {
  call.removeAllListeners('data');
  call.cancel();
}
