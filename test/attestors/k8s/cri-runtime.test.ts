// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { criRuntime } from '../../../attestors/k8s/cri-runtime.ts';
import type { ContainerRecord, RuntimeTools } from '../../../attestors/k8s/runtime.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { FakeCri } from '../../support/fake-cri.ts';
import { idOf, UID_A } from '../../support/k8s-pods.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('cri');
const never = new AbortController().signal;
const ID = idOf('aa');
let cri: FakeCri;

beforeEach(async () => {
  cri = await FakeCri.start(folder);
});
afterEach(() => cri.close());

function record(more: Partial<RuntimeTools> = {}, signal = never): Promise<ContainerRecord | undefined> {
  return criRuntime({ connect: cri.connect, clock: systemClock, timeoutMs: 20_000, ...more }).record(ID, signal);
}
const LABELS = {
  'io.kubernetes.container.name': 'main',
  'io.kubernetes.pod.name': 'web',
  'io.kubernetes.pod.uid': UID_A,
};
const status = (more: object = {}) => ({
  id: ID,
  metadata: { name: 'main', attempt: 3 },
  state: 1,
  createdAt: 1_700_000_000_000_000_000,
  image: { image: 'web:1' },
  labels: LABELS,
  annotations: { 'io.kubernetes.pod.uid': 'other' },
  ...more,
});
const info = (value: unknown) => ({ info: JSON.stringify(value) });

describe('containerd', () => {
  it('is understood, as it was recorded', async () => {
    const vector = JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors/k8s/cri-status.json'), 'utf8')) as {
      readonly source: string;
      readonly container: string;
      readonly record: ContainerRecord;
      readonly bytes: string;
    };
    expect(vector.source).toMatch(/^recorded with containerd/);
    cri.containers.set(vector.container, Buffer.from(vector.bytes, 'base64'));
    const runtime = criRuntime({ connect: cri.connect, clock: systemClock, timeoutMs: 20_000 });
    expect(await runtime.record(vector.container, never)).toEqual(vector.record);
  });
});

describe('a runtime that speaks CRI', () => {
  it('tells the first process, the pod and the name of a container', async () => {
    cri.containers.set(ID, {
      status: status(),
      info: { sandboxID: 'x', ...info({ sandboxID: 'x', pid: 4321, runtimeSpec: {} }) },
    });
    expect(await record()).toEqual({ pid: 4321, podUid: UID_A, name: 'main' });
    expect(cri.asked).toEqual([{ containerId: ID, verbose: true }]);
  });

  it.each<[string, () => void]>([
    ['it does not know', () => undefined],
    ['that has ended', () => cri.containers.set(ID, { status: status(), info: info({ pid: 0 }) })],
  ])('tells nothing of a container %s', async (_what, given) => {
    given();
    expect(await record()).toBeUndefined();
  });

  it('tells of a container that the kubelet has not made that it is in no pod', async () => {
    cri.containers.set(ID, { status: status({ labels: {} }), info: info({ pid: 4321 }) });
    expect(await record()).toEqual({ pid: 4321, podUid: undefined, name: undefined });
  });

  it.each<[string, RegExp, () => void]>([
    [
      'A10: it answers for another container',
      /another container/,
      () => cri.containers.set(ID, { status: status({ id: idOf('bb') }), info: info({ pid: 1 }) }),
    ],
    ['it has no pid to tell', /no pid/, () => cri.containers.set(ID, { status: status() })],
    ['its pid is no number', /no number/, () => cri.containers.set(ID, { status: status(), info: info({ pid: '1' }) })],
    [
      'it tells no JSON',
      /no JSON/,
      () => cri.containers.set(ID, { status: status(), info: { info: 'canary-secret' } }),
    ],
    ['it refuses', /gRPC status 7/, () => cri.containers.set(ID, 7)],
    ['it is broken', /no CRI message/, () => cri.containers.set(ID, Buffer.from([0x0a, 0x7f, 0x01]))],
    [
      'I9: it answers without end',
      /over \d+ bytes/,
      () => cri.containers.set(ID, { info: { info: 'x'.repeat(5 << 20) } }),
    ],
  ])('fails when %s', async (_what, reason, given) => {
    given();
    const error = await record().catch((caught: Error) => caught);
    expect(error).toMatchObject({ reason: 'RUNTIME_FAILED', message: expect.stringMatching(reason) });
    expect(String(error)).not.toContain('canary');
  });

  it('fails when it does not answer in time', async () => {
    cri.containers.set(ID, 'never');
    await expect(record({ timeoutMs: 200 })).rejects.toMatchObject({
      text: 'the container runtime does not answer in time',
    });
  });

  it('is given up when the call is', async () => {
    cri.containers.set(ID, 'never');
    const gone = new AbortController();
    const asked = record({}, gone.signal);
    setTimeout(() => gone.abort(new Error('stream closed')), 50);
    await expect(asked).rejects.toThrow('stream closed');
  });

  it.each([
    ['ends the connection', ''],
    ['speaks something else', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ])('fails when whoever listens %s', async (_what, text) => {
    const path = join(folder, `odd-${text.length}.sock`);
    const server = createServer((socket) => void socket.end(text)).listen(path);
    const odd = async () => connect(path);
    await expect(record({ connect: odd })).rejects.toMatchObject({ reason: 'RUNTIME_FAILED' });
    server.close();
  });

  it('A13: fails as the connection does', async () => {
    const unsafe = async (): Promise<never> => {
      throw new Error('the socket belongs to uid 1000');
    };
    await expect(record({ connect: unsafe })).rejects.toThrow('belongs to uid 1000');
  });
});
