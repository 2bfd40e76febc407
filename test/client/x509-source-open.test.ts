// SPDX-License-Identifier: Apache-2.0
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { X509Source } from '../../src/client/x509-source.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { caA, closeAll, fakeDaemon, ID, message, middle, openSource } from '../support/sources.ts';

afterEach(closeAll);

describe('X509Source.open', () => {
  it('CLI-20: waits for the first message, then has an identity and its bundle', async () => {
    const fake = await fakeDaemon();
    const opening = openSource(fake);
    const stream = await fake.stream(1);
    const raced = await Promise.race([opening, new Promise((resolve) => setTimeout(resolve, 50, 'waiting'))]);
    expect(raced).toBe('waiting');
    stream.send(message());
    const source = await opening;
    expect(`${source.svid().spiffeId}`).toBe(ID);
    expect(source.bundleFor('td-a')).toEqual([caA.der]);
    expect(source.status()).toMatchObject({ state: 'current', updates: 1, problem: undefined });
  });

  it('CLI-20: an entry that comes late heals by itself', async () => {
    const clock = new FakeClock(Date.now());
    const fake = await fakeDaemon((stream) => {
      if (fake.streams.length < 3) stream.end(status.PERMISSION_DENIED, 'no identity issued');
      else stream.send(message());
    });
    const opening = openSource(fake, { clock, random: middle });
    for (const count of [1, 2]) {
      await fake.stream(count);
      while (clock.pending < 2) await new Promise(setImmediate); // the timeout of open, and the next attempt
      await clock.advance(count * 1_000);
    }
    expect((await opening).svid().spiffeId.path).toBe('/api');
  });

  it('gives up after timeoutMs and says what stood in the way and what to try', async () => {
    const fake = await fakeDaemon((stream) => stream.end(status.PERMISSION_DENIED, 'no entry matches'));
    const failure = await refusalOfAsync(() => openSource(fake, { timeoutMs: 200 }));
    expect(failure.reason).toBe('SVID_TIMEOUT');
    expect(failure.message).toContain(`no identity within 0.2 s from ${fake.uri}: PERMISSION_DENIED: no entry matches`);
    expect(failure.hint).toContain('assay entry create');
  });

  it('fails at the first "no entry matches" when it shall not wait for one', async () => {
    const fake = await fakeDaemon((stream) => stream.end(status.PERMISSION_DENIED, 'no entry matches'));
    const failure = await refusalOfAsync(() =>
      openSource(fake, { waitForEntry: false, timeoutMs: Number.POSITIVE_INFINITY }),
    );
    expect(failure).toMatchObject({ reason: 'WORKLOAD_API_REFUSED' });
    expect(failure.message).toContain('no entry matches');
  });

  it('says that nobody listens', async () => {
    const failure = await refusalOfAsync(() => X509Source.open({ socket: 'unix:///nowhere/api.sock', timeoutMs: 200 }));
    expect(failure.message).toContain('ENOENT');
    expect(failure.hint).toContain('is the daemon running');
  });

  it.each([['INVALID_ARGUMENT'], ['UNIMPLEMENTED']] as const)('WEP-20: %s is final', async (code) => {
    const fake = await fakeDaemon((stream) => stream.end(status[code], 'no'));
    const failure = await refusalOfAsync(() => openSource(fake));
    expect(failure.reason).toBe('WORKLOAD_API_REFUSED');
    expect(failure.message).toContain(`${code}: no`);
    expect(fake.streams).toHaveLength(1);
  });

  it('ends when told by its signal, before and while it waits', async () => {
    const fake = await fakeDaemon();
    const early = AbortSignal.abort(new Error('early'));
    await expect(openSource(fake, { signal: early })).rejects.toThrow('early');
    expect(fake.streams).toHaveLength(0);
    const late = new AbortController();
    const opening = openSource(fake, { signal: late.signal });
    const stream = await fake.stream(1);
    late.abort(new Error('late'));
    await expect(opening).rejects.toThrow('late');
    await stream.cancelled;
  });

  it('refuses a bad address', async () => {
    const failure = await refusalOfAsync(() => X509Source.open({ socket: '/run/api.sock' }));
    expect(failure.reason).toBe('ENDPOINT_INVALID');
  });
});
