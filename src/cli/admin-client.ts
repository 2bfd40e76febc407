// SPDX-License-Identifier: Apache-2.0
/** Calls the daemon's admin API. One connection a command; whoever opens a client closes it. */
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import type { Outgoing, Request, Response, RpcName } from '../api/admin/wire.ts';
import { loadProtoDefinition, type Method } from '../api/proto.ts';
import { fromStatus } from '../api/status.ts';
import { Failure } from '../lib/failure.ts';
import type { Io } from './io.ts';
import { whyNoDaemon } from './no-daemon.ts';
import { type SocketPlace, socketPlace } from './socket-place.ts';

export interface AdminOptions {
  readonly adminSocket?: string;
  readonly config?: string;
}

/** A daemon that neither answers nor refuses for this long is not well. */
const ANSWER_WITHIN_MS = 30_000;
const MOST_ANSWER_BYTES = 16 << 20;

export class AdminClient {
  readonly place: SocketPlace;
  readonly #io: Io;
  readonly #grpc: Client;
  readonly #methods: Readonly<Record<string, Method>>;

  private constructor(io: Io, place: SocketPlace) {
    this.#io = io;
    this.place = place;
    this.#methods = loadProtoDefinition('assay/admin/v1/admin.proto')['assay.admin.v1.Admin']!;
    this.#grpc = new Client(`unix:${place.path}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MOST_ANSWER_BYTES,
      'grpc.enable_channelz': 0,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_http_proxy': 0,
    });
  }

  static async open(io: Io, options: AdminOptions): Promise<AdminClient> {
    return new AdminClient(io, await socketPlace(io, 'admin', options.adminSocket, options.config));
  }

  /** Rejects with the daemon's own Failure, or with one that says why there is no daemon. */
  async call<R extends RpcName>(rpc: R, request: Outgoing<Request<R>>): Promise<Response<R>> {
    const method = this.#methods[rpc]!;
    try {
      return await new Promise<Response<R>>((resolve, reject) => {
        this.#grpc.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          { deadline: Date.now() + ANSWER_WITHIN_MS },
          (error, response) => (error === null ? resolve(response as Response<R>) : reject(error)),
        );
      });
    } catch (error) {
      throw await this.#explain(error as ServiceError);
    }
  }

  close(): void {
    this.#grpc.close();
  }

  async #explain(error: ServiceError): Promise<Failure> {
    const failure = fromStatus(error);
    if (failure.reason === 'GRPC_UNAVAILABLE') {
      const why = await whyNoDaemon(this.#io, this.place, '--admin-socket');
      if (why !== undefined) return why;
    }
    if (error.code === status.DEADLINE_EXCEEDED) {
      return new Failure(
        'unavailable',
        'NO_ANSWER',
        `the daemon at ${this.place.path} did not answer within ${ANSWER_WITHIN_MS / 1_000} s`,
        {
          hint: 'look at its log',
          cause: error,
        },
      );
    }
    if (error.code === status.UNIMPLEMENTED && failure.reason === 'GRPC_UNIMPLEMENTED') {
      return new Failure(
        'unimplemented',
        'NO_ADMIN_API',
        `what listens at ${this.place.path} does not know this command`,
        {
          hint: 'is it the workload socket, or a daemon of another version?',
          cause: error,
        },
      );
    }
    return failure;
  }
}

/** Opens, works, closes. */
export async function withAdmin<T>(
  io: Io,
  options: AdminOptions,
  work: (admin: AdminClient) => Promise<T>,
): Promise<T> {
  const admin = await AdminClient.open(io, options);
  try {
    return await work(admin);
  } finally {
    admin.close();
  }
}
