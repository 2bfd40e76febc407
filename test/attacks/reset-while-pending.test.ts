// SPDX-License-Identifier: Apache-2.0
/** A caller with a window of zero waits until its message is made, resets the stream and opens the next, on and on. */
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { X509State } from '../../src/issuance/workload-identities.ts';
import { openDoor, type TestDoor } from '../support/door.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { grpcFrame } from '../support/grpc-frame.ts';
import { RawCall } from '../support/raw-call.ts';
import { tempDir } from '../support/temp-dir.ts';

const STATE: X509State = {
  svids: [{ spiffeId: 'spiffe://td/a', chain: Buffer.alloc(4_000), privateKey: Buffer.alloc(100), hint: '' }],
  bundle: Buffer.alloc(2_000),
  federated: new Map(),
  crls: [],
};
const STREAMS = 50;

const socket = join(tempDir('pending'), 'api.sock');
const clock = new FakeClock();
let door: TestDoor;
let session: ClientHttp2Session;
let given = 0;
let dropped = 0;

beforeAll(async () => {
  door = await openDoor({
    path: socket,
    clock,
    identities: {
      followX509: (_, follower) => {
        given += 1;
        follower.send(STATE).catch(() => (dropped += 1));
        return { stop: () => undefined };
      },
      followX509Bundles: () => ({ stop: () => undefined }),
    },
  });
  session = connectHttp2('http://localhost', {
    createConnection: () => connect(socket),
    settings: { initialWindowSize: 0 },
  });
  session.on('error', () => undefined);
});
afterAll(async () => {
  session.destroy();
  await door.close();
});

it('B4: a stream that is reset while its message waits holds neither the message nor a timer', async () => {
  for (let i = 0; i < STREAMS; i += 1) {
    const call = new RawCall(session);
    const answered = new Promise((resolve) => call.stream.once('response', resolve));
    call.stream.end(grpcFrame());
    await answered;
    call.stream.close(constants.NGHTTP2_CANCEL);
    await call.closed;
  }
  for (let waited = 0; dropped < STREAMS && waited < 100; waited += 1) await sleep(20);
  expect([given, dropped]).toEqual([STREAMS, STREAMS]);
  expect(clock.pending).toBe(0);
});
