// SPDX-License-Identifier: Apache-2.0
/** What is refused of a JWT request before anybody looks at the caller. */
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkloadIdentities } from '../../../src/issuance/workload-identities.ts';
import { openDoor } from '../../support/door.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { WorkloadClient } from '../../support/workload-client.ts';

const asked: unknown[] = [];
const nobody = (): never => {
  throw new Error('nobody follows');
};
const identities: WorkloadIdentities = {
  followX509: nobody,
  followX509Bundles: nobody,
  jwt: {
    followBundles: nobody,
    caller: () => ({
      fetch: async (request, _, answer) => {
        asked.push(request);
        answer([{ spiffeId: 'spiffe://td/a', token: 't', hint: '' }]);
      },
      validate: async (request) => {
        asked.push(request);
      },
      close: () => void asked.push('closed'),
    }),
  },
};

const path = join(tempDir('jwt'), 'api.sock');
let client: WorkloadClient;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ close } = await openDoor({ path, identities }));
  client = new WorkloadClient(path);
});
afterAll(async () => {
  client.close();
  await close();
});

describe('a request', () => {
  it.each([
    ['WAPI-08: without an audience', []],
    ['WAPI-09: with an empty audience', ['']],
    ['WAPI-10: with one empty among others', ['a', '']],
    ['I9: with more than 64', Array.from({ length: 65 }, (_, i) => String(i))],
    ['I9: with one of more than 1,024 characters', ['x'.repeat(1_025)]],
    ['I9: with more than 8,192 bytes in all', Array.from({ length: 9 }, () => 'x'.repeat(1_000))],
  ])('%s is refused', async (_, audience) => {
    await expect(client.fetchJwt(audience)).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
    expect(asked).toEqual([]);
  });

  it.each([
    ['token', '', 'aud'],
    ['audience', 'a.b.c', ''],
  ])('WAPI-08: to check one without %s is refused', async (_, svid, audience) => {
    await expect(client.validateJwt(svid, audience)).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
    expect(asked).toEqual([]);
  });

  it('is handed on as it came, and the caller is forgotten with its connection', async () => {
    await client.fetchJwt(['b', 'a', 'b'], 'spiffe://td/a');
    expect(asked).toEqual([{ audiences: ['b', 'a', 'b'], spiffeId: 'spiffe://td/a' }]);
    client.close();
    while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked[1]).toBe('closed');
  });
});
