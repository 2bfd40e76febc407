// SPDX-License-Identifier: Apache-2.0
/**
 * What one stream of the Workload API says, always the newest: it comes back after the daemon did, holds what it has
 * meanwhile, and gives it up when the daemon says that this process is entitled to nothing. It keeps the process alive
 * until `close()`.
 */
import { type ClientReadableStream, status as grpcStatus } from '@grpc/grpc-js';
import { type Clock, systemClock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { type Random, systemRandom } from '../lib/random.ts';
import { parseEndpoint } from './endpoint.ts';
import type { WorkloadApi } from './workload-api.ts';
import { type StreamEnd, WorkloadStream } from './workload-stream.ts';

/** The methods of a log that are used here; pino's and the console's fit. */
export interface SourceLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface SourceOptions {
  /** `unix:///…` or `tcp://IP:port`; otherwise SPIFFE_ENDPOINT_SOCKET says (WEP-09). */
  readonly socket?: string;
  /** Ends the wait in `open`. */
  readonly signal?: AbortSignal;
  /** How long `open` waits for a first message; 30 s unless told, `Infinity` waits for ever. */
  readonly timeoutMs?: number;
  /** False: `open` fails at once when the daemon says that no entry matches, instead of waiting for one. */
  readonly waitForEntry?: boolean;
  readonly log?: SourceLog;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface SourceStatus {
  /**
   * `waiting`: nothing came yet. `current`: the stream is open. `holding`: it is not, and what came last is served
   * while valid. `withdrawn`: the daemon said that this process has no identity any more. `failed`: it gave a final
   * answer, nothing is tried again. `closed`: by `close()`.
   */
  readonly state: 'waiting' | 'current' | 'holding' | 'withdrawn' | 'failed' | 'closed';
  /** Messages taken so far. */
  readonly updates: number;
  /** What went wrong last, in words; undefined when the last message was good. */
  readonly problem: string | undefined;
}

/** What is followed, in the words of its errors. */
export interface FollowedWords {
  /** `identity`. */
  readonly what: string;
  readonly source: string;
  /** Reasons. */
  readonly missing: string;
  readonly withdrawn: string;
  readonly timeout: string;
}

export interface FollowedOptions<Message, State> {
  readonly fetch: (api: WorkloadApi) => ClientReadableStream<Message>;
  /** Reads a message whole or throws. */
  readonly read: (message: Message, now: number) => State;
  readonly words: FollowedWords;
  readonly onTaken?: (state: State) => void;
  /** After every change, a withdrawal too. */
  readonly onChange: () => void;
}

const DEFAULT_TIMEOUT_MS = 30_000;

export class Followed<Message, State> {
  readonly address: string;
  readonly clock: Clock;
  readonly #log: SourceLog | undefined;
  readonly #options: FollowedOptions<Message, State>;
  readonly #stream: WorkloadStream<Message>;
  /** What is waited for need not be alive to be worth waiting for. */
  readonly #staysAlive: NodeJS.Timeout;
  readonly #looks = new Set<() => void>();
  #now: State | undefined;
  #state: SourceStatus['state'] = 'waiting';
  #updates = 0;
  #problem: string | undefined;
  #denied = false;

  constructor(source: SourceOptions, options: FollowedOptions<Message, State>) {
    const endpoint = parseEndpoint(source.socket);
    this.address = endpoint.uri;
    this.clock = source.clock ?? systemClock;
    this.#log = source.log;
    this.#options = options;
    this.#staysAlive = setInterval(() => undefined, 2 ** 30);
    this.#stream = new WorkloadStream({
      endpoint,
      clock: this.clock,
      random: source.random ?? systemRandom,
      fetch: options.fetch,
      onMessage: (message) => this.#take(message),
      onEnd: (end) => this.#ended(end),
    });
  }

  get status(): SourceStatus {
    return { state: this.#state, updates: this.#updates, problem: this.#problem };
  }

  get held(): State | undefined {
    return this.#now;
  }

  /** What holds now, or a Failure that says why there is nothing. */
  current(): State {
    if (this.#now !== undefined) return this.#now;
    const { what, source, missing, withdrawn } = this.#options.words;
    const why = this.#problem === undefined ? 'the daemon has not answered yet' : this.#problem;
    if (this.#state === 'closed')
      throw new Failure('failed-precondition', 'SOURCE_CLOSED', `this ${source} was closed`);
    if (this.#state === 'withdrawn') {
      throw new Failure('permission-denied', withdrawn, `the daemon took the ${what} of this process back (${why})`, {
        hint: 'ask an operator whether its entry was deleted or its identity suspended',
      });
    }
    throw new Failure('unavailable', missing, `this process has no ${what} yet: ${why}`, { hint: hintFor(why) });
  }

  /** Resolves with the first message; rejects with a Failure that says what stood in the way. */
  first({ timeoutMs = DEFAULT_TIMEOUT_MS, waitForEntry = true, signal }: SourceOptions): Promise<void> {
    const { what, timeout } = this.#options.words;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        timer?.cancel();
        this.#looks.delete(look);
        signal?.removeEventListener('abort', abort);
        act();
      };
      const fail = (reason: string, lead: string): void => {
        const why = this.#problem ?? 'the daemon did not answer';
        settle(() =>
          reject(new Failure('unavailable', reason, `${lead} from ${this.address}: ${why}`, { hint: hintFor(why) })),
        );
      };
      const abort = (): void => settle(() => reject(signal?.reason));
      const look = (): void => {
        if (this.#now !== undefined) settle(resolve);
        else if (this.#state === 'closed') fail('SOURCE_CLOSED', `no ${what}`);
        else if (this.#state === 'failed' || (this.#denied && !waitForEntry))
          fail('WORKLOAD_API_REFUSED', `no ${what}`);
      };
      this.#looks.add(look);
      signal?.addEventListener('abort', abort, { once: true });
      const timer = Number.isFinite(timeoutMs)
        ? this.clock.after(timeoutMs, () => fail(timeout, `no ${what} within ${timeoutMs / 1000} s`))
        : undefined;
    });
  }

  /** Idempotent. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearInterval(this.#staysAlive);
    this.#stream.close();
    this.#now = undefined;
    this.#changed();
  }

  /** WAPI-35: the message replaces everything; what it leaves out is gone. */
  #take(message: Message): void {
    try {
      this.#now = this.#options.read(message, this.clock.now());
    } catch (error) {
      // WAPI-38: discarded whole, reported, and the stream goes on.
      this.#problem = error instanceof Error ? error.message : String(error);
      this.#log?.warn({ socket: this.address, problem: this.#problem }, 'message from the Workload API discarded');
      this.#changed();
      return;
    }
    this.#updates += 1;
    this.#problem = undefined;
    this.#denied = false;
    this.#state = 'current';
    this.#options.onTaken?.(this.#now);
    this.#changed();
  }

  #ended(end: StreamEnd): void {
    this.#problem = end.text;
    this.#denied = end.code === grpcStatus.PERMISSION_DENIED;
    if (end.retryInMs === undefined) this.#state = 'failed';
    else if (this.#denied) this.#withdraw();
    else if (this.#now !== undefined) this.#state = 'holding';
    this.#log?.warn({ socket: this.address, problem: end.text, retryInMs: end.retryInMs }, 'Workload API stream ended');
    this.#changed();
  }

  /** The daemon looked and said that nothing is ours any more (I7): that is an answer, not an outage. */
  #withdraw(): void {
    if (this.#now !== undefined) this.#state = 'withdrawn';
    // guard: I7 test/client/x509-source.test.ts
    this.#now = undefined;
  }

  #changed(): void {
    for (const look of [...this.#looks]) look();
    this.#options.onChange();
  }
}

/** The next thing to try, by what was heard. */
export function hintFor(problem: string): string {
  if (problem.startsWith('PERMISSION_DENIED')) {
    return 'no entry matches this process: register one with "assay entry create", or see "assay doctor"';
  }
  if (/ENOENT|ECONNREFUSED/.test(problem))
    return 'is the daemon running, and is this its workload socket? Try "assay health"';
  if (/EACCES/.test(problem)) return 'this uid may not open the socket; look at the mode of its folder';
  return 'look at the log of the daemon, or try "assay doctor"';
}
