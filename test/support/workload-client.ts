// SPDX-License-Identifier: Apache-2.0
/** A bare Workload API client for tests: every header, method and wait is the test's own. */

import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const definition = loadSync(fileURLToPath(new URL('../../proto/workload.proto', import.meta.url)), {
  keepCase: true,
  bytes: Buffer,
});
const service = definition['SpiffeWorkloadAPI'] as grpc.ServiceDefinition;

export interface X509Message {
  readonly svids: readonly {
    readonly spiffe_id: string;
    readonly x509_svid: Buffer;
    readonly x509_svid_key: Buffer;
    readonly bundle: Buffer;
    readonly hint: string;
  }[];
  readonly crl: readonly Buffer[];
  readonly federated_bundles: Readonly<Record<string, Buffer>>;
}

export interface BundlesMessage {
  readonly crl: readonly Buffer[];
  readonly bundles: Readonly<Record<string, Buffer>>;
}

export interface JwtMessage {
  readonly spiffe_id: string;
  readonly svid: string;
  readonly hint: string;
}

export interface WitMessage {
  readonly svids: readonly {
    readonly spiffe_id: string;
    readonly wit_svid: string;
    readonly wit_svid_key: string;
    readonly hint: string;
  }[];
}

export interface ValidMessage {
  readonly spiffe_id: string;
  readonly claims: { readonly fields: Readonly<Record<string, object>> };
}

export function securityHeader(): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('workload.spiffe.io', 'true');
  return metadata;
}

/** Messages of one server stream, in order, and how it ended. */
export class Messages<Message> {
  readonly received: Message[] = [];
  readonly status: Promise<grpc.StatusObject>;
  readonly #call: grpc.ClientReadableStream<Message>;
  #waiting: { count: number; resolve: () => void }[] = [];
  #ended = false;

  constructor(call: grpc.ClientReadableStream<Message>) {
    this.#call = call;
    this.status = new Promise((resolve) => {
      call.on('status', (status) => {
        this.#ended = true;
        resolve(status);
        for (const one of this.#waiting.splice(0)) one.resolve();
      });
    });
    call.on('error', () => undefined);
    call.on('data', (message: Message) => {
      this.received.push(message);
      this.#waiting = this.#waiting.filter((one) => {
        if (this.received.length < one.count) return true;
        one.resolve();
        return false;
      });
    });
  }

  /** The `count`-th message (from 1), once it is there; throws with the status when the stream ends before. */
  async at(count: number): Promise<Message> {
    if (this.received.length < count && !this.#ended) {
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    }
    const message = this.received[count - 1];
    if (message === undefined) {
      const { code, details } = await this.status;
      throw new Error(`the stream ended before message ${count}: ${grpc.status[code]} ${details}`);
    }
    return message;
  }

  cancel(): void {
    this.#call.cancel();
  }
}

export class WorkloadClient {
  readonly client: grpc.Client;

  constructor(socket: string) {
    this.client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  stream<Message>(method: string, metadata: grpc.Metadata = securityHeader(), request: object = {}): Messages<Message> {
    const shape = service[method];
    const path = shape?.path ?? `/SpiffeWorkloadAPI/${method}`;
    const serialize = shape?.requestSerialize ?? ((): Buffer => Buffer.alloc(0));
    const deserialize = shape?.responseDeserialize ?? ((bytes: Buffer): Buffer => bytes);
    return new Messages(
      this.client.makeServerStreamRequest<object, Message>(
        path,
        serialize,
        deserialize as (bytes: Buffer) => Message,
        request,
        metadata,
      ),
    );
  }

  fetchX509Svid(metadata?: grpc.Metadata): Messages<X509Message> {
    return this.stream<X509Message>('FetchX509SVID', metadata);
  }

  fetchX509Bundles(metadata?: grpc.Metadata): Messages<BundlesMessage> {
    return this.stream<BundlesMessage>('FetchX509Bundles', metadata);
  }

  /** One request and its answer. Rejects with the ServiceError. */
  unary<Message>(method: string, request: object, metadata: grpc.Metadata = securityHeader()): Promise<Message> {
    const { path, requestSerialize, responseDeserialize } = service[method] as grpc.MethodDefinition<object, Message>;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, (error, message) =>
        error === null ? resolve(message as Message) : reject(error),
      );
    });
  }

  async fetchJwt(audience: readonly string[], spiffeId = ''): Promise<readonly JwtMessage[]> {
    const request = { audience, spiffe_id: spiffeId };
    return (await this.unary<{ svids: JwtMessage[] }>('FetchJWTSVID', request)).svids;
  }

  validateJwt(svid: string, audience: string): Promise<ValidMessage> {
    return this.unary('ValidateJWTSVID', { audience, svid });
  }

  fetchJwtBundles(): Messages<{ readonly bundles: Readonly<Record<string, Buffer>> }> {
    return this.stream('FetchJWTBundles');
  }

  fetchWit(spiffeId = ''): Messages<WitMessage> {
    return this.stream<WitMessage>('FetchWITSVID', securityHeader(), { spiffe_id: spiffeId });
  }

  fetchWitBundles(): Messages<{ readonly bundles: Readonly<Record<string, string>> }> {
    return this.stream('FetchWITBundles');
  }

  close(): void {
    this.client.close();
  }
}
