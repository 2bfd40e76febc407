// SPDX-License-Identifier: Apache-2.0
/** A container runtime behind a real gRPC server on a unix socket; its messages are made by another codec than ours. */
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import * as grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';

/** As k8s.io/cri-api, commit 791729b2, pkg/apis/runtime/v1/api.proto numbers what is used here. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  package runtime.v1;
  message ContainerMetadata { string name = 1; uint32 attempt = 2; }
  message ImageSpec { string image = 1; }
  message ContainerStatusRequest { string container_id = 1; bool verbose = 2; }
  message ContainerStatus {
    string id = 1; ContainerMetadata metadata = 2; int32 state = 3; int64 created_at = 4; int32 exit_code = 7;
    ImageSpec image = 8; string image_ref = 9; map<string,string> labels = 12; map<string,string> annotations = 13;
  }
  message ContainerStatusResponse { ContainerStatus status = 1; map<string, string> info = 2; }
`);
const REQUEST = root.lookupType('runtime.v1.ContainerStatusRequest');
const RESPONSE = root.lookupType('runtime.v1.ContainerStatusResponse');

export interface CriStatus {
  readonly status?: object;
  readonly info?: Readonly<Record<string, string>>;
}

export class FakeCri {
  readonly path: string;
  readonly asked: object[] = [];
  /** By container id; a number is a gRPC status, bytes go out as they are. */
  readonly containers = new Map<string, CriStatus | number | Buffer | 'never'>();
  readonly #server = new grpc.Server();

  private constructor(path: string) {
    this.path = path;
  }

  static async start(folder: string): Promise<FakeCri> {
    const cri = new FakeCri(join(folder, `cri-${Math.trunc(performance.now() * 1000)}.sock`));
    const method: grpc.MethodDefinition<{ containerId: string }, CriStatus | Buffer> = {
      path: '/runtime.v1.RuntimeService/ContainerStatus',
      requestStream: false,
      responseStream: false,
      requestSerialize: () => Buffer.alloc(0),
      requestDeserialize: (bytes) => REQUEST.decode(bytes) as unknown as { containerId: string },
      responseSerialize: (answer) =>
        Buffer.isBuffer(answer) ? answer : Buffer.from(RESPONSE.encode(RESPONSE.fromObject(answer)).finish()),
      responseDeserialize: () => ({}),
    };
    cri.#server.addService(
      { ContainerStatus: method },
      {
        ContainerStatus: (
          call: grpc.ServerUnaryCall<{ containerId: string }, CriStatus | Buffer>,
          reply: grpc.sendUnaryData<CriStatus | Buffer>,
        ) => cri.#answer(call.request, reply),
      },
    );
    await new Promise<void>((resolve, reject) => {
      cri.#server.bindAsync(`unix://${cri.path}`, grpc.ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    return cri;
  }

  readonly connect = (): Promise<Duplex> =>
    new Promise((resolve, reject) => {
      const socket = connect(this.path);
      socket.once('connect', () => resolve(socket)).once('error', reject);
    });

  close(): void {
    this.#server.forceShutdown();
  }

  #answer(request: { containerId: string }, reply: grpc.sendUnaryData<CriStatus | Buffer>): void {
    this.asked.push(REQUEST.toObject(request as unknown as protobuf.Message));
    const known = this.containers.get(request.containerId) ?? grpc.status.NOT_FOUND;
    if (known === 'never') return;
    if (typeof known === 'number') reply({ code: known, details: 'canary-secret' });
    else reply(null, known);
  }
}
