// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseEndpoint } from '../../src/client/endpoint.ts';
import { WorkloadApi } from '../../src/client/workload-api.ts';
import { FakeWorkloadApi, wireMessage, wireSvid } from '../support/fake-workload-api.ts';
import { TestCa } from '../support/test-ca.ts';

const closing: { close(): void }[] = [];
afterEach(() => {
  for (const one of closing.splice(0)) one.close();
});

async function connected(): Promise<{ fake: FakeWorkloadApi; api: WorkloadApi }> {
  const fake = await FakeWorkloadApi.start();
  const api = new WorkloadApi(parseEndpoint(fake.uri));
  closing.push(api, fake);
  return { fake, api };
}

describe('the Workload API client', () => {
  it.each([['fetchX509Svids'], ['fetchX509Bundles']] as const)(
    'CLI-26: %s sends workload.spiffe.io exactly once, in lower case, as "true"',
    async (method) => {
      const { fake, api } = await connected();
      api[method]().on('error', () => undefined);
      const stream = await fake.stream(1);
      expect(stream.metadata.get('workload.spiffe.io')).toEqual(['true']);
      // Nothing else that a server might come to need (CLI-26), but what gRPC itself sends.
      expect(Object.keys(stream.metadata.getMap()).sort()).toEqual(['user-agent', 'workload.spiffe.io']);
    },
  );

  it('reads each field of a message', async () => {
    const { fake, api } = await connected();
    const call = api.fetchX509Svids();
    call.on('error', () => undefined);
    const svid = wireSvid(TestCa.create('td-a'), 'spiffe://td-a/x', { hint: 'internal' });
    const message = wireMessage([svid], { 'td-b': TestCa.create('td-b') });
    const got = new Promise((resolve) => call.once('data', resolve));
    (await fake.stream(1)).send(message);
    expect(await got).toEqual(message);
  });

  it('CLI-25: takes a message of nearly 4 MiB and refuses a larger one', async () => {
    const { fake, api } = await connected();
    const sizes = [4 * 1024 * 1024 - 100, 4 * 1024 * 1024 + 100];
    const ends = sizes.map(async (size, at) => {
      const call = api.fetchX509Svids();
      const stream = await fake.stream(at + 1);
      const end = new Promise((resolve) => {
        call.once('data', () => resolve('taken'));
        call.on('error', (error) => resolve(error.message));
      });
      stream.send({ svids: [], federated_bundles: { 'spiffe://td': Buffer.alloc(size - 30) } });
      return end;
    });
    expect(await ends[0]).toBe('taken');
    expect(await ends[1]).toMatch(/RESOURCE_EXHAUSTED.*larger than max/);
  });
});
