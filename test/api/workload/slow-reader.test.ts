// SPDX-License-Identifier: Apache-2.0
import http2 from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Follower, X509State } from '../../../src/issuance/workload-identities.ts';
import { Failure } from '../../../src/lib/failure.ts';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { WorkloadClient } from '../../support/workload-client.ts';

const STATE: X509State = {
  svids: [{ spiffeId: 'spiffe://td/a', chain: Buffer.alloc(4000), privateKey: Buffer.alloc(100), hint: '' }],
  bundle: Buffer.alloc(2000),
  federated: new Map(),
  crls: [],
};

describe('a reader that takes nothing', () => {
  const socket = join(tempDir(), 'api.sock');
  let door: TestDoor;
  const followers: Follower<X509State>[] = [];

  beforeAll(async () => {
    door = await openDoor({
      path: socket,
      undrainedMs: 200,
      identities: {
        followX509: (_process, follower) => {
          followers.push(follower);
          return { stop: () => undefined };
        },
        followX509Bundles: () => ({ stop: () => undefined }),
      },
    });
  });
  afterAll(() => door.close());

  const call = async (
    windowSize: number,
  ): Promise<{ session: http2.ClientHttp2Session; stream: http2.ClientHttp2Stream }> => {
    const session = http2.connect('http://localhost', {
      createConnection: () => connect(socket),
      settings: { initialWindowSize: windowSize },
    });
    session.on('error', () => undefined);
    const before = followers.length;
    const stream = session.request({
      ':method': 'POST',
      ':path': '/SpiffeWorkloadAPI/FetchX509SVID',
      'content-type': 'application/grpc',
      te: 'trailers',
      'workload.spiffe.io': 'true',
    });
    stream.on('error', () => undefined);
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
    while (followers.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    return { session, stream };
  };

  it('B4: is reset with a code that clients retry, and its connection stays', async () => {
    const { session, stream } = await call(0);
    const closed = new Promise<number | undefined>((resolve) => stream.once('close', () => resolve(stream.rstCode)));
    let taken = false;
    followers
      .at(-1)
      ?.send(STATE)
      .then(
        () => (taken = true),
        () => undefined,
      );
    expect(await closed).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(taken).toBe(false);
    expect(session.destroyed).toBe(false);
    session.destroy();
  });

  it('B4: sending resolves only when the connection has taken the message', async () => {
    const { session, stream } = await call(65_535);
    stream.resume();
    await followers.at(-1)?.send(STATE);
    session.destroy();
  });

  it('CLI-18: an ended stream carries a status, not a bare reset', async () => {
    const client = new WorkloadClient(socket);
    const before = followers.length;
    const stream = client.fetchX509Svid();
    while (followers.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    followers.at(-1)?.end(new Failure('unavailable', 'STOPPING', 'the daemon is stopping'));
    const ended = await stream.status;
    expect([ended.code, ended.details, ended.metadata.get('assay-reason')]).toEqual([
      14,
      'the daemon is stopping',
      ['STOPPING'],
    ]);
    client.close();
  });
});
