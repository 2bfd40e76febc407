// SPDX-License-Identifier: Apache-2.0
/** Tasks on the workload socket: wire on one side, `src/tasks/` on the other. The caller is its connection's peer, and nobody else (attack A12). */
import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Clock } from '../../lib/clock.ts';
import { Failure } from '../../lib/failure.ts';
import type { Peer } from '../../peer/peer.ts';
import { FREE_TEXT_MAX, parseText } from '../../registry/plain-text.ts';
import type { TaskUpdate } from '../../tasks/rooms.ts';
import type { Tasks } from '../../tasks/tasks.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { servedMethod } from '../proto.ts';
import { toStatus } from '../status.ts';
import { StreamFollower } from '../stream-follower.ts';

export const TASK_PROTO = 'assay/task/v1/task.proto';
export const TASK_SERVICE = 'assay.task.v1.TaskService';

export interface TaskServiceDeps {
  readonly tasks: Pick<Tasks, 'run' | 'end'>;
  readonly peerOf: (call: { getPeer(): string }) => Peer;
  readonly undrainedMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

interface RunRequest {
  readonly identity: string;
  readonly parent: string;
  readonly purpose: string;
  readonly intents: readonly string[];
  readonly ttl_ms: string;
  readonly grant: string;
}

interface EndRequest {
  readonly task_id: string;
  readonly failed: boolean;
  readonly summary: string;
}

/** Returns the paths that are served, and what ends every open stream. */
export function addTaskService(
  server: Server,
  deps: TaskServiceDeps,
): { readonly served: ReadonlySet<string>; endAll(failure: Failure): void } {
  const open = new Set<TaskStream>();
  const run = servedMethod(TASK_PROTO, TASK_SERVICE, 'Run');
  const end = servedMethod(TASK_PROTO, TASK_SERVICE, 'End');
  const serveRun = (call: ServerWritableStream<RunRequest, object>): void => {
    const stream = new TaskStream(call, deps);
    open.add(stream);
    call.once('close', () => open.delete(stream));
    stream.begin();
  };
  const serveEnd = (call: ServerUnaryCall<EndRequest, object>, callback: sendUnaryData<object>): void => {
    endTask(call, deps).then(
      () => callback(null, {}),
      (error: unknown) => {
        if (!(error instanceof Failure)) deps.log.error({ err: error }, 'a task could not be ended');
        callback({ name: 'Error', message: '', ...toStatus(error) });
      },
    );
  };
  server.register(run.path, serveRun as never, run.responseSerialize, run.requestDeserialize, 'serverStream');
  server.register(end.path, serveEnd as never, end.responseSerialize, end.requestDeserialize, 'unary');
  return {
    served: new Set([run.path, end.path]),
    endAll: (failure) => {
      for (const stream of open) stream.end(failure);
    },
  };
}

async function endTask(call: ServerUnaryCall<EndRequest, object>, { tasks, peerOf }: TaskServiceDeps): Promise<void> {
  const { task_id, failed, summary } = call.request;
  const said = summary === '' ? 'said by the process that ran it' : parseText(summary, 'summary', FREE_TEXT_MAX);
  await tasks.end(peerOf(call).process, task_id, failed, said);
}

/** One open Run. */
class TaskStream {
  readonly #call: ServerWritableStream<RunRequest, object>;
  readonly #deps: TaskServiceDeps;
  readonly #follower: StreamFollower<TaskUpdate, object>;
  /** Messages go out one after the other. */
  #sent: Promise<void> = Promise.resolve();
  #over = false;

  constructor(call: ServerWritableStream<RunRequest, object>, deps: TaskServiceDeps) {
    this.#call = call;
    this.#deps = deps;
    this.#follower = new StreamFollower({ ...deps, call, toMessage });
  }

  begin(): void {
    const { identity, parent, grant, purpose, intents, ttl_ms } = this.#call.request;
    const closed = new AbortController();
    // Before anything is awaited: a stream that closes while its task begins must end it.
    this.#call.once('close', () => closed.abort(gone()));
    this.#call.once('cancelled', () => closed.abort(gone()));
    const asked = { identity, parent, grant, purpose, intents, ttlMs: Number(ttl_ms) };
    const follower = { tell: (update: TaskUpdate) => this.#tell(update) };
    this.#run(asked, follower, closed.signal).catch((error: unknown) => {
      if (!(error instanceof Failure)) this.#deps.log.error({ err: error }, 'a task could not be begun');
      this.end(asFailure(error));
    });
  }

  async #run(...[asked, follower, signal]: [object, { tell(update: TaskUpdate): void }, AbortSignal]): Promise<void> {
    const { tasks, peerOf } = this.#deps;
    const held = await tasks.run(peerOf(this.#call).process, asked as never, follower, signal);
    // guard: I7 test/api/task/task-service.test.ts
    signal.addEventListener('abort', () => held.closed(), { once: true });
    if (signal.aborted) held.closed();
  }

  #tell(update: TaskUpdate): void {
    this.#sent = this.#sent
      .then(() => (this.#over ? undefined : this.#follower.send(update)))
      .then(() => {
        if (update.kind === 'ended' && !this.#over) this.#call.end();
      })
      // The caller went away; what that means is heard from the stream itself.
      .catch(() => undefined);
  }

  end(failure: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#follower.end(failure);
  }
}

function toMessage(update: TaskUpdate): object {
  const { task } = update;
  const said = { task_id: task.id, deadline: String(task.deadline) };
  switch (update.kind) {
    case 'pending':
      return { pending: { ...said, because: update.because, needs: update.needs } };
    case 'active':
      return { active: { ...said, spiffe_id: update.subject, socket: `unix://${update.socket}` } };
    case 'ended':
      return { ended: { task_id: task.id, end: task.end ?? '', reason: task.endReason ?? '' } };
  }
}

function gone(): Failure {
  return new Failure('unavailable', 'CALLER_GONE', 'the caller closed the stream');
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure('internal', 'UNEXPECTED', 'the task could not be begun', { cause: error });
}
