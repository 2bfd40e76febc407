// SPDX-License-Identifier: Apache-2.0
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../support/fake-clock.ts';
import { wireMessage, wireSvid } from '../support/fake-workload-api.ts';
import { refusalOf } from '../support/refusal.ts';
import { caA, caB, closeAll, fakeDaemon, ID, message, middle, openSource, until } from '../support/sources.ts';

const HOUR = 3_600_000;

afterEach(closeAll);

describe('a stream that ends', () => {
  it.each([
    ['OK', status.OK],
    ['UNAVAILABLE', status.UNAVAILABLE],
    ['CANCELLED', status.CANCELLED],
    ['INTERNAL', status.INTERNAL],
    ['RESOURCE_EXHAUSTED', status.RESOURCE_EXHAUSTED],
  ])('CLI-17: with %s is opened again, and what was there is held', async (_name, code) => {
    const clock = new FakeClock(Date.now());
    const fake = await fakeDaemon((stream) => stream.send(message()));
    const source = await openSource(fake, { clock, random: middle });
    const serial = source.svid().serial;
    (await fake.stream(1)).end(code, 'so it is');
    await until(source, () => source.status().state === 'holding');
    expect(source.svid().serial).toBe(serial);
    await clock.advance(1_000);
    await fake.stream(2);
    await until(source, () => source.status().state === 'current');
    expect(source.svid().serial).not.toBe(serial);
  });

  it('WAPI-38: is opened again at once when it had settled', async () => {
    const clock = new FakeClock(Date.now());
    const fake = await fakeDaemon((stream) => stream.send(message()));
    const source = await openSource(fake, { clock, random: middle });
    await clock.advance(1_000);
    (await fake.stream(1)).end(status.UNAVAILABLE, 'restart');
    await until(source, () => source.status().state === 'holding');
    await clock.advance(100);
    await fake.stream(2);
  });

  it('CLI-17: is tried again after 1, 2, 3 seconds, until a message starts that over', async () => {
    const waits: (number | undefined)[] = [];
    const log = {
      info: () => undefined,
      warn: (fields: object) => void waits.push((fields as { retryInMs: number }).retryInMs),
    };
    const clock = new FakeClock(Date.now());
    const answers = ['send', 'no', 'no', 'send', 'no'];
    const fake = await fakeDaemon((stream) => {
      if (answers[fake.streams.length - 1] === 'send') stream.send(message());
      stream.end(status.UNAVAILABLE);
    });
    const source = await openSource(fake, { clock, log, random: middle });
    for (const count of [1, 2, 3, 4, 5]) {
      await fake.stream(count);
      await until(source, () => waits.length === count);
      await clock.advance(waits[count - 1] ?? 0);
    }
    expect(waits.slice(0, 5)).toEqual([1_000, 2_000, 3_000, 1_000, 2_000]);
  });

  it('WEP-20: with a final answer is not opened again; what was there is held while valid', async () => {
    const clock = new FakeClock(Date.now());
    const fake = await fakeDaemon((stream) => stream.send(message()));
    const source = await openSource(fake, { clock });
    (await fake.stream(1)).end(status.UNIMPLEMENTED, 'switched off');
    await until(source, () => source.status().state === 'failed');
    await clock.advance(HOUR / 2);
    expect(fake.streams).toHaveLength(1);
    expect(source.svid().spiffeId.path).toBe('/api');
    expect(source.status().problem).toBe('UNIMPLEMENTED: switched off');
  });

  it('I7: with PERMISSION_DENIED takes the identity and every bundle away at once', async () => {
    const fake = await fakeDaemon((stream) => stream.send(message()));
    const source = await openSource(fake);
    fake.onStream = (stream) => stream.end(status.PERMISSION_DENIED, 'still nothing');
    (await fake.stream(1)).end(status.PERMISSION_DENIED, 'the identity was suspended');
    await until(source, () => source.status().state === 'withdrawn');
    const failure = refusalOf(() => source.svid());
    expect(failure).toMatchObject({ kind: 'permission-denied', reason: 'SVID_WITHDRAWN' });
    expect(failure.message).toContain('the identity was suspended');
    expect(refusalOf(() => source.bundleFor('td-a')).reason).toBe('SVID_WITHDRAWN');
  });
});

describe('a daemon that goes away', () => {
  it('is found again after its restart, and until then the SVID serves', async () => {
    const fake = await fakeDaemon((stream) => stream.send(message()));
    const source = await openSource(fake);
    fake.stop();
    await until(source, () => source.status().state === 'holding');
    expect(source.svid().spiffeId.path).toBe('/api');
    await fake.listen();
    await until(source, () => source.status().updates === 2);
    expect(source.status().state).toBe('current');
  });

  it('I5: leaves an SVID that is refused once it has expired, saying why', async () => {
    const clock = new FakeClock(Date.now());
    const fake = await fakeDaemon((stream) => stream.send(message({ notAfter: clock.now() + 30_000 })));
    const source = await openSource(fake, { clock, random: middle });
    fake.stop();
    await until(source, () => source.status().state === 'holding');
    await clock.advance(28_000);
    expect(source.svid().spiffeId.path).toBe('/api');
    await clock.advance(2_000);
    const failure = refusalOf(() => source.svid());
    expect(failure).toMatchObject({ kind: 'unavailable', reason: 'SVID_EXPIRED' });
    expect(failure.message).toMatch(/the SVID of spiffe:\/\/td-a\/api ended at .*Z \(UNAVAILABLE: /);
    expect(failure.hint).toContain('is the daemon running');
  });
});

describe('a further message', () => {
  it('WAPI-35: replaces everything; a trust domain that it leaves out is unloaded', async () => {
    const fake = await fakeDaemon((stream) => stream.send(message({ federated: true })));
    const source = await openSource(fake);
    const before = source.svid();
    expect(source.bundleFor('td-b')).toEqual([caB.der]);
    (await fake.stream(1)).send(message());
    await until(source, () => source.status().updates === 2);
    expect(source.bundleFor('td-b')).toBeUndefined();
    expect(source.svid().serial).not.toBe(before.serial);
  });

  it('WAPI-38: that is bad is discarded whole and reported, and the stream goes on', async () => {
    const warnings: string[] = [];
    const log = { info: () => undefined, warn: (fields: object) => void warnings.push(JSON.stringify(fields)) };
    const fake = await fakeDaemon((stream) => stream.send(message({ federated: true })));
    const source = await openSource(fake, { log });
    const before = source.svid();
    const stream = await fake.stream(1);
    stream.send(wireMessage([wireSvid(caA, ID), { ...wireSvid(caA, ID), x509_svid_key: Buffer.alloc(0) }]));
    await until(source, () => source.status().problem !== undefined);
    expect(source.status()).toMatchObject({ updates: 1, state: 'current' });
    expect(source.status().problem).toContain('svids[1].x509_svid_key: it is empty');
    expect(warnings.join()).toContain('svids[1].x509_svid_key');
    expect(source.svid()).toBe(before);
    expect(source.bundleFor('td-b')).toEqual([caB.der]);
    stream.send(message());
    await until(source, () => source.status().updates === 2);
    expect(source.status().problem).toBeUndefined();
    expect(fake.streams).toHaveLength(1);
  });

  it('reaches every listener, also when one of them fails, until it is taken off', async () => {
    const fake = await fakeDaemon((stream) => stream.send(message()));
    const source = await openSource(fake);
    let seen = 0;
    source.onUpdate(() => {
      throw new Error('mine');
    });
    const stop = source.onUpdate(() => {
      seen += 1;
    });
    const stream = await fake.stream(1);
    stream.send(message());
    await until(source, () => source.status().updates === 2);
    stop();
    stream.send(message());
    await until(source, () => source.status().updates === 3);
    expect(seen).toBe(1);
  });
});

describe('several identities', () => {
  it('WAPI-18: the first is the default; a picker may choose by hint, and an empty choice is an error', async () => {
    const svids = [wireSvid(caA, 'spiffe://td-a/one'), wireSvid(caA, 'spiffe://td-a/two', { hint: 'outside' })];
    const fake = await fakeDaemon((stream) => stream.send(wireMessage(svids)));
    const source = await openSource(fake);
    expect(source.svid().spiffeId.path).toBe('/one');
    expect(source.svid((all) => all.find((svid) => svid.hint === 'outside')).spiffeId.path).toBe('/two');
    const failure = refusalOf(() => source.svid((all) => all.find((svid) => svid.hint === 'nope')));
    expect(failure.message).toContain('spiffe://td-a/two (hint outside)');
    expect(source.svids()).toHaveLength(2);
  });
});

describe('close', () => {
  it('ends the stream, is idempotent, and leaves nothing to use', async () => {
    const fake = await fakeDaemon((stream) => stream.send(message()));
    const source = await openSource(fake);
    const stream = await fake.stream(1);
    source.close();
    source.close();
    await stream.cancelled;
    expect(source.status().state).toBe('closed');
    expect(refusalOf(() => source.svid()).reason).toBe('SOURCE_CLOSED');
  });

  it('ends a wait for the next attempt too', async () => {
    const clock = new FakeClock(Date.now());
    const fake = await fakeDaemon((stream) => stream.send(message()));
    const source = await openSource(fake, { clock });
    (await fake.stream(1)).end(status.UNAVAILABLE);
    await until(source, () => source.status().state === 'holding');
    source.close();
    await clock.advance(60_000);
    expect(fake.streams).toHaveLength(1);
  });
});
