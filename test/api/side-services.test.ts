// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GrpcDoor } from '../../src/api/grpc-door.ts';
import { loadProtoDefinition } from '../../src/api/proto.ts';
import { addSideServices, type SideServices } from '../../src/api/side-services.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { serveDoor } from '../support/door.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('health and reflection beside the Workload API', () => {
  const socket = join(tempDir(), 'api.sock');
  let side: SideServices;
  let close: () => Promise<void>;
  let client: grpc.Client;

  beforeAll(async () => {
    const door = new GrpcDoor({
      name: 'workload',
      clock: systemClock,
      streamsPerConnection: 32,
      headerBytes: 8192,
      requestBytes: 65_536,
      interceptors: [],
      log: silentLogger,
    });
    side = addSideServices(door.server, new Map([['SpiffeWorkloadAPI', 'workload.proto']]), {
      undrainedMs: 30_000,
      clock: systemClock,
    });
    close = await serveDoor(door, socket);
    client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure());
  });
  afterAll(async () => {
    client.close();
    await close();
  });

  const check = (service: string): Promise<string> => {
    const shape = loadProtoDefinition('health.proto')['grpc.health.v1.Health']!['Check'];
    if (shape === undefined) throw new Error('no Check');
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest<object, { status: string }>(
        shape.path,
        shape.requestSerialize,
        shape.responseDeserialize as (bytes: Buffer) => { status: string },
        { service },
        (error, answer) => (error === null ? resolve(answer?.status ?? '') : reject(error)),
      );
    });
  };

  /** ListServices of the reflection service, by hand: field 7 of the request, field 6 (service 1, name 1) of the answer. */
  const services = (version: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = client.makeBidiStreamRequest(
        `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
      );
      call.on('data', (bytes: Buffer) => {
        call.end();
        resolve(bytes.toString('latin1'));
      });
      call.on('error', reject);
      call.write(Buffer.from([0x3a, 1, 0x2a]));
    });

  it('WEP-18: health answers without the security header', async () => {
    expect(await check('')).toBe('SERVING');
    expect(await check('SpiffeWorkloadAPI')).toBe('SERVING');
  });

  it('WEP-17, WEP-18, WEP-16: reflection v1 and v1alpha list the Workload API and health, without the header', async () => {
    for (const version of ['v1', 'v1alpha']) {
      const listed = await services(version);
      expect(listed).toContain('SpiffeWorkloadAPI');
      expect(listed).toContain('grpc.health.v1.Health');
    }
  });

  it('every path that it registers is listed as served', () => {
    expect(side.served).toContain('/grpc.health.v1.Health/Watch');
    expect(side.served).toContain('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo');
  });

  it('says NOT_SERVING once the daemon is stopping', async () => {
    side.stopping();
    expect(await check('SpiffeWorkloadAPI')).toBe('NOT_SERVING');
  });
});
