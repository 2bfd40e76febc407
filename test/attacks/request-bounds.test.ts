// SPDX-License-Identifier: Apache-2.0
/** What a request may be, for a caller that nobody has attested yet: one message, as it is, of bounded size, and soon. */
import type { ClientHttp2Session } from 'node:http2';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RequestDecoder } from '../../src/api/request-decoder.ts';
import { openDoor, type TestDoor } from '../support/door.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { grpcFrame } from '../support/grpc-frame.ts';
import { RawCall, rawSession } from '../support/raw-call.ts';
import { tempDir } from '../support/temp-dir.ts';

/** As the test door has it. */
const MESSAGE_BYTES = 65_536;
const WITHIN_MS = 10_000;

describe('a request on the wire', () => {
  const socket = join(tempDir('request'), 'api.sock');
  const clock = new FakeClock();
  let door: TestDoor;
  let session: ClientHttp2Session;
  let served = 0;

  beforeAll(async () => {
    const follow = (): { stop(): void } => {
      served += 1;
      return { stop: () => undefined };
    };
    door = await openDoor({ path: socket, clock, identities: { followX509: follow, followX509Bundles: follow } });
    session = rawSession(socket);
  });
  afterAll(async () => {
    session.destroy();
    await door.close();
  });

  /** How the call ends, or that it is served. */
  const outcome = async (call: RawCall): Promise<number | 'served' | 'reset'> => {
    const before = served;
    const seen = (async () => {
      while (served === before) await sleep(5);
      return 'served' as const;
    })();
    const end = call.status.then(({ code }) => code ?? ('reset' as const));
    const first = await Promise.race([seen, end]);
    served = before + 1;
    call.stream.close();
    return first;
  };

  it('is served when it is one plain message', async () => {
    const call = new RawCall(session);
    call.stream.end(grpcFrame());
    expect(await outcome(call)).toBe('served');
  });

  it('B4: is refused when it holds more than one message, before the second is looked at', async () => {
    for (const count of [2, 3_000]) {
      const call = new RawCall(session);
      call.stream.end(Buffer.alloc(5 * count));
      expect(await outcome(call)).toBe(status.RESOURCE_EXHAUSTED);
    }
  });

  it('B4: is refused when it is compressed: no decompressor is made', async () => {
    for (const encoding of ['gzip', 'deflate', 'identity']) {
      const call = new RawCall(session, undefined, { 'grpc-encoding': encoding });
      call.stream.end(grpcFrame(gzipSync(Buffer.alloc(0)), encoding !== 'identity'));
      const expected = encoding === 'identity' ? status.INTERNAL : status.UNIMPLEMENTED;
      expect([encoding, await outcome(call)]).toEqual([encoding, expected]);
    }
  });

  it('I9: is refused by the size that its head says, naming the ceiling', async () => {
    const call = new RawCall(session);
    call.stream.write(grpcFrame(Buffer.alloc(MESSAGE_BYTES + 1)).subarray(0, 5));
    const { code, message } = await call.status;
    expect(code).toBe(status.RESOURCE_EXHAUSTED);
    expect(message).toContain(`${MESSAGE_BYTES} (limits.request_bytes)`);
    call.stream.close();
  });

  it.each([
    ['nothing', Buffer.alloc(0), {}],
    ['half a message', grpcFrame(Buffer.alloc(1_000)).subarray(0, 500), {}],
    ['a message and no end', grpcFrame(), {}],
    ['a call that was refused and is not ended', Buffer.alloc(0), { 'workload.spiffe.io': 'no' }],
  ])('I9: a stream is reset when %s has come after 10 s', async (_, bytes, headers) => {
    const call = new RawCall(session, undefined, headers);
    let ended = false;
    void call.closed.then(() => (ended = true));
    if (bytes.length > 0) call.stream.write(bytes);
    await sleep(100);
    await clock.advance(WITHIN_MS - 1);
    await sleep(50);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(await call.closed).not.toBe(0);
  });

  it('I9: a stream whose request came as a whole stays', async () => {
    const call = new RawCall(session);
    call.stream.end(grpcFrame());
    await sleep(100);
    await clock.advance(WITHIN_MS * 2);
    await sleep(50);
    expect(call.stream.closed).toBe(false);
    call.stream.close();
  });
});

describe('the decoder of requests', () => {
  const bounds = { messageBytes: MESSAGE_BYTES, messages: Number.POSITIVE_INFINITY, waiting: 64 };

  it('gives the same messages however their bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 3_000 })),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.map((message) => grpcFrame(Buffer.from(message))));
          const decoder = new RequestDecoder(bounds, () => 0);
          const found: Buffer[] = [];
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            found.push(...decoder.write(bytes.subarray(at, at + cut)));
            at += cut;
          }
          expect(Buffer.concat(found).equals(bytes)).toBe(true);
          expect(found.length).toBe(messages.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('B4: takes no more messages at once than it may, counting those that wait', () => {
    expect(new RequestDecoder(bounds, () => 0).write(Buffer.alloc(5 * 64)).length).toBe(64);
    expect(() => new RequestDecoder(bounds, () => 0).write(Buffer.alloc(5 * 65))).toThrow('more than 64');
    expect(() => new RequestDecoder(bounds, () => 60).write(Buffer.alloc(5 * 5))).toThrow('more than 64');
  });

  it('B4: gives nothing after it has refused, whatever comes', () => {
    const refusals = [grpcFrame(Buffer.alloc(MESSAGE_BYTES + 1)), Buffer.alloc(5 * 65)];
    for (const refused of refusals) {
      const decoder = new RequestDecoder(bounds, () => 0);
      expect(() => decoder.write(refused)).toThrow();
      for (const more of [Buffer.alloc(1), grpcFrame(), refused]) expect(decoder.write(more)).toEqual([]);
    }
  });

  it('B4: keeps no piece of the memory that an unfinished message came in', () => {
    const read = grpcFrame(Buffer.alloc(3_000, 'a'));
    const decoder = new RequestDecoder(bounds, () => 0);
    expect(decoder.write(read.subarray(0, 2_000))).toEqual([]);
    const rest = Buffer.from(read.subarray(2_000));
    read.fill('b');
    expect(decoder.write(rest)[0]?.includes('b')).toBe(false);
  });

  it('B4: gives an announced message no room before its bytes come', () => {
    const head = grpcFrame(Buffer.alloc(MESSAGE_BYTES)).subarray(0, 5);
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 1_000 }, () => new RequestDecoder(bounds, () => 0));
    for (const decoder of decoders) decoder.write(head);
    expect(decoders.length).toBe(1_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * MESSAGE_BYTES);
  });
});
