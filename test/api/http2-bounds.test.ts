// SPDX-License-Identifier: Apache-2.0
import http2 from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDoor, type TestDoor } from '../support/door.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Long enough to see that something does not happen, on a busy machine. */
const A_WHILE_MS = 300;
const HEADERS = {
  ':method': 'POST',
  ':path': '/SpiffeWorkloadAPI/FetchX509SVID',
  'content-type': 'application/grpc',
  te: 'trailers',
  'workload.spiffe.io': 'true',
};

describe('HTTP/2 bounds on the workload door', () => {
  const socket = join(tempDir(), 'api.sock');
  let door: TestDoor;

  beforeAll(async () => {
    const follow = (): { stop(): void } => ({ stop: () => undefined });
    door = await openDoor({ path: socket, identities: { followX509: follow, followX509Bundles: follow } });
  });
  afterAll(() => door.close());

  const session = (): http2.ClientHttp2Session => {
    const made = http2.connect('http://localhost', { createConnection: () => connect(socket) });
    made.on('error', () => undefined);
    return made;
  };
  const settled = (made: http2.ClientHttp2Session): Promise<http2.Settings> =>
    new Promise((resolve) => made.once('remoteSettings', resolve));

  it('B4: advertises at most 32 streams, a header list of 8 KiB and no push', async () => {
    const made = session();
    const settings = await settled(made);
    expect(settings.maxConcurrentStreams).toBe(32);
    expect(settings.maxHeaderListSize).toBe(8192);
    made.destroy();
  });

  it('B4: refuses a header list above its size', async () => {
    const made = session();
    await settled(made);
    const call = made.request({ ...HEADERS, 'x-long': 'a'.repeat(16_000) });
    const outcome = await new Promise<string>((resolve) => {
      call.once('response', (headers) => resolve(String(headers[':status'])));
      call.once('error', (error) => resolve(error.message));
      call.once('close', () => resolve('closed'));
    });
    expect(outcome).not.toBe('200');
    made.destroy();
  });

  it('B4: a flood of resets ends the connection of the flooder only', async () => {
    const quiet = session();
    await settled(quiet);
    const loud = session();
    await settled(loud);
    const ended = new Promise<void>((resolve) => loud.once('close', () => resolve()));
    const flood = setInterval(() => {
      for (let i = 0; i < 200 && !loud.destroyed && !loud.closed; i += 1) {
        const call = loud.request(HEADERS);
        call.on('error', () => undefined);
        call.close(http2.constants.NGHTTP2_CANCEL);
      }
    }, 1);
    await ended;
    clearInterval(flood);
    const answer = await new Promise<number>((resolve) => {
      const call = quiet.request({ ...HEADERS, 'workload.spiffe.io': 'no' });
      call.on('response', (headers) => resolve(Number(headers['grpc-status'])));
      call.end();
    });
    expect(answer).toBe(3);
    quiet.destroy();
  });

  it('CLI-19: :authority of localhost, of a name and of an escaped path are all served', async () => {
    for (const authority of ['localhost', 'spire_agent', '%2Ftmp%2Fapi.sock']) {
      const made = session();
      const answer = await new Promise<number>((resolve, reject) => {
        const call = made.request({ ...HEADERS, ':authority': authority, 'workload.spiffe.io': 'no' });
        call.on('response', (headers) => resolve(Number(headers['grpc-status'])));
        call.on('error', reject);
        call.end();
      });
      expect(answer).toBe(3);
      made.destroy();
    }
  });

  it('a malformed frame ends only its own connection, and is counted', async () => {
    const good = session();
    await settled(good);
    const before = door.door.malformed;
    const bad = connect(socket);
    const closed = new Promise<void>((resolve) => bad.once('close', () => resolve()));
    bad.on('error', () => undefined);
    bad.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.padEnd(200, 'x'));
    bad.resume();
    await closed;
    await new Promise((resolve) => setTimeout(resolve, A_WHILE_MS));
    expect(door.door.malformed).toBe(before + 1);
    expect(good.destroyed).toBe(false);
    good.destroy();
  });
});
