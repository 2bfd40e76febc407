// SPDX-License-Identifier: Apache-2.0
/** Plugins that the daemon starts: what they are handed, who they run as, and that nobody passes for them (attack A13). */
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { attestorContract, madeUpProcess } from '../../src/attestation/contract.ts';
import type { Applies, Attestor } from '../../src/attestation/plugin.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { type CommandOptions, commandSource } from '../../src/plugins/command-plugin.ts';
import { externalAttestor } from '../../src/plugins/external-attestor.ts';
import type { PluginSource, RunningPlugin } from '../../src/plugins/supervisor.ts';
import { until } from '../support/fake-plugin.ts';
import { asRoot } from '../support/peers.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { tempDir } from '../support/temp-dir.ts';

const program = join(import.meta.dirname, 'programs/plugin.ts');
const dir = tempDir('plugins');
chmodSync(dir, 0o755);
const never = new AbortController().signal;
const ownUid = process.getuid?.() ?? 0;
const closing: (() => Promise<void>)[] = [];
let made = 0;

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Made {
  readonly source: PluginSource;
  readonly log: RecordingLogger;
  readonly parent: string;
  /** Of the latest run. */
  running(): RunningPlugin;
}

function sourceOf(behaviour = 'teams', some: Partial<CommandOptions> = {}): Made {
  const parent = join(dir, `run-${made++}`);
  const log = new RecordingLogger();
  const options = {
    name: 'mine',
    command: [process.execPath, '--no-warnings', program, behaviour],
    owner: { uid: ownUid, gid: process.getgid?.() ?? 0 },
    parent,
    ...some,
  };
  const inner = commandSource(options, { clock: systemClock, log, random: systemRandom, uid: ownUid });
  let running: RunningPlugin | undefined;
  const begin = async (): Promise<RunningPlugin> => {
    running = await inner.begin();
    return running;
  };
  return { source: { what: inner.what, begin }, log, parent, running: () => running as RunningPlugin };
}

async function attestorOf(source: PluginSource, log = new RecordingLogger()): Promise<Attestor> {
  const options = { name: 'mine', config: undefined, strength: 'authority' } as const;
  const attestor = await externalAttestor(options, source, { clock: systemClock, log, answerMs: 5_000 });
  closing.push(async () => attestor.close?.());
  return attestor;
}
const factsOf = async (attestor: Attestor) => ((await attestor.attest(madeUpProcess(), never)) as Applies).facts;

describe('a plugin that the daemon starts', () => {
  it('A13: gets nothing of the daemon’s environment, descriptors or folder', async () => {
    process.env['ASSAY_TEST_SECRET'] = 'hunter2';
    const { source } = sourceOf('show');
    const facts = await factsOf(await attestorOf(source));
    delete process.env['ASSAY_TEST_SECRET'];
    expect(facts).toMatchObject({ env: 'ASSAY_PLUGIN_NAME,ASSAY_PLUGIN_SOCKET,LANG,PATH', cwd: '/', fds: '' });
  });

  asRoot('A13: runs under a uid of its own, without groups, in a folder closed to others', async () => {
    const script = 'echo $(id -u) $(id -g) $(id -G) $(stat -c "%a %u" $(dirname $ASSAY_PLUGIN_SOCKET))';
    const { source, log } = sourceOf('', { owner: { uid: 12_345, gid: 12_346 }, command: ['/bin/sh', '-c', script] });
    const running = await source.begin();
    await running.ended;
    await until(() => log.lines.length > 0);
    expect(log.lines).toMatchObject([{ fields: { attestor: 'mine', line: '12345 12346 12346 700 12345' } }]);
    await running.stop();
  });

  it('A13: is not taken for somebody else who serves its socket', async () => {
    const { source, running } = sourceOf();
    const attestor = await attestorOf(source);
    const { place } = running();
    unlinkSync(place.path);
    const impostor = createServer().listen(place.path);
    await new Promise((resolve) => impostor.once('listening', resolve));
    const passes = await new Promise<boolean>((resolve) => {
      const socket = connect(place.path, () => {
        resolve(place.isServer(socket));
        socket.destroy();
      });
    });
    impostor.close();
    expect(passes).toBe(false);
    expect(attestor.health?.().status).toBe('ok');
  });

  it('I8: is started anew when it crashes, in a new folder, and the old one is gone', async () => {
    const { source, running, parent } = sourceOf();
    const attestor = await attestorOf(source);
    const before = dirname(running().place.path);
    expect(lstatSync(before).mode & 0o777).toBe(0o700);
    process.kill(childOf(before), 'SIGKILL');
    await until(() => attestor.health?.().status === 'fail');
    await expect(attestor.attest(madeUpProcess(), never)).rejects.toMatchObject({ reason: 'PLUGIN_UNAVAILABLE' });
    await until(() => attestor.health?.().status !== 'fail');
    expect(await attestor.attest(madeUpProcess(), never)).toMatchObject({ applies: true });
    expect(existsSync(before)).toBe(false);
    expect(readdirSync(parent).length).toBe(1);
  });

  it('is ended by force when it does not end by itself, and its folder goes with it', async () => {
    const { source, running, parent } = sourceOf('deaf');
    const attestor = await attestorOf(source);
    const pid = childOf(dirname(running().place.path));
    await attestor.close?.();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(readdirSync(parent)).toEqual([]);
  });

  it.each([
    ['ends before it serves', 'exits', /ended before it served: it ended with status 7/],
    ['refuses its configuration', 'refuses', /refuses its configuration: "no file"/],
  ])('keeps the daemon from starting when it %s', async (_what, behaviour, message) => {
    const { source, parent } = sourceOf(behaviour);
    await expect(attestorOf(source)).rejects.toThrow(message);
    expect(readdirSync(parent)).toEqual([]);
  });

  it('keeps the daemon from starting when there is no such program', async () => {
    const { source } = sourceOf('', { command: ['/nonexistent/program'] });
    await expect(attestorOf(source)).rejects.toMatchObject({
      reason: 'PLUGIN_UNAVAILABLE',
      message: 'attestors.mine: the plugin cannot be started',
    });
  });

  it('I9: has its output in the log, so much of it', async () => {
    const { source, log } = sourceOf('loud');
    const attestor = await attestorOf(source);
    const seconds = 1;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    expect(await attestor.attest(madeUpProcess(), never)).toMatchObject({ applies: true });
    const lines = log.lines.filter(({ message }) => message === 'plugin wrote');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every(({ fields }) => (fields as { line: string }).line.length <= 512)).toBe(true);
  });
});

/** The plugin, by the socket it was told to serve. */
function childOf(folder: string): number {
  const found = readdirSync('/proc').find((pid) => {
    try {
      return /^\d+$/.test(pid) && environmentOf(pid).includes(`ASSAY_PLUGIN_SOCKET=${folder}/`);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error('no such plugin');
  return Number(found);
}

function environmentOf(pid: string): string {
  return readFileSync(`/proc/${pid}/environ`, 'utf8');
}

describe('an external plugin, as an attestor,', () => {
  let latest: Made;
  const cases = attestorContract({
    make: () => {
      latest = sourceOf();
      return attestorOf(latest.source);
    },
    applies: () => madeUpProcess({ uid: 1000 }),
    another: () => madeUpProcess({ uid: 1001 }),
    doesNotApply: () => madeUpProcess({ uid: 5 }),
    stuck: () => attestorOf(sourceOf('stuck').source),
    down: async () => {
      const { source, running } = sourceOf();
      const attestor = await attestorOf(source);
      process.kill(childOf(dirname(running().place.path)), 'SIGKILL');
      await until(() => attestor.health?.().status === 'fail');
      return attestor;
    },
    change: () => void process.kill(childOf(dirname(latest.running().place.path)), 'SIGUSR2'),
  });
  for (const { title, run } of cases) it(title, run);
});
