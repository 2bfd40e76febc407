// SPDX-License-Identifier: Apache-2.0
/**
 * Streams whose connection ends in the same breath: now and then (one in a hundred) Node tells of a stream when it is
 * gone, and nothing of ours may trip over that. A few such packets, from any local process, once ended the daemon.
 */
import { EventEmitter } from 'node:events';
import type { Http2Server } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { shieldStreams } from '../../src/api/http2-bounds.ts';
import { Daemon } from '../support/daemon.ts';
import { grpcFrame } from '../support/grpc-frame.ts';
import { END_HEADERS, END_STREAM, FRAME, frame, grpcHeaders, PREFACE, reset } from '../support/h2-frames.ts';
import { FETCH_SVID } from '../support/raw-call.ts';

const NO_ERROR = 0;
const INTERNAL_ERROR = 2;
const CANCEL = 8;

const WRONG: readonly Readonly<Record<string, string>>[] = [
  { 'content-type': 'text/plain' },
  { 'workload.spiffe.io': 'no' },
  { ':path': '/x' },
  { 'grpc-timeout': 'x' },
  { 'grpc-timeout': '0n' },
  { 'grpc-encoding': 'gzip' },
  {},
];

describe('a stream that is gone before it is announced', () => {
  let daemon: Daemon;

  beforeAll(async () => {
    daemon = await Daemon.start({});
  });
  afterAll(() => daemon.close());

  /** What the daemon reads in one go: a stream, and that its caller has gone. */
  const leave = async (bytes: Buffer): Promise<void> => {
    process.kill(daemon.pid, 'SIGSTOP');
    const caller = connect(daemon.workloadSocket);
    caller.on('error', () => undefined);
    const closed = new Promise((resolve) => caller.once('close', resolve));
    caller.write(bytes, () => caller.destroy());
    await closed;
    process.kill(daemon.pid, 'SIGCONT');
    await sleep(10);
  };

  it('B4: ends itself, and neither the daemon nor the peace of its log', async () => {
    const bodies = [Buffer.alloc(0), grpcFrame(), Buffer.from([1, 0, 0, 0, 0])];
    const endings = [NO_ERROR, INTERNAL_ERROR, CANCEL, undefined];
    const packets = WRONG.flatMap((more) =>
      bodies.flatMap((body) => endings.map((ending) => stream(1, more, body, ending))),
    );
    for (const packet of packets) await leave(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0), packet]));
    await daemon.admin.call('GetHealth', {});
    await daemon.stop();
    expect(daemon.output).not.toContain('ERROR');
  });
});

describe('what is announced late', () => {
  class Announced extends EventEmitter {
    destroyed: boolean;

    constructor(destroyed: boolean) {
      super();
      this.destroyed = destroyed;
    }

    destroy(): void {
      this.destroyed = true;
    }
  }

  const shielded = (inner: () => void, turn?: Promise<void>): { server: EventEmitter; failures: unknown[] } => {
    const server = new EventEmitter();
    const failures: unknown[] = [];
    server.on('stream', inner);
    shieldStreams(server as Http2Server, { admit: () => turn, failed: (error) => failures.push(error) });
    return { server, failures };
  };

  it('B4: a stream that is gone is not handed on, and its error has a listener', () => {
    let seen = 0;
    const { server, failures } = shielded(() => (seen += 1));
    const gone = new Announced(true);
    server.emit('stream', gone, {});
    for (let i = 0; i < 2; i += 1) gone.emit('error', new Error('reset'));
    expect([seen, failures]).toEqual([0, []]);
    server.emit('stream', new Announced(false), {});
    expect(seen).toBe(1);
  });

  it('B4: a stream that goes while it waits for its turn is not handed on', async () => {
    let seen = 0;
    const turn = Promise.resolve();
    const { server } = shielded(() => (seen += 1), turn);
    const [going, staying] = [new Announced(false), new Announced(false)];
    for (const one of [going, staying]) server.emit('stream', one, {});
    going.destroy();
    await turn;
    expect(seen).toBe(1);
  });

  it('B4: what a call throws before it runs ends that call', () => {
    const thrown = new Error('thrown');
    const { server, failures } = shielded(() => {
      throw thrown;
    });
    const open = new Announced(false);
    server.emit('stream', open, {});
    expect([open.destroyed, failures]).toEqual([true, [thrown]]);
  });
});

function stream(id: number, more: Readonly<Record<string, string>>, body: Buffer, ending: number | undefined): Buffer {
  return Buffer.concat([
    frame(FRAME.headers, END_HEADERS, id, grpcHeaders(FETCH_SVID, more)),
    ...(body.length === 0 ? [] : [frame(FRAME.data, END_STREAM, id, body)]),
    ...(ending === undefined ? [] : [reset(id, ending)]),
  ]);
}
