// SPDX-License-Identifier: Apache-2.0
/** What surrounds a caller: the names of its environment and who sits at it, of real processes that hide it (attack C5). */
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { backgroundOf, readEnvironment } from '../../src/peer/background.ts';
import { type Background, BackgroundLooks } from '../../src/peer/background-looks.ts';
import { FileHelper } from '../../src/peer/file-helper-process.ts';
import type { FileAnswer } from '../../src/peer/file-jobs.ts';
import { isDumpable, setDumpable } from '../../src/peer/native.ts';
import { readByNumber } from '../../src/peer/proc-look.ts';
import type { LineProgram } from '../support/line-program.ts';
import { asRoot, compile, leaveWithChild, PeerBench, withGcc } from '../support/peers.ts';

const now = new AbortController().signal;
const SECRET = 'hunter2-and-more';

async function look(bench: PeerBench, caller: LineProgram): Promise<Background> {
  const { peer } = await bench.connect(caller);
  return bench.platform.background.look(peer.process, now);
}

/** `env -i NAME=value … COMMAND` */
const withOnly = (...variables: readonly string[]): readonly string[] => ['env', '-i', ...variables];

async function environmentOf(...variables: readonly string[]): Promise<Background['environment']> {
  const bench = await PeerBench.open();
  return (await look(bench, await bench.caller({ wrap: withOnly(...variables) }))).environment;
}

async function environmentAfter(how: string, ...variables: readonly string[]): Promise<Background['environment']> {
  const bench = await PeerBench.open();
  const program = compile('environ.c', bench.folder);
  const caller = await bench.start('env', ['-i', ...variables, program, how]);
  return (await look(bench, caller)).environment;
}

describe('the environment of a caller', () => {
  it('C5, I10: tells the names of secrets, and not what they hold', async () => {
    const environment = await environmentOf('PATH=/bin', `STRIPE_API_KEY=${SECRET}`, `AWS_SECRET_ACCESS_KEY=${SECRET}`);
    expect(environment).toEqual({ outcome: 'found', names: ['AWS_SECRET_ACCESS_KEY', 'STRIPE_API_KEY'] });
    expect(JSON.stringify(environment)).not.toContain('hunter2');
  });

  it('C5: has none to be seen', async () => {
    expect(await environmentOf('PATH=/bin', 'HOME=/root', 'PUBLIC_KEY=x')).toEqual({ outcome: 'none-seen' });
  });

  withGcc('C5: stays as it was where its owner leaves it alone', async () => {
    expect(await environmentAfter('keep', 'PATH=/bin', 'DB_PASSWORD=x')).toEqual({
      outcome: 'found',
      names: ['DB_PASSWORD'],
    });
  });

  withGcc.each([
    ['wipe', ['PATH=/bin', `DB_PASSWORD=${SECRET}`], 'it was written over'],
    ['wipe-first', [`DB_PASSWORD=${SECRET}`, 'PATH=/bin'], 'it was written over'],
    ['title', [`DB_PASSWORD=${SECRET}`], 'it was written over'],
    [
      'hide',
      [`A=${'a'.repeat(9_000)}`, `HIDDEN_API_KEY=${SECRET}`, `Z=${'z'.repeat(9_000)}`],
      'a part of it reads empty',
    ],
    ['keep', [], 'it reads empty'],
  ])('C5: is unreadable, and not empty, where its owner does this to it: %s', async (how, variables, reason) => {
    expect(await environmentAfter(how, ...variables)).toEqual({ outcome: 'unreadable', reason });
  });

  withGcc('C5: is read around a page that its owner took away', async () => {
    const around = [
      `A=${'a'.repeat(5_000)}`,
      `HIDDEN_API_KEY=${SECRET}`,
      `Z=${'z'.repeat(9_000)}`,
      `DB_PASSWORD=${SECRET}`,
    ];
    expect(await environmentAfter('hide', ...around)).toEqual({ outcome: 'found', names: ['DB_PASSWORD'] });
  });

  it('A11: is read to a ceiling', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller({ wrap: withOnly(`A=${'a'.repeat(90_000)}`, 'LATER_API_KEY=x') });
    const read = (mostBytes: number) => readByNumber(caller.pid, (folder) => readEnvironment(folder, mostBytes));
    expect(read(8_192)).toEqual({ outcome: 'unreadable', reason: 'it is longer than 8192 bytes' });
    expect(read(100_000)).toEqual({ outcome: 'found', names: ['LATER_API_KEY'] });
  });
});

describe('the helper that reads it', () => {
  asRoot('I10: keeps no value in its memory', async () => {
    const bench = await PeerBench.open();
    const mark = `v${Math.random().toString(36).slice(2)}${process.pid}q`;
    const caller = await bench.caller({ wrap: withOnly('PATH=/bin', `SOME_TOKEN=${mark}`) });
    const helper = new FileHelper(() => undefined);
    try {
      // More than once: what was left behind could have been overwritten by chance.
      for (let time = 0; time < 10; time += 1) {
        const answer = (await helper.ask({ kind: 'background', pid: caller.pid })) as FileAnswer & Background;
        expect(answer.environment).toEqual({ outcome: 'found', names: ['SOME_TOKEN'] });
      }
      const pid = helperPid();
      expect(memoryHolds(caller.pid, mark)).toBe(true);
      expect(memoryHolds(pid, mark)).toBe(false);
    } finally {
      helper.kill();
      await helper.gone();
    }
  });
});

describe('whoever reads it', () => {
  it('I10: leaves no core, and lets nobody of its uid see its memory', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    // Another test of this process may have changed its uid, which switches dumps off for good.
    setDumpable(true);
    expect(isDumpable()).toBe(true);
    try {
      expect(backgroundOf({ kind: 'background', pid: caller.pid }).kind).toBe('background');
      expect(isDumpable()).toBe(false);
    } finally {
      setDumpable(true);
    }
  });
});

describe('the helper of detectors', () => {
  it('is there from the start where it is wanted, and stands back behind that of whoever wants an identity', async () => {
    const before = new Set(helperPids());
    await PeerBench.open({ background: true });
    const started = helperPids().filter((pid) => !before.has(pid));
    expect(started.map((pid) => getPriority(pid)).sort((a, b) => a - b)).toEqual([getPriority(), getPriority() + 10]);
  });

  it('is not there where it is not wanted', async () => {
    const before = new Set(helperPids());
    await PeerBench.open();
    expect(helperPids().filter((pid) => !before.has(pid))).toHaveLength(1);
  });
});

describe('a look', () => {
  it('A4: of a process that has gone is refused', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    await caller.end();
    await expect(bench.platform.background.look(peer.process, now)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
  });

  it('A4: is refused of a process that went while it was looked at', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    await leaveWithChild(caller);
    const run = async () => {
      const answer = backgroundOf({ kind: 'background', pid: caller.pid });
      caller.child.kill('SIGKILL');
      await bench.until(() => !peer.process.stillSame().same);
      return answer;
    };
    try {
      const looks = new BackgroundLooks({ run }, () => peer.process as never);
      await expect(looks.look(peer.process, now)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    } finally {
      setDumpable(true);
    }
  });

  it('A5: is refused of another image than the one that connected', async () => {
    const bench = await PeerBench.open();
    const [one, two] = [await bench.caller(), await bench.caller()];
    const { peer } = await bench.connect(one);
    const looks = new BackgroundLooks(
      { run: async () => backgroundOf({ kind: 'background', pid: two.pid }) },
      () => peer.process as never,
    );
    try {
      await expect(looks.look(peer.process, now)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    } finally {
      setDumpable(true);
    }
  });

  it('is taken once of an image', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller({ wrap: withOnly('PATH=/bin') });
    const { peer } = await bench.connect(caller);
    const first = await bench.platform.background.look(peer.process, now);
    expect(await bench.platform.background.look(peer.process, now)).toBe(first);
  });
});

describe('who sits at a caller', () => {
  const onTerminal = async (command: readonly string[]): Promise<Background['terminal']> => {
    const bench = await PeerBench.open();
    const caller = await bench.start('script', ['-qec', command.join(' '), '/dev/null']);
    return (await look(bench, caller)).terminal;
  };
  const program = (bench: string): string => `${process.execPath} --no-warnings ${bench}`;
  const callerFile = `${import.meta.dirname}/programs/caller.ts`;

  it('is nobody where there is no terminal', async () => {
    const bench = await PeerBench.open();
    expect((await look(bench, await bench.caller({ wrap: ['setsid', '-w'] }))).terminal).toEqual({
      attached: false,
      login: undefined,
    });
  });

  it('is a terminal', async () => {
    expect(await onTerminal([program(callerFile)])).toMatchObject({ attached: true });
  });

  it('NHI10: is somebody in a login shell', async () => {
    const inner = `"${program(callerFile)}; true"`;
    expect(await onTerminal([`bash -c 'exec -a -bash bash -c ${inner}'`])).toEqual({ attached: true, login: '-bash' });
  });
});

asRoot('a caller of another uid is looked at as well', async () => {
  const bench = await PeerBench.open();
  const caller = await bench.caller({ uid: 4321, wrap: withOnly('PATH=/bin', 'API_TOKEN=x') });
  expect((await look(bench, caller)).environment).toEqual({ outcome: 'found', names: ['API_TOKEN'] });
});

/** The newest. */
function helperPid(): number {
  return Math.max(...helperPids());
}

/** Children of this process that run the helper. */
function helperPids(): readonly number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);
  const runs = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('file-helper');
  return children.filter((pid) => pid > 0 && runs(pid));
}

function memoryHolds(pid: number, mark: string): boolean {
  const { openSync, readSync, closeSync } = process.getBuiltinModule('node:fs');
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const row of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(row) ?? [];
      if (from === undefined || to === undefined) continue;
      const start = BigInt(`0x${from}`);
      const size = Number(BigInt(`0x${to}`) - start);
      if (size > 256 << 20) continue;
      const bytes = Buffer.alloc(size);
      try {
        readSync(memory, bytes, 0, size, start as unknown as number);
      } catch {
        continue;
      }
      if (bytes.includes(mark)) return true;
    }
    return false;
  } finally {
    closeSync(memory);
  }
}
