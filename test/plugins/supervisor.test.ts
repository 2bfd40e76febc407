// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from '@jest/globals';
import { madeUpProcess } from '../../src/attestation/contract.ts';
import { Failure } from '../../src/lib/failure.ts';
import {
  type PluginSource,
  type RunningPlugin,
  Supervisor,
  type SupervisorOptions,
} from '../../src/plugins/supervisor.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { closePlugins, FakePlugin, TEAM, until } from '../support/fake-plugin.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const never = new AbortController().signal;
const supervisors: Supervisor[] = [];

afterEach(async () => {
  for (const supervisor of supervisors.splice(0)) await supervisor.close();
  closePlugins();
});

/** Starts a new plugin each time; the test may end it, or let its start fail. */
class Source implements PluginSource {
  readonly what = 'a plugin';
  readonly plugins: FakePlugin[] = [];
  readonly begun: { end: (why: string) => void; stopped: boolean }[] = [];
  fails: Failure | undefined;
  set: (plugin: FakePlugin) => void = () => undefined;

  async begin(): Promise<RunningPlugin> {
    if (this.fails !== undefined) throw this.fails;
    const plugin = await FakePlugin.start(this.set);
    this.plugins.push(plugin);
    const run: (typeof this.begun)[number] = { end: () => undefined, stopped: false };
    const ended = new Promise<string>((resolve) => {
      run.end = resolve;
    });
    this.begun.push(run);
    const stop = async (): Promise<void> => {
      run.stopped = true;
    };
    return { place: plugin.place, ended, stop };
  }
}

async function supervised(some: Partial<SupervisorOptions> = {}, source = new Source()) {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const changes: unknown[] = [];
  const changed = (ground: unknown): void => void changes.push(ground);
  const options = { name: 'mine', source, config: undefined, answerMs: 5_000, clock, log, changed, ...some };
  const supervisor = await Supervisor.start(options);
  supervisors.push(supervisor);
  return { supervisor, source, clock, log, changes };
}
const look = (supervisor: Supervisor) =>
  Promise.resolve().then(() => supervisor.session.attest(madeUpProcess(), false, never));

describe('a supervised plugin', () => {
  it('answers, and says how it stands', async () => {
    const { supervisor, clock } = await supervised();
    expect(await look(supervisor)).toMatchObject({ applies: true });
    await clock.advance(5_000);
    expect(supervisor.health).toEqual({ status: 'ok', text: 'a plugin serves since 5 s' });
  });

  it('keeps the daemon from starting when it does not start itself', async () => {
    const source = new Source();
    source.fails = new Failure('unavailable', 'PLUGIN_UNAVAILABLE', 'no such program');
    await expect(supervised({}, source)).rejects.toThrow('no such program');
    source.fails = undefined;
    source.set = (plugin) => {
      plugin.configure = () => ({ code: 3, details: 'no file', metadata: undefined as never });
    };
    await expect(supervised({}, source)).rejects.toMatchObject({ reason: 'PLUGIN_REFUSED' });
    expect(source.begun.every(({ stopped }) => stopped)).toBe(true);
  });

  it('I8: that ends fails looks at once, with the reason, until it is begun anew', async () => {
    const { supervisor, source, clock, log } = await supervised();
    source.begun[0]?.end('it was ended by SIGSEGV');
    await until(() => supervisor.health.status === 'fail');
    await expect(look(supervisor)).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'PLUGIN_UNAVAILABLE',
      message: 'the plugin does not run: it was ended by SIGSEGV',
    });
    await until(() => clock.pending > 0);
    expect(source.begun).toMatchObject([{ stopped: true }]);
    await clock.advance(250);
    await until(() => supervisor.health.status !== 'fail');
    expect(await look(supervisor)).toMatchObject({ applies: true });
    expect(supervisor.health).toMatchObject({ status: 'warn', text: expect.stringMatching(/begun anew 1 times/) });
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { attestor: 'mine', nextInMs: 250 } }]);
  });

  it('I1: tells of a change of everything when it ends, and when it is back: changes may have been missed', async () => {
    const { supervisor, source, clock, changes } = await supervised();
    await until(() => changes.length === 1);
    source.begun[0]?.end('it ended with status 1');
    await until(() => changes.length === 2);
    await until(() => clock.pending > 0);
    await clock.advance(250);
    await until(() => supervisor.health.status !== 'fail');
    await until(() => changes.length === 3);
    expect(changes).toEqual([undefined, undefined, undefined]);
  });

  it('is begun anew after a pause that doubles with each failure in a row', async () => {
    const { supervisor, source, clock, log } = await supervised();
    source.fails = new Failure('unavailable', 'PLUGIN_UNAVAILABLE', 'no such program');
    source.begun[0]?.end('it ended with status 1');
    const pauses: unknown[] = [];
    for (const pause of [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      await until(() => clock.pending > 0);
      pauses.push(pause);
      await clock.advance(pause);
    }
    const waited = log.lines.filter(({ message }) => message === 'plugin does not run');
    expect(waited.slice(0, pauses.length).map(({ fields }) => (fields as { nextInMs: number }).nextInMs)).toEqual(
      pauses,
    );
    expect(supervisor.health.text).toContain('no such program');
  });

  it('starts over with a short pause after it has run well for a while', async () => {
    const { supervisor, source, clock, log } = await supervised();
    for (const _ of [1, 2, 3]) {
      source.begun.at(-1)?.end('it ended with status 1');
      await until(() => supervisor.health.status === 'fail' && clock.pending > 0);
      await clock.advance(1_000);
      await until(() => supervisor.health.status !== 'fail');
    }
    await clock.advance(60_000);
    source.begun.at(-1)?.end('it ended with status 1');
    await until(() => supervisor.health.status === 'fail' && clock.pending > 0);
    expect(log.lines.map(({ fields }) => (fields as { nextInMs: number }).nextInMs)).toEqual([250, 500, 1_000, 250]);
  });

  it('A13: that comes back with other kinds is not used: entries were checked against the first', async () => {
    const { supervisor, source, clock } = await supervised();
    source.set = (plugin) => {
      plugin.configure = () => ({ kinds: [...TEAM.kinds, { name: 'uid', strength: 'STRENGTH_AUTHORITY' }] });
    };
    source.begun[0]?.end('it ended with status 1');
    await until(() => supervisor.health.status === 'fail' && clock.pending > 0);
    await clock.advance(250);
    await until(() => supervisor.health.text.includes('other kinds'));
    await expect(look(supervisor)).rejects.toThrow(/other kinds/);
  });

  it('is stopped with the daemon, also while it is down', async () => {
    const [one, other] = [await supervised(), await supervised()];
    other.source.begun[0]?.end('it ended with status 1');
    await until(() => other.clock.pending > 0);
    await Promise.all([one.supervisor.close(), other.supervisor.close()]);
    expect(one.source.begun).toMatchObject([{ stopped: true }]);
    await other.clock.advance(60_000);
    expect(other.source.begun.length).toBe(1);
    await expect(look(one.supervisor)).rejects.toThrow('the daemon stops');
  });
});
