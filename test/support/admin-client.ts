// SPDX-License-Identifier: Apache-2.0
/** A bare client of the admin socket for tests: method and message as the .proto has them, nothing of src/. */
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const file = fileURLToPath(new URL('../../proto/assay/admin/v1/admin.proto', import.meta.url));
const definition = loadSync(file, { keepCase: true, longs: Number, bytes: Buffer, defaults: true, oneofs: true });
const service = definition['assay.admin.v1.Admin'] as grpc.ServiceDefinition;

/** Messages as plain objects; tests read the members they speak of. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is the .proto's, loaded at run time
export type Message = Record<string, any>;

export class AdminClient {
  readonly #socket: string;
  #client: grpc.Client | undefined;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async call(method: string, request: object = {}, timeoutMs = 20_000): Promise<Message> {
    const shape = service[method];
    if (!shape) throw new Error(`the admin service has no ${method}`);
    const deadline = Date.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      this.#connected().makeUnaryRequest(
        shape.path,
        shape.requestSerialize,
        shape.responseDeserialize as (bytes: Buffer) => Message,
        request,
        { deadline },
        (error, response) => (error ? this.#failed(error, reject) : resolve(response as Message)),
      );
    });
  }

  /** Creates an entry and answers with it. */
  async createEntry(entry: object, more: object = {}): Promise<Message> {
    const { entry: created } = await this.call('CreateEntry', { entry, ...more });
    return created as Message;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #connected(): grpc.Client {
    this.#client ??= new grpc.Client(`unix:${this.#socket}`, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
    });
    return this.#client;
  }

  /** After a lost connection the next call dials at once instead of waiting out grpc's backoff. */
  #failed(error: grpc.ServiceError, reject: (error: Error) => void): void {
    if (error.code === grpc.status.UNAVAILABLE || error.code === grpc.status.DEADLINE_EXCEEDED) this.close();
    reject(error);
  }
}
