// SPDX-License-Identifier: Apache-2.0
/** A Workload API on a real unix socket that does as it is told: sends, holds, ends with any status. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { JwtSvidRequest, WireJwtSvids, WireX509Svid, WireX509Svids } from '../../src/client/workload-api.ts';
import type { Issued, IssueOptions, TestCa } from './test-ca.ts';

const definition = loadSync(fileURLToPath(new URL('../../proto/workload.proto', import.meta.url)), { keepCase: true });

type Call = ServerWritableStream<object, object>;

/** One stream, as the server sees it. */
export class FakeStream {
  readonly metadata: Metadata;
  /** `FetchX509SVID`, … */
  readonly method: string;
  readonly #call: Call;
  readonly cancelled: Promise<void>;

  constructor(call: Call) {
    this.#call = call;
    this.metadata = call.metadata;
    this.method = call.getPath().split('/').at(-1) as string;
    this.cancelled = new Promise((resolve) => call.on('cancelled', () => resolve()));
  }

  send(message: object): void {
    this.#call.write(message);
  }

  /** Ends with a status; 0 is a clean end. */
  end(code: number, details = ''): void {
    if (code === 0) this.#call.end();
    else this.#call.emit('error', { code, details });
  }
}

export class FakeWorkloadApi {
  readonly folder: string;
  readonly path: string;
  readonly uri: string;
  readonly streams: FakeStream[] = [];
  #server: Server | undefined;
  #waiting: (() => void)[] = [];
  /** What happens to each new stream; by default nothing: it is held. */
  onStream: (stream: FakeStream) => void = () => undefined;
  /** Answers FetchJWTSVID, or throws `{ code, details }`; a promise may keep it waiting. */
  onTokens: (request: JwtSvidRequest, metadata: Metadata) => WireJwtSvids | Promise<WireJwtSvids> = () => ({
    svids: [],
  });

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'assay-fake-'));
    this.path = join(this.folder, 'api.sock');
    this.uri = `unix://${this.path}`;
  }

  static async start(onStream?: (stream: FakeStream) => void): Promise<FakeWorkloadApi> {
    const fake = new FakeWorkloadApi();
    if (onStream !== undefined) fake.onStream = onStream;
    await fake.listen();
    return fake;
  }

  async listen(): Promise<void> {
    const server = new Server();
    server.addService(definition['SpiffeWorkloadAPI'] as ServiceDefinition, {
      FetchX509SVID: (call: Call) => this.#opened(call),
      FetchX509Bundles: (call: Call) => this.#opened(call),
      FetchJWTBundles: (call: Call) => this.#opened(call),
      FetchWITSVID: (call: Call) => this.#opened(call),
      FetchWITBundles: (call: Call) => this.#opened(call),
      FetchJWTSVID: (call: ServerUnaryCall<JwtSvidRequest, WireJwtSvids>, answer: sendUnaryData<WireJwtSvids>) => {
        const made = async (): Promise<WireJwtSvids> => this.onTokens(call.request, call.metadata);
        made().then((tokens) => answer(null, tokens), answer);
      },
    });
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${this.path}`, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      );
    });
    this.#server = server;
  }

  /** The `count`th stream since the start, from 1, as soon as it is there. */
  async stream(count = this.streams.length + 1): Promise<FakeStream> {
    while (this.streams.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.streams[count - 1]!;
  }

  /** The newest stream of one method, as soon as there are `count` of them. */
  async streamOf(method: string, count = 1): Promise<FakeStream> {
    const of = (): FakeStream[] => this.streams.filter((stream) => stream.method === method);
    while (of().length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return of().at(-1)!;
  }

  /** The daemon goes away at once, as by a crash; `listen` brings it back. */
  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
    rmSync(this.path, { force: true });
  }

  close(): void {
    this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #opened(call: Call): void {
    const stream = new FakeStream(call);
    this.streams.push(stream);
    for (const wake of this.#waiting.splice(0)) wake();
    this.onStream(stream);
  }
}

export function wireSvid(
  ca: TestCa,
  spiffeId: string,
  opts: IssueOptions & { readonly hint?: string } = {},
): WireX509Svid {
  return wireOf(ca.issue(spiffeId, opts), spiffeId, [ca.der], opts.hint);
}

export function wireOf(issued: Issued, spiffeId: string, anchors: readonly Buffer[], hint = ''): WireX509Svid {
  return {
    spiffe_id: spiffeId,
    x509_svid: Buffer.concat(issued.chain),
    x509_svid_key: issued.pkcs8,
    bundle: Buffer.concat(anchors),
    hint,
  };
}

/** A whole message: these identities, and the bundles of other trust domains. */
export function wireMessage(
  svids: readonly WireX509Svid[],
  federated: Readonly<Record<string, TestCa>> = {},
): WireX509Svids {
  const bundles = Object.entries(federated).map(([name, ca]) => [`spiffe://${name}`, ca.der] as const);
  return { svids, crl: [], federated_bundles: Object.fromEntries(bundles) };
}
