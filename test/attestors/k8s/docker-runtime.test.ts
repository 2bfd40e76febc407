// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { dockerRuntime } from '../../../attestors/k8s/docker-runtime.ts';
import type { ContainerRecord, RuntimeTools } from '../../../attestors/k8s/runtime.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { idOf, UID_A } from '../../support/k8s-pods.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('docker-runtime');
const never = new AbortController().signal;
const ID = idOf('aa');
let server: Server;
let asked: string[];
let answer: (response: ServerResponse) => void;
const path = join(folder, 'engine.sock');

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const record = (more: Partial<RuntimeTools> = {}, signal = never): Promise<ContainerRecord | undefined> =>
  dockerRuntime({ connect: async () => connect(path), clock: systemClock, timeoutMs: 20_000, ...more }).record(
    ID,
    signal,
  );
const says = (value: unknown, status = 200) => {
  answer = (response) => void response.writeHead(status).end(typeof value === 'string' ? value : JSON.stringify(value));
};
const container = (more: object = {}, labels: object = {}) => ({
  Id: ID,
  State: { Running: true, Pid: 4321 },
  Config: {
    Labels: {
      'io.kubernetes.docker.type': 'container',
      'io.kubernetes.container.name': 'main',
      'io.kubernetes.pod.uid': UID_A,
      ...labels,
    },
  },
  ...more,
});

describe('Docker', () => {
  it('tells the first process, the pod and the name of a container', async () => {
    says(container());
    expect([await record(), asked]).toEqual([{ pid: 4321, podUid: UID_A, name: 'main' }, [`/containers/${ID}/json`]]);
  });

  it('tells no name of the container that holds the namespaces of a pod', async () => {
    says(container({}, { 'io.kubernetes.docker.type': 'podsandbox', 'io.kubernetes.container.name': 'POD' }));
    expect(await record()).toEqual({ pid: 4321, podUid: UID_A, name: undefined });
  });

  it.each<[string, unknown, number]>([
    ['it does not know', { message: 'No such container' }, 404],
    ['that has ended', container({ State: { Running: false, Pid: 0 } }), 200],
    ['without a first process', container({ State: { Running: true, Pid: 0 } }), 200],
  ])('tells nothing of a container %s', async (_what, value, status) => {
    says(value, status);
    expect(await record()).toBeUndefined();
  });

  it('B7: has labels with the names of object members', async () => {
    says(JSON.stringify(container()).replace('"io.kubernetes.docker.type"', '"__proto__":{"a":1},"constructor":7,"x"'));
    expect(await record()).toMatchObject({ podUid: UID_A });
    says(container({ Config: null }));
    expect(await record()).toEqual({ pid: 4321, podUid: undefined, name: undefined });
  });

  it.each<[string, RegExp, unknown, number]>([
    ['A10: it answers for another container', /another container/, container({ Id: idOf('bb') }), 200],
    ['it answers nonsense', /no JSON/, '<canary-secret>', 200],
    ['it answers null', /another container/, null, 200],
    ['it refuses', /status 500/, 'canary-secret', 500],
    ['I9: it answers without end', /over \d+ bytes/, 'x'.repeat(5 << 20), 200],
  ])('fails when %s', async (_what, reason, value, status) => {
    says(value, status);
    const error = await record().catch((caught: Error) => caught);
    expect(error).toMatchObject({ reason: 'RUNTIME_FAILED', message: expect.stringMatching(reason) });
    expect(String(error)).not.toContain('canary');
  });

  it('fails when it does not answer in time, or ends the connection', async () => {
    answer = () => undefined;
    await expect(record({ timeoutMs: 200 })).rejects.toMatchObject({
      text: 'the container runtime does not answer in time',
    });
    answer = (response) => response.destroy();
    await expect(record()).rejects.toMatchObject({ reason: 'RUNTIME_FAILED' });
  });

  it('is given up when the call is', async () => {
    answer = () => undefined;
    const gone = new AbortController();
    const call = record({}, gone.signal);
    setTimeout(() => gone.abort(new Error('stream closed')), 50);
    await expect(call).rejects.toThrow('stream closed');
  });
});
