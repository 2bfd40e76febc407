// SPDX-License-Identifier: Apache-2.0
/** For tests of X509Source: daemons that are told what to do, sources that are closed afterwards. */
import { X509Source, type X509SourceOptions } from '../../src/client/x509-source.ts';
import { type FakeStream, FakeWorkloadApi, wireMessage, wireSvid } from './fake-workload-api.ts';
import { TestCa } from './test-ca.ts';

export const caA = TestCa.create('td-a');
export const caB = TestCa.create('td-b');
export const ID = 'spiffe://td-a/api';

/** A good message with a fresh SVID. */
export const message = (extra: { notAfter?: number; federated?: boolean } = {}) =>
  wireMessage(
    [wireSvid(caA, ID, extra.notAfter === undefined ? {} : { notAfter: extra.notAfter })],
    extra.federated ? { 'td-b': caB } : {},
  );

/** Jitter that neither adds nor takes away. */
export const middle = { bytes: () => Buffer.alloc(1), fraction: () => 0.5 };

const closing: { close(): void }[] = [];

/** For `afterEach`. */
export function closeAll(): void {
  for (const one of closing.splice(0).reverse()) one.close();
}

export async function fakeDaemon(onStream?: (stream: FakeStream) => void): Promise<FakeWorkloadApi> {
  const fake = await FakeWorkloadApi.start(onStream);
  closing.push(fake);
  return fake;
}

export async function openSource(fake: FakeWorkloadApi, options: X509SourceOptions = {}): Promise<X509Source> {
  const source = await X509Source.open({ socket: fake.uri, timeoutMs: 20_000, ...options });
  closing.push(source);
  return source;
}

/** Resolves when `holds` is true, now or after a change. */
export function until(source: X509Source, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (holds()) return resolve();
    const stop = source.onUpdate(() => {
      if (!holds()) return;
      stop();
      resolve();
    });
  });
}
