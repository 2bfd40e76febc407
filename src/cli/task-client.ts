// SPDX-License-Identifier: Apache-2.0
/** Begins a task and holds it: the stream, as whoever runs in it sees it. */
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { loadProtoDefinition } from '../api/proto.ts';
import { fromStatus } from '../api/status.ts';
import { Failure } from '../lib/failure.ts';
import { usage } from './usage.ts';
import type { WorkloadPlace } from './workload-place.ts';

const PROTO = 'assay/task/v1/task.proto';
const SERVICE = 'assay.task.v1.TaskService';
const ANSWER_WITHIN_MS = 10_000;

export interface AskForTask {
  readonly identity: string;
  readonly parent: string;
  readonly grant: string;
  readonly purpose: string;
  readonly intents: readonly string[];
  readonly ttl_ms: number;
}

export interface PendingTask {
  readonly task_id: string;
  readonly because: readonly string[];
  readonly needs: string;
  readonly deadline: string;
}

export interface ActiveTask {
  readonly task_id: string;
  readonly spiffe_id: string;
  /** A SPIFFE endpoint. */
  readonly socket: string;
  readonly deadline: string;
}

export interface EndedTask {
  readonly task_id: string;
  readonly end: string;
  readonly reason: string;
}

interface RunUpdate {
  readonly pending?: PendingTask;
  readonly active?: ActiveTask;
  readonly ended?: EndedTask;
}

export interface TaskListener {
  pending(task: PendingTask): void;
  active(task: ActiveTask): void;
}

export class TaskLease {
  readonly #client: Client;
  readonly #methods: Record<string, MethodDefinition<object, object>>;
  readonly #call: ClientReadableStream<RunUpdate>;
  /** Resolves once it has ended; rejects where it was refused, or whoever held it is gone. */
  readonly ended: Promise<EndedTask>;

  constructor(place: WorkloadPlace, asked: AskForTask, listener: TaskListener) {
    const { endpoint } = place;
    if (endpoint.kind !== 'unix')
      throw usage(
        '--socket',
        endpoint.uri,
        'is no unix socket, so nobody could tell who asks',
        'name a unix:// socket',
      );
    this.#methods = loadProtoDefinition(PROTO)[SERVICE] as Record<string, MethodDefinition<object, object>>;
    this.#client = new Client(endpoint.target, credentials.createInsecure(), {
      'grpc.enable_channelz': 0,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_http_proxy': 0,
    });
    const run = this.#methods['Run'] as MethodDefinition<object, RunUpdate>;
    this.#call = this.#client.makeServerStreamRequest(
      run.path,
      run.requestSerialize,
      run.responseDeserialize,
      asked,
      securityHeader(),
    );
    this.ended = this.#follow(place, listener);
  }

  /** Says how it went. What is over already stays as it is. */
  async end(taskId: string, failed: boolean, summary: string): Promise<void> {
    const method = this.#methods['End']!;
    await new Promise<void>((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        { task_id: taskId, failed, summary },
        securityHeader(),
        { deadline: Date.now() + ANSWER_WITHIN_MS },
        (error) => (error === null ? resolve() : reject(fromStatus(error))),
      );
    });
  }

  /** Gives the lease back: the task ends with its stream. */
  close(): void {
    this.#call.cancel();
    this.#client.close();
  }

  #follow(place: WorkloadPlace, listener: TaskListener): Promise<EndedTask> {
    return new Promise((resolve, reject) => {
      this.#call.on('data', ({ pending, active, ended }: RunUpdate) => {
        if (pending) listener.pending(pending);
        if (active) listener.active(active);
        if (ended) resolve(ended);
      });
      this.#call.on('error', (error: ServiceError) => {
        explained(error, place).then(reject, reject);
      });
      // After `ended` this settles nothing. Any other status is an error.
      this.#call.on('status', ({ code }) => {
        if (code === status.OK) reject(unsaid());
      });
    });
  }
}

function securityHeader(): Metadata {
  const metadata = new Metadata();
  metadata.set('workload.spiffe.io', 'true');
  return metadata;
}

async function explained(error: ServiceError, place: WorkloadPlace): Promise<Failure> {
  if (error.code === status.UNAVAILABLE) {
    const why = await place.whyNot();
    if (why !== undefined) return why;
  }
  const failure = fromStatus(error);
  if (failure.kind !== 'unimplemented') return failure;
  const why = `the daemon at ${place.endpoint.uri} has no tasks: it is another program, or of another version`;
  return new Failure('unimplemented', 'TASKS_ABSENT', why, { cause: error });
}

function unsaid(): Failure {
  return new Failure(
    'unavailable',
    'TASK_STREAM_ENDED',
    'the daemon ended the stream and did not say how the task ended',
    {
      hint: 'look at its log, and at: assay task list',
    },
  );
}
