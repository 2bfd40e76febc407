// SPDX-License-Identifier: Apache-2.0
/** What the other side of a bus connection may do wrong. */
import { duplexPair } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { BusConnection, type BusOptions } from '../../../attestors/systemd/bus/connection.ts';
import { encode, METHOD_RETURN, type Message, MessageReader } from '../../../attestors/systemd/bus/messages.ts';
import { BusError } from '../../../attestors/systemd/bus/values.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setTimeout(resolve, 10));
const CALL = { path: '/a', interface: 'b.C', member: 'D' };

class Bench {
  readonly clock = new FakeClock();
  readonly calls: Message[] = [];
  readonly signals: Message[] = [];
  readonly closed: BusError[] = [];
  missed = 0;
  said = '';
  readonly #sides = duplexPair();
  #reader: MessageReader | undefined;

  constructor(ok = 'OK 00ff\r\n') {
    const [, other] = this.#sides;
    other.on('error', () => undefined);
    other.on('data', (bytes: Buffer) => {
      if (this.#reader !== undefined) return void this.calls.push(...this.#reader.take(bytes));
      this.said += bytes.toString('latin1');
      if (!this.said.endsWith('BEGIN\r\n')) return;
      this.#reader = new MessageReader(1 << 20, () => undefined);
      other.write(ok);
    });
  }

  open(some: Partial<BusOptions> = {}, signal = never): Promise<BusConnection> {
    const options = {
      socket: this.#sides[0],
      uid: 1_000,
      clock: this.clock,
      answerMs: 4_000,
      signal: (message: Message) => this.signals.push(message),
      missed: () => {
        this.missed += 1;
      },
      closed: (reason: BusError) => this.closed.push(reason),
    };
    return BusConnection.open({ ...options, ...some }, signal);
  }

  write(...bytes: Buffer[]): void {
    for (const piece of bytes) this.#sides[1].write(piece);
  }

  answer(serial: number, sender?: string): void {
    this.write(
      encode(
        METHOD_RETURN,
        1,
        [
          [5, 'u', serial],
          [7, 's', sender],
        ],
        Buffer.alloc(0),
      ),
    );
  }

  end(): void {
    this.#sides[1].end();
  }
}

describe('a bus connection', () => {
  it('says who we are and begins, and says no more until it is believed', async () => {
    const bench = new Bench('OK 00');
    const opened = bench.open();
    await settled();
    expect(bench.calls).toEqual([]);
    bench.write(Buffer.from('ff\r\n'));
    void (await opened).call(CALL, '').catch(() => undefined);
    await settled();
    expect(bench.calls.length).toBe(1);
    expect(bench.said).toBe(`\0AUTH EXTERNAL ${Buffer.from('1000').toString('hex')}\r\nBEGIN\r\n`);
  });

  it.each([
    ['is not believed', 'REJECTED EXTERNAL\r\n', /does not take our credentials/],
    ['is answered in another protocol', 'HTTP/1.1 400 Bad Request\r\n', /does not take|before its turn/],
    ['is answered before its turn', 'OK 00ff\r\nl\u0001', /before its turn/],
    ['I9: is answered without end', 'x'.repeat(5_000), /has no end/],
  ])('ends when it %s', async (_what, ok, message) => {
    const bench = new Bench(ok);
    await expect(bench.open()).rejects.toThrow(message);
    expect(bench.closed.length).toBe(1);
  });

  it('ends when it is not answered in time, and when nobody waits for it any more', async () => {
    const late = new Bench('');
    const opened = expect(late.open()).rejects.toThrow(/no answer within 4000 ms/);
    await late.clock.advance(4_000);
    await opened;
    const gone = new AbortController();
    const aborted = expect(new Bench('').open({}, gone.signal)).rejects.toThrow('gone');
    gone.abort(new Error('gone'));
    await aborted;
  });

  it('gives each answer to the call that it is for, in whatever order they come', async () => {
    const bench = new Bench();
    const connection = await bench.open();
    const [one, other] = [connection.call(CALL, ''), connection.call(CALL, '')];
    await settled();
    const order: string[] = [];
    void one.then(() => order.push('one'));
    void other.then(() => order.push('other'));
    bench.answer(bench.calls[1]?.serial as number);
    await settled();
    bench.answer(bench.calls[0]?.serial as number);
    await Promise.all([one, other]);
    expect(order).toEqual(['other', 'one']);
  });

  it('A10: takes no answer from anybody but whom it asked', async () => {
    const bench = new Bench();
    const connection = await bench.open();
    let answered = false;
    const call = connection.call({ ...CALL, destination: ':1.3' }, '').then(() => {
      answered = true;
    });
    await settled();
    const serial = bench.calls[0]?.serial as number;
    for (const sender of [':1.66', undefined, 'org.freedesktop.DBus']) bench.answer(serial, sender);
    await settled();
    expect(answered).toBe(false);
    bench.answer(serial, ':1.3');
    await call;
  });

  it('hears from the bus that whom it asked is not there', async () => {
    const bench = new Bench();
    const connection = await bench.open();
    const call = expect(connection.call({ ...CALL, destination: ':1.3' }, '')).rejects.toThrow(/NameHasNoOwner/);
    await settled();
    const fields = [
      [4, 's', 'org.freedesktop.DBus.Error.NameHasNoOwner'],
      [5, 'u', bench.calls[0]?.serial],
      [7, 's', 'org.freedesktop.DBus'],
    ] as const;
    bench.write(encode(3, 1, fields, Buffer.alloc(0)));
    await call;
  });

  it('fails all calls when one is not answered in time: those behind it would not be, either', async () => {
    const bench = new Bench();
    const connection = await bench.open();
    const outcomes = Promise.allSettled([connection.call(CALL, ''), connection.call(CALL, '')]);
    await bench.clock.advance(4_000);
    expect(await outcomes).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    await expect(connection.call(CALL, '')).rejects.toThrow(/no answer within/);
    expect([bench.closed.length, bench.clock.pending]).toEqual([1, 0]);
  });

  it.each<[string, Buffer]>([
    ['cannot be understood', Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
    ['is longer than D-Bus allows', Buffer.from('6c010001ffffff7f0100000000000000', 'hex')],
  ])('ends with what %s, once', async (_what, bytes) => {
    const bench = new Bench();
    const connection = await bench.open();
    const call = expect(connection.call(CALL, '')).rejects.toBeInstanceOf(BusError);
    bench.write(bytes, bytes, bytes);
    await call;
    connection.end(new BusError('again'));
    expect([bench.closed.length, bench.clock.pending]).toEqual([1, 0]);
  });

  it('fails its calls when the other side goes away', async () => {
    const bench = new Bench();
    const connection = await bench.open();
    const call = expect(connection.call(CALL, '')).rejects.toThrow(/closed/);
    bench.end();
    await call;
  });

  it('I9: passes over what is too large, and says that it missed something', async () => {
    const bench = new Bench();
    const connection = await bench.open();
    const call = connection.call(CALL, '');
    await settled();
    bench.write(encode(4, 1, [], Buffer.alloc(300 << 10)));
    bench.answer(bench.calls[0]?.serial as number);
    await call;
    expect([bench.missed, bench.signals.length]).toEqual([1, 0]);
  });

  it('is not disturbed by answers that nobody waits for, nor by calls', async () => {
    const bench = new Bench();
    await bench.open();
    bench.answer(999);
    bench.write(
      encode(
        1,
        1,
        [
          [1, 'o', '/a'],
          [3, 's', 'Ping'],
        ],
        Buffer.alloc(0),
      ),
    );
    await settled();
    expect([bench.closed, bench.signals]).toEqual([[], []]);
  });
});
