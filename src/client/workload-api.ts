// SPDX-License-Identifier: Apache-2.0
/**
 * The Workload API as a client sees it, all of it: plain messages in, nothing checked but the wire format.
 * Every call carries the header `workload.spiffe.io: true` exactly once (SPIFFE Workload Endpoint, section 5).
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ClientReadableStream, credentials, Client as GrpcClient, Metadata } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import type { Endpoint } from './endpoint.ts';

export interface WireX509Svid {
  readonly spiffe_id: string;
  readonly x509_svid: Buffer;
  readonly x509_svid_key: Buffer;
  readonly bundle: Buffer;
  readonly hint: string;
}

export interface WireX509Svids {
  readonly svids: readonly WireX509Svid[];
  readonly crl: readonly Buffer[];
  readonly federated_bundles: Readonly<Record<string, Buffer>>;
}

export interface WireX509Bundles {
  readonly crl: readonly Buffer[];
  readonly bundles: Readonly<Record<string, Buffer>>;
}

export interface WireJwtSvid {
  readonly spiffe_id: string;
  readonly svid: string;
  readonly hint: string;
}

export interface WireJwtSvids {
  readonly svids: readonly WireJwtSvid[];
}

export interface WireJwtBundles {
  /** JWK sets. */
  readonly bundles: Readonly<Record<string, Buffer>>;
}

export interface WireWitSvid {
  readonly spiffe_id: string;
  readonly wit_svid: string;
  /** A private JWK. */
  readonly wit_svid_key: string;
  readonly hint: string;
}

export interface WireWitSvids {
  readonly svids: readonly WireWitSvid[];
}

export interface WireWitBundles {
  /** JWK sets. */
  readonly bundles: Readonly<Record<string, string>>;
}

/** google.protobuf.Value. */
export interface WireValue {
  readonly kind?: string;
  readonly numberValue?: number;
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly structValue?: WireStruct;
  readonly listValue?: { readonly values: readonly WireValue[] };
}

export interface WireStruct {
  readonly fields: Readonly<Record<string, WireValue>>;
}

export interface WireValidJwtSvid {
  readonly spiffe_id: string;
  readonly claims: WireStruct | null;
}

export interface JwtSvidRequest {
  readonly audience: readonly string[];
  /** Empty: every identity of the caller. */
  readonly spiffe_id: string;
}

/** What grpc-js accepts at most by default (CLI-25); written down so that no other default moves it. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** One connection to one daemon. Streams begin at once; whoever opens a client closes it. */
export class WorkloadApi {
  readonly #grpc: GrpcClient;

  constructor(endpoint: Endpoint) {
    this.#grpc = new GrpcClient(endpoint.target, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      // Each client dials for itself: a shared subchannel would bring along another's connection backoff.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_channelz': 0,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      // Identities are never fetched through what http_proxy names.
      'grpc.enable_http_proxy': 0,
    });
  }

  fetchX509Svids(): ClientReadableStream<WireX509Svids> {
    return this.#stream<WireX509Svids>('FetchX509SVID');
  }

  fetchX509Bundles(): ClientReadableStream<WireX509Bundles> {
    return this.#stream<WireX509Bundles>('FetchX509Bundles');
  }

  fetchJwtBundles(): ClientReadableStream<WireJwtBundles> {
    return this.#stream<WireJwtBundles>('FetchJWTBundles');
  }

  /** An empty `spiffeId`: every identity of the caller. */
  fetchWitSvids(spiffeId: string): ClientReadableStream<WireWitSvids> {
    return this.#stream<WireWitSvids>('FetchWITSVID', { spiffe_id: spiffeId });
  }

  fetchWitBundles(): ClientReadableStream<WireWitBundles> {
    return this.#stream<WireWitBundles>('FetchWITBundles');
  }

  /** Rejects with grpc-js's ServiceError; `deadline` is milliseconds UTC. */
  fetchJwtSvids(request: JwtSvidRequest, deadline: number): Promise<WireJwtSvids> {
    return this.#unary<WireJwtSvids>('FetchJWTSVID', request, deadline);
  }

  /** As `fetchJwtSvids`. */
  validateJwtSvid(
    request: { readonly audience: string; readonly svid: string },
    deadline: number,
  ): Promise<WireValidJwtSvid> {
    return this.#unary<WireValidJwtSvid>('ValidateJWTSVID', request, deadline);
  }

  close(): void {
    this.#grpc.close();
  }

  #unary<Message>(name: string, request: object, deadline: number): Promise<Message> {
    const method = workloadMethod(name);
    return new Promise((resolve, reject) => {
      this.#grpc.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize as unknown as (bytes: Buffer) => Message,
        request,
        securityHeader(),
        { deadline },
        (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error)),
      );
    });
  }

  #stream<Message>(name: string, request: object = {}): ClientReadableStream<Message> {
    const method = workloadMethod(name);
    return this.#grpc.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize as unknown as (bytes: Buffer) => Message,
      request,
      securityHeader(),
    );
  }
}

function securityHeader(): Metadata {
  const metadata = new Metadata();
  // guard: CLI-26 test/client/workload-api.test.ts
  metadata.set('workload.spiffe.io', 'true');
  return metadata;
}

let methods: ReadonlyMap<string, MethodDefinition<object, object>> | undefined;

function workloadMethod(name: string): MethodDefinition<object, object> {
  methods ??= loadMethods();
  const method = methods.get(name);
  if (method === undefined) throw new Error(`proto/workload.proto has no method ${name}`);
  return method;
}

function loadMethods(): ReadonlyMap<string, MethodDefinition<object, object>> {
  const definition = loadSync(protoFile(), { keepCase: true, defaults: true, longs: String });
  return new Map(Object.entries(definition['SpiffeWorkloadAPI'] as Record<string, MethodDefinition<object, object>>));
}

/** `src/client/` in a checkout, `dist/src/client/` in a package. */
function protoFile(): string {
  const places = ['../../proto/workload.proto', '../../../proto/workload.proto'];
  const files = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = files.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`the Workload API definition is missing, looked for ${files.join(' and ')}`);
  return found;
}
