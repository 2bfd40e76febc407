// SPDX-License-Identifier: Apache-2.0
/** Processes are killed with bytes unread: that is no attack, and must not keep their uid from its identity. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDoor, type TestDoor } from '../support/door.ts';
import { FRAME, frame, PREFACE } from '../support/h2-frames.ts';
import { RawCall, rawSession } from '../support/raw-call.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { tempDir } from '../support/temp-dir.ts';

const CONNECTIONS = 20;

describe('connections that end badly', () => {
  const socket = join(tempDir('killed'), 'api.sock');
  const log = new RecordingLogger();
  let door: TestDoor;

  beforeAll(async () => {
    const follow = (): { stop(): void } => ({ stop: () => undefined });
    door = await openDoor({ path: socket, log, identities: { followX509: follow, followX509Bundles: follow } });
  });
  afterAll(() => door.close());

  const answered = async (): Promise<number | undefined> => {
    const session = rawSession(socket);
    const call = new RawCall(session, '/x');
    call.stream.end();
    const { code } = await call.status;
    session.destroy();
    return code;
  };

  it('B4: callers that go away with answers unread are no flood', async () => {
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const caller = connect(socket);
      caller.pause();
      await once(caller, 'connect');
      caller.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0)]));
      // Another caller's answer: by then the settings of this connection lie in its socket, unread.
      expect(await answered()).toBe(12);
      caller.destroy();
    }
    await sleep(50);
    expect([door.door.malformed, door.door.barred]).toEqual([0, 0]);
    expect(await answered()).toBe(12);
  });

  it('B4: callers that break HTTP/2 are one line a second in the log, and then kept out', async () => {
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const caller = connect(socket);
      caller.on('error', () => undefined);
      const ended = new Promise((resolve) => caller.once('close', resolve));
      caller.resume();
      caller.write('x'.repeat(64));
      await ended;
    }
    expect(log.lines.filter(({ level }) => level === 'warn').length).toBeLessThanOrEqual(2);
    expect(door.door.barred).toBeGreaterThan(0);
    expect(await answered()).toBe(undefined);
  });
});
