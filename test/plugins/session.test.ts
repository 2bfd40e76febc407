// SPDX-License-Identifier: Apache-2.0
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { madeUpProcess } from '../../src/attestation/contract.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readAnswer } from '../../src/plugins/answer.ts';
import { PLUGIN_BOUNDS } from '../../src/plugins/bounds.ts';
import type { PluginSession } from '../../src/plugins/session.ts';
import { applies, closePlugins, FakePlugin, TEAM, until } from '../support/fake-plugin.ts';

const never = new AbortController().signal;
afterEach(closePlugins);

const look = (session: PluginSession, signal = never) => session.attest(madeUpProcess(), false, signal);

describe('a session with a plugin', () => {
  it('configures it once, and hands over what its configuration says', async () => {
    const plugin = await FakePlugin.start();
    const session = await plugin.session({ config: { file: '/etc/teams', uids: [1] } });
    expect(plugin.configured).toEqual([{ name: 'mine', config_json: '{"file":"/etc/teams","uids":[1]}' }]);
    expect([...session.configured.kinds]).toEqual([['team', 'authority']]);
  });

  it('asks about a process, and takes its answer', async () => {
    const asked: object[] = [];
    const plugin = await FakePlugin.start((it) => {
      it.attest = (request) => {
        asked.push(request);
        return applies('team:payments');
      };
    });
    const cgroups = async () => [{ hierarchy: 1, controllers: ['cpu', 'cpuacct'], path: '/a b' }];
    const process = madeUpProcess({ pid: 7, uid: 8, gid: 9, startTime: 2n ** 60n, cgroups });
    const answer = await (await plugin.session()).attest(process, true, never);
    expect(asked).toEqual([
      {
        process: {
          pid: 7,
          uid: 8,
          gid: 9,
          groups: [],
          start_time: String(2n ** 60n),
          cgroups: [{ hierarchy: 1, controllers: ['cpu', 'cpuacct'], path: '/a b' }],
          pidfd_ticket: '0',
        },
        everything: true,
      },
    ]);
    expect(answer).toMatchObject({ applies: true, selectors: [{ value: 'team:payments', strength: 'authority' }] });
  });

  it('A13: writes nothing to a socket that somebody else serves', async () => {
    const plugin = await FakePlugin.start();
    const place = { ...plugin.place, isServer: () => false };
    await expect(plugin.session({ place, startMs: 500 })).rejects.toMatchObject({ reason: 'PLUGIN_UNAVAILABLE' });
    expect(plugin.configured).toEqual([]);
  });

  it('A13: ends with its connection, and makes no second one to who was not configured', async () => {
    const plugin = await FakePlugin.start();
    const session = await plugin.session();
    plugin.server.forceShutdown();
    expect(await session.ended).toBe('it has closed the connection');
    await expect(look(session)).rejects.toMatchObject({ reason: 'PLUGIN_UNAVAILABLE' });
    expect(plugin.configured.length).toBe(1);
  });

  it('says why a plugin refuses its configuration', async () => {
    const plugin = await FakePlugin.start((it) => {
      it.configure = () => ({ code: status.INVALID_ARGUMENT, details: 'no file', metadata: undefined as never });
    });
    await expect(plugin.session()).rejects.toMatchObject({
      reason: 'PLUGIN_REFUSED',
      message: 'the plugin refuses its configuration: "no file"',
    });
  });

  it('waits only so long for a plugin that does not answer Configure', async () => {
    const plugin = await FakePlugin.start((it) => {
      it.configure = () => 'never';
    });
    await expect(plugin.session({ startMs: 300 })).rejects.toThrow(/does not answer Configure/);
  });

  it('I10: keeps a plugin’s own words to the log', async () => {
    const plugin = await FakePlugin.start((it) => {
      it.attest = () => ({ code: status.UNKNOWN, details: 'PASSWORD=hunter2', metadata: undefined as never });
    });
    const refused = await look(await plugin.session()).catch((error: Error) => error);
    expect(refused).toMatchObject({ reason: 'PLUGIN_UNAVAILABLE', message: 'the plugin answered Attest with UNKNOWN' });
  });

  it('cancels a call that nobody waits for any more', async () => {
    const plugin = await FakePlugin.start((it) => {
      it.attest = () => 'never';
    });
    const gone = new AbortController();
    const session = await plugin.session();
    const answer = look(session, gone.signal);
    const outcome = expect(answer).rejects.toThrow('gone');
    setTimeout(() => gone.abort(new Error('gone')), 50);
    await outcome;
    await until(() => plugin.cancelled === 1);
  });

  it('I8: ends when looks stay unanswered, and not when callers go away early', async () => {
    const plugin = await FakePlugin.start((it) => {
      it.attest = () => 'never';
    });
    let now = 0;
    const session = await plugin.session({ clock: { ...systemClock, monotonic: () => now }, answerMs: 5_000 });
    let ended = false;
    void session.ended.then(() => {
      ended = true;
    });
    const leave = async (afterMs: number): Promise<void> => {
      const gone = new AbortController();
      const answer = look(session, gone.signal).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
      now += afterMs;
      gone.abort(new Error('gone'));
      await answer;
    };
    for (let n = 0; n < 5; n += 1) await leave(100);
    await leave(4_000);
    await leave(4_000);
    expect(ended).toBe(false);
    await leave(4_000);
    expect(await session.ended).toBe('it left 3 looks unanswered');
  });
});

describe('what a plugin sends', () => {
  const answering = async (reply: object | Buffer) => {
    const plugin = await FakePlugin.start((it) => {
      it.attest = () => reply;
    });
    return look(await plugin.session());
  };

  it('I9: is bounded: a million selectors are refused', async () => {
    const million = { applies: { selectors: Array.from({ length: 1_000_000 }, (_, at) => ({ value: `team:${at}` })) } };
    await expect(answering(million)).rejects.toMatchObject({
      reason: 'PLUGIN_UNAVAILABLE',
      message: 'the plugin answered Attest with RESOURCE_EXHAUSTED',
    });
  });

  it('I9: is bounded: a message beyond the ceiling is refused, and one below it is taken', async () => {
    const facts = (bytes: number) => ({
      applies: {
        selectors: [{ value: 'team:a' }],
        facts: Array.from({ length: bytes >> 10 }, () => ({ value: 'x'.repeat(1_010) })),
      },
    });
    expect(await answering(facts(PLUGIN_BOUNDS.messageBytes - 4_096))).toMatchObject({ applies: true });
    await expect(answering(facts(PLUGIN_BOUNDS.messageBytes + 4_096))).rejects.toThrow(/RESOURCE_EXHAUSTED/);
  });

  it('A13: is UTF-8, or refused', async () => {
    // answer.applies.selectors[0].value = "team:" and a byte that begins nothing.
    const bytes = Buffer.concat([
      Buffer.from([0x0a, 0x0a, 0x0a, 0x08, 0x0a, 0x06]),
      Buffer.from('team:'),
      Buffer.from([0xff]),
    ]);
    await expect(answering(bytes)).rejects.toMatchObject({ reason: 'PLUGIN_ANSWER' });
  });

  it('A13: whatever bytes it is, is an answer within bounds or a refusal', async () => {
    let reply: Buffer = Buffer.alloc(0);
    const plugin = await FakePlugin.start((it) => {
      it.attest = () => reply;
    });
    const session = await plugin.session();
    const refusal = /^PLUGIN_(?:ANSWER|UNAVAILABLE)$/;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        reply = Buffer.from(bytes);
        try {
          const answer = readAnswer('mine', await look(session));
          expect(typeof answer.applies).toBe('boolean');
        } catch (error) {
          expect(error).toMatchObject({ reason: expect.stringMatching(refusal) });
        }
      }),
      { numRuns: 150 },
    );
  });

  it('tells of changes, each ground by its name', async () => {
    const heard: unknown[] = [];
    const plugin = await FakePlugin.start((it) => {
      it.configure = () => ({ ...TEAM, tells_changes: true });
    });
    await plugin.session({ changed: (ground) => heard.push(ground) });
    await until(() => plugin.streams.size === 1);
    plugin.tell({ grounds: ['a', 'b'] });
    plugin.tell({ everything: true, grounds: ['c'] });
    await until(() => heard.length === 3);
    expect(heard).toEqual(['a', 'b', undefined]);
  });

  it('I9: waits on its side when it tells without end', async () => {
    const heard: unknown[] = [];
    const plugin = await FakePlugin.start((it) => {
      it.configure = () => ({ ...TEAM, tells_changes: true });
    });
    let resumes = 0;
    const clock = {
      ...systemClock,
      after: (ms: number, fn: () => void) => {
        if (ms === PLUGIN_BOUNDS.changesEveryMs) resumes += 1;
        return ms === PLUGIN_BOUNDS.changesEveryMs ? { cancel: () => undefined } : systemClock.after(ms, fn);
      },
    };
    const session = await plugin.session({ clock, changed: (ground) => heard.push(ground) });
    await until(() => plugin.streams.size === 1);
    for (let n = 0; n < 1_000; n += 1) plugin.tell({ grounds: [`g${n}`] });
    await look(session);
    await until(() => heard.length > 0);
    await look(session);
    expect([heard.length, resumes]).toEqual([1, 1]);
  });

  it('ends the session when its stream of changes ends', async () => {
    const plugin = await FakePlugin.start((it) => {
      it.configure = () => ({ ...TEAM, tells_changes: true });
    });
    const session = await plugin.session();
    await until(() => plugin.streams.size === 1);
    for (const stream of plugin.streams) stream.end();
    expect(await session.ended).toMatch(/stream of changes has ended/);
  });
});
