// SPDX-License-Identifier: Apache-2.0
/** Health is open to every caller, without header, entry or attestation: what a caller says there must leave nothing behind. */
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GrpcDoor } from '../../src/api/grpc-door.ts';
import { addSideServices, type SideServices } from '../../src/api/side-services.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { serveDoor } from '../support/door.ts';
import { grpcFrame } from '../support/grpc-frame.ts';
import { tempDir } from '../support/temp-dir.ts';

const WATCHES = 300;

describe('health', () => {
  const socket = join(tempDir('health'), 'api.sock');
  let side: SideServices;
  let close: () => Promise<void>;
  let session: ClientHttp2Session;

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
    session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
    session.on('error', () => undefined);
  });
  afterAll(async () => {
    session.destroy();
    await close();
  });

  const call = (method: string, service: string, onData: () => void = () => undefined): Promise<number | undefined> =>
    new Promise((resolve) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': `/grpc.health.v1.Health/${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let status: number | undefined;
      const look = (fields: Record<string, unknown>): void => {
        if (fields['grpc-status'] !== undefined) status = Number(fields['grpc-status']);
      };
      stream.on('response', look);
      stream.on('trailers', look);
      stream.on('error', () => undefined);
      stream.on('close', () => resolve(status));
      stream.on('data', () => {
        onData();
        if (method === 'Watch') stream.close(constants.NGHTTP2_CANCEL);
      });
      // HealthCheckRequest.service is field 1.
      const name = Buffer.from(service);
      stream.end(grpcFrame(Buffer.concat([Buffer.from([0x0a, (name.length & 0x7f) | 0x80, name.length >> 7]), name])));
    });

  it('B4: a watch of a name that a caller made up leaves nothing behind when it ends', async () => {
    let answers = 0;
    for (let i = 0; i < WATCHES; i += 30) {
      const some = Array.from({ length: 30 }, (_, j) => `made-up-${i + j}-`.padEnd(8_000, 'x'));
      await Promise.all(some.map((name) => call('Watch', name, () => (answers += 1))));
    }
    expect(answers).toBe(WATCHES);
    for (let waited = 0; side.watchers > 0 && waited < 100; waited += 1) await sleep(20);
    expect(side.watchers).toBe(0);
  });

  it('B4: the refusal of an unknown service says little of a long name, and survives half a character', async () => {
    expect(await call('Check', 'x'.repeat(16_000))).toBe(5);
    expect(await call('Check', '\ud800')).toBe(5);
    expect(await call('Check', '')).toBe(0);
  });
});
