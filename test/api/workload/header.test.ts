// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { securityHeader, WorkloadClient } from '../../support/workload-client.ts';

const METHODS = [
  'FetchX509SVID',
  'FetchX509Bundles',
  'FetchJWTSVID',
  'FetchJWTBundles',
  'ValidateJWTSVID',
  'FetchWITSVID',
  'FetchWITBundles',
];
const LIVE = new Set(['FetchX509SVID', 'FetchX509Bundles']);

describe('the header check, then the method, then the caller', () => {
  const socket = join(tempDir(), 'api.sock');
  let door: TestDoor;
  let client: WorkloadClient;
  let followed = 0;

  beforeAll(async () => {
    const follow = (): { stop(): void } => {
      followed += 1;
      return { stop: () => undefined };
    };
    door = await openDoor({ path: socket, identities: { followX509: follow, followX509Bundles: follow } });
    client = new WorkloadClient(socket);
  });
  afterAll(async () => {
    client.close();
    await door.close();
  });

  const wrong: [string, (metadata: Metadata) => void][] = [
    ['absent', () => undefined],
    ['True', (m) => m.set('workload.spiffe.io', 'True')],
    ['1', (m) => m.set('workload.spiffe.io', '1')],
    ['empty', (m) => m.set('workload.spiffe.io', '')],
    [
      'sent twice',
      (m) => {
        m.add('workload.spiffe.io', 'true');
        m.add('workload.spiffe.io', 'true');
      },
    ],
  ];

  for (const method of [...METHODS, 'Nope']) {
    for (const [name, set] of wrong) {
      it(`WEP-02: ${method} with the header ${name} is INVALID_ARGUMENT, and the caller is not looked at`, async () => {
        const metadata = new Metadata();
        set(metadata);
        const before = followed;
        const ended = await client.stream(method, metadata).status;
        expect(ended.code).toBe(status.INVALID_ARGUMENT);
        expect(ended.details).toMatch(/security header missing/);
        expect(followed).toBe(before);
      });
    }
  }

  for (const method of METHODS.filter((name) => !LIVE.has(name))) {
    it(`WEP-15: ${method}, which is not served, is UNIMPLEMENTED`, async () => {
      const ended = await client.stream(method).status;
      expect(ended.code).toBe(status.UNIMPLEMENTED);
      expect(ended.details).toContain(`/SpiffeWorkloadAPI/${method}`);
    });
  }

  it('WEP-15: a method that does not exist is UNIMPLEMENTED', async () => {
    expect((await client.stream('Nope', securityHeader()).status).code).toBe(status.UNIMPLEMENTED);
  });

  it('WEP-04, CLI-26: the bare header is all that a live method asks for', async () => {
    const before = followed;
    const stream = client.fetchX509Svid();
    while (followed === before) await new Promise((resolve) => setTimeout(resolve, 5));
    stream.cancel();
    expect((await stream.status).code).toBe(status.CANCELLED);
    expect(followed).toBe(before + 1);
  });
});
