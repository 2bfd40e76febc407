// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ceilings } from '../../../src/peer/ceilings.ts';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { WorkloadClient } from '../../support/workload-client.ts';

describe('ceilings on open streams', () => {
  const socket = join(tempDir(), 'api.sock');
  const ceilings = new Ceilings({
    what: 'streams',
    perUid: 2,
    perCgroup: 10,
    total: 10,
    reserved: 0,
    ownUid: 0,
  });
  let door: TestDoor;

  beforeAll(async () => {
    const follow = (): { stop(): void } => ({ stop: () => undefined });
    door = await openDoor({
      path: socket,
      identities: { followX509: follow, followX509Bundles: follow },
      ceilings,
    });
  });
  afterAll(() => door.close());

  it('WAPI-37, I9: a stream above its caller’s ceiling is UNAVAILABLE and names the ceiling; one that ends makes room', async () => {
    const client = new WorkloadClient(socket);
    const held = [client.fetchX509Svid(), client.fetchX509Svid()];
    while (ceilings.total < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const refused = await client.fetchX509Svid().status;
    expect([refused.code, refused.details]).toEqual([
      status.UNAVAILABLE,
      'too many streams of uid 1000: the ceiling is 2',
    ]);
    held[0]?.cancel();
    while (ceilings.total > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    held.push(client.fetchX509Svid());
    while (ceilings.total < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    client.close();
    for (const one of held) one.cancel();
    while (ceilings.total > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
