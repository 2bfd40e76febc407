// SPDX-License-Identifier: Apache-2.0
/**
 * One connection to one running plugin, from its configuration to its end. What the plugin sends is bounded in size and
 * pace; a call that nobody waits for any more is cancelled; looks that stay unanswered end the session.
 */
import type { Socket } from 'node:net';
import { Client, type ServiceError, status } from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { loadProtoDefinition } from '../api/proto.ts';
import type { Clock, ProcessHandle } from '../attestation/plugin.ts';
import { Failure, quote } from '../lib/failure.ts';
import { PidfdChannel } from '../peer/pidfd-channel.ts';
import { PLUGIN_BOUNDS } from './bounds.ts';
import { OneVerifiedSocket } from './verified-socket.ts';
import {
  type Configured,
  toAnswer,
  toConfigured,
  toRequest,
  type WireAnswer,
  type WireChanges,
  type WireConfigured,
} from './wire.ts';

/** Where a plugin serves, and how to tell it from anybody else. */
export interface PluginPlace {
  readonly path: string;
  isServer(socket: Socket): boolean;
  isPidfdServer(socketFd: number): boolean;
}

export interface SessionOptions {
  readonly name: string;
  readonly place: PluginPlace;
  readonly config: unknown;
  /** To connect, and to be configured. */
  readonly startMs: number;
  /** That a look may take (`limits.attestation_timeout`). */
  readonly answerMs: number;
  readonly clock: Clock;
  /** A ground has changed; undefined: anything. */
  readonly changed: (ground: unknown) => void;
}

type Methods = Readonly<Record<'Configure' | 'Attest' | 'Changes', MethodDefinition<object, object>>>;

/** Looks in a row. One alone may be the fault of what it asked about. */
const MOST_UNANSWERED = 3;

export class PluginSession {
  /** Resolves with the reason, in words, when there is nothing more to be had of it. */
  readonly ended: Promise<string>;
  readonly #options: SessionOptions;
  readonly #client: Client;
  readonly #methods: Methods;
  #end: (why: string) => void = () => undefined;
  #configured: Configured | undefined;
  #pidfds: PidfdChannel | undefined;
  #unanswered = 0;
  #closed = false;

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#methods = loadProtoDefinition('assay/plugin/v1/attestor.proto')['assay.plugin.v1.Attestor'] as Methods;
    const { place } = options;
    const verified = new OneVerifiedSocket(place.isServer, () => this.#end('it has closed the connection'));
    this.#client = new Client(`unix:${place.path}`, verified, {
      // guard: I9 test/plugins/session.test.ts
      'grpc.max_receive_message_length': PLUGIN_BOUNDS.messageBytes,
      'grpc-node.max_session_memory': PLUGIN_BOUNDS.sessionMegabytes,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.enable_channelz': 0,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.default_authority': 'localhost',
    });
  }

  /** Rejects with Failure `PLUGIN_UNAVAILABLE`, or `PLUGIN_REFUSED` when it refuses its configuration. */
  static async open(options: SessionOptions): Promise<PluginSession> {
    const session = new PluginSession(options);
    try {
      await session.#connect();
      await session.#configure();
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  get configured(): Configured {
    if (this.#configured === undefined) throw new Error('the plugin is not configured yet');
    return this.#configured;
  }

  /** What it answers, as `readAnswer` takes it. Rejects with a Failure, or with the signal's reason. */
  async attest(process: ProcessHandle, everything: boolean, signal: AbortSignal): Promise<unknown> {
    const ticket = this.#pidfds?.send(process) ?? 0n;
    const request = await toRequest(process, everything, ticket);
    signal.throwIfAborted();
    const { clock, answerMs } = this.#options;
    const began = clock.monotonic();
    try {
      const answer = await this.#call<WireAnswer>('Attest', request, signal);
      this.#unanswered = 0;
      return toAnswer(answer, this.configured);
    } catch (error) {
      // Whoever went away early says nothing about the plugin.
      if (signal.aborted && clock.monotonic() - began > answerMs / 2) this.#leftUnanswered();
      throw signal.aborted ? signal.reason : error;
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#pidfds?.close();
    this.#client.close();
    this.#end('it was closed');
  }

  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { clock, startMs } = this.#options;
      const late = clock.after(startMs, () => reject(unavailable('does not serve its socket')));
      // Until it is closed, which whoever opened it does when this rejects.
      this.#client.waitForReady(Number.POSITIVE_INFINITY, (error) => {
        late.cancel();
        if (error === undefined || error === null) resolve();
        else reject(unavailable('does not serve its socket', error));
      });
    });
  }

  async #configure(): Promise<void> {
    const { name, config, startMs, clock, place } = this.#options;
    const late = new AbortController();
    const timer = clock.after(startMs, () => late.abort(unavailable('does not answer Configure')));
    try {
      const request = { name, config_json: JSON.stringify(config ?? null) };
      const message = await this.#call<WireConfigured>('Configure', request, late.signal);
      this.#configured = toConfigured(message);
    } catch (error) {
      throw late.signal.aborted ? late.signal.reason : error;
    } finally {
      timer.cancel();
    }
    const { wantsPidfd, tellsChanges } = this.configured;
    if (wantsPidfd) this.#pidfds = PidfdChannel.connect(`${place.path}.pidfd`, place.isPidfdServer);
    if (tellsChanges) this.#follow();
  }

  #call<Response>(rpc: keyof Methods, request: object, signal: AbortSignal): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = this.#methods[rpc];
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        (error, answer) => {
          signal.removeEventListener('abort', cancel);
          if (error === null) resolve(answer as Response);
          else reject(failed(rpc, error));
        },
      );
      const cancel = (): void => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  #follow(): void {
    const { path, requestSerialize, responseDeserialize } = this.#methods.Changes;
    const stream = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
    stream.on('data', (message: object) => {
      const { grounds, everything } = message as WireChanges;
      if (everything) this.#options.changed(undefined);
      else for (const ground of grounds.slice(0, PLUGIN_BOUNDS.changes + 1)) this.#options.changed(ground);
      // guard: I9 test/plugins/session.test.ts — it may tell without end; what is not read waits on its side
      stream.pause();
      this.#options.clock.after(PLUGIN_BOUNDS.changesEveryMs, () => stream.resume());
    });
    stream.on('error', (error: ServiceError) => this.#end(`its stream of changes has ended (${codeOf(error)})`));
    stream.on('end', () => this.#end('its stream of changes has ended'));
  }

  #leftUnanswered(): void {
    this.#unanswered += 1;
    // guard: I8 test/plugins/session.test.ts — one that hangs is begun anew
    if (this.#unanswered >= MOST_UNANSWERED && !this.#closed) this.#end(`it left ${MOST_UNANSWERED} looks unanswered`);
  }
}

/** A plugin's own words may hold a workload's secrets: they go into the log with the cause, never to a caller. */
function failed(rpc: string, error: ServiceError): Failure {
  if (rpc === 'Configure' && error.code === status.INVALID_ARGUMENT) {
    return new Failure(
      'failed-precondition',
      'PLUGIN_REFUSED',
      `the plugin refuses its configuration: ${quote(error.details)}`,
      {
        cause: error,
      },
    );
  }
  return unavailable(`answered ${rpc} with ${codeOf(error)}`, error);
}

function codeOf(error: ServiceError): string {
  return status[error.code] ?? 'no status';
}

function unavailable(why: string, cause?: unknown): Failure {
  return new Failure('unavailable', 'PLUGIN_UNAVAILABLE', `the plugin ${why}`, {
    hint: 'look at its output in the log',
    ...(cause === undefined ? {} : { cause }),
  });
}
