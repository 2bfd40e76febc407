// SPDX-License-Identifier: Apache-2.0
/**
 * gRPC health (grpc.health.v1), ours because it is open to every caller: what it remembers is who watches, for as long as
 * they do, and never a name that a caller made up.
 */
import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { Failure, quote } from '../lib/failure.ts';
import { servedMethod } from './proto.ts';
import { toStatus } from './status.ts';

export type ServingStatus = 'SERVING' | 'NOT_SERVING';

interface Asked {
  readonly service: string;
}

interface Answer {
  readonly status: ServingStatus | 'SERVICE_UNKNOWN';
}

type Check = ServerUnaryCall<Asked, Answer>;
type Watcher = ServerWritableStream<Asked, Answer>;

export const HEALTH_PROTO = 'health.proto';

export class Health {
  readonly #statuses: Map<string, ServingStatus>;
  readonly #watchers = new Set<Watcher>();

  constructor(services: readonly string[]) {
    this.#statuses = new Map(services.map((name) => [name, 'SERVING']));
  }

  /** Calls of Watch that are open. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** The paths that are served from now on. */
  addTo(server: Server): readonly string[] {
    const served: string[] = [];
    const serve = (name: string, type: 'unary' | 'serverStream', handle: unknown): void => {
      const { path, responseSerialize, requestDeserialize } = servedMethod(HEALTH_PROTO, 'grpc.health.v1.Health', name);
      server.register(path, handle as never, responseSerialize, requestDeserialize, type);
      served.push(path);
    };
    serve('Check', 'unary', (call: Check, done: sendUnaryData<Answer>) => this.#check(call, done));
    serve('List', 'unary', (_: unknown, done: sendUnaryData<object>) => done(null, { statuses: this.#all() }));
    serve('Watch', 'serverStream', (call: Watcher) => this.#watch(call));
    return served;
  }

  set(status: ServingStatus): void {
    for (const name of this.#statuses.keys()) this.#statuses.set(name, status);
    for (const call of this.#watchers) call.write({ status: this.#of(call) });
  }

  #check(call: Check, done: sendUnaryData<Answer>): void {
    const { service } = call.request;
    const status = this.#statuses.get(service);
    if (status !== undefined) {
      done(null, { status });
      return;
    }
    const unknown = new Failure('not-found', 'SERVICE_UNKNOWN', `no service ${quote(service)} is served here`);
    done({ name: 'Error', message: '', ...toStatus(unknown) });
  }

  #watch(call: Watcher): void {
    call.write({ status: this.#of(call) });
    this.#watchers.add(call);
    // guard: B4 test/attacks/health-watch.test.ts
    call.once('close', () => this.#watchers.delete(call));
  }

  #of(call: Watcher): Answer['status'] {
    return this.#statuses.get(call.request.service) ?? 'SERVICE_UNKNOWN';
  }

  #all(): object {
    const statuses = Object.create(null) as Record<string, Answer>;
    for (const [name, status] of this.#statuses) statuses[name] = { status };
    return statuses;
  }
}
