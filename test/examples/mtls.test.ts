// SPDX-License-Identifier: Apache-2.0
/** `npm run quickstart`, as a newcomer starts it and as they stop it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

const top = join(import.meta.dirname, '../..');
const TOO_LONG_MS = 150_000;

class Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';
  readonly #wakers = new Set<() => void>();

  constructor(...flags: readonly string[]) {
    this.child = spawn('npm', ['run', '--silent', 'quickstart', '--', ...flags], { cwd: top, detached: true });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        for (const wake of this.#wakers) wake();
      });
    }
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (this.child.exitCode !== null) throw new Error(`ended without ${pattern}:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#wakers.add(resolve);
        this.child.once('close', () => resolve());
      });
    }
  }

  /** For a test that failed: ends what still runs. */
  async sweep(): Promise<void> {
    try {
      process.kill(-(this.child.pid as number), 'SIGINT');
    } catch {
      return;
    }
    await this.gone();
  }

  /** Until no process of this run is there any more. */
  async gone(): Promise<void> {
    const { folder } = this;
    while (existsSync(folder) || processesWith(folder).length > 0)
      await new Promise((resolve) => setTimeout(resolve, 50));
  }

  get folder(): string {
    return /\/\S+\/assay-qs-\w+/.exec(this.output)?.[0] ?? 'no folder was named';
  }

  /** The lines of one program. */
  of(who: string): string[] {
    return this.output.split('\n').filter((line) => line.startsWith(`   ${who} `));
  }
}

/** Command lines of running processes that mention this text. */
function processesWith(text: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      return line.includes(text) ? [line] : [];
    } catch {
      return [];
    }
  });
}

function expectNothingLeft(run: Run): void {
  expect(run.folder).toMatch(/assay-qs/);
  expect(existsSync(run.folder)).toBe(false);
  expect(processesWith(run.folder)).toEqual([]);
}

/** As root the other way of telling services apart runs as well. */
const ways = process.getuid?.() === 0 ? [['by uid'], ['by program', '--one-uid']] : [['by program']];

/** Started together, since each spends its time waiting for a rotation. */
const runs = new Map<string, Run>();
beforeAll(() => {
  for (const [way = '', ...flags] of ways) runs.set(way, new Run(...flags));
});

describe.each(ways)('the quickstart, telling services apart %s', (way, ...flags) => {
  let run: Run;
  let code: number | null;
  beforeAll(async () => {
    run = runs.get(way) as Run;
    code = await run.ended;
  }, TOO_LONG_MS);
  afterAll(() => run.sweep(), TOO_LONG_MS);

  const pairs = (kind: string): string[] =>
    run
      .of('orders')
      .flatMap((line) => new RegExp(`${kind} connection +(orders \\w+ <-> billing \\w+)  200`).exec(line)?.[1] ?? []);
  const serials = (side: string): Set<string> =>
    new Set(pairs('new').map((pair) => new RegExp(`${side} (\\w+)`).exec(pair)?.[1] ?? ''));

  it('ends by itself, without a failure', () => {
    expect([code, run.output]).toEqual([0, expect.not.stringContaining('FAILED')]);
  });

  it('shows a rotation on both sides to new connections', () => {
    expect(serials('orders').size).toBeGreaterThanOrEqual(2);
    expect(serials('billing').size).toBeGreaterThanOrEqual(2);
  });

  it('keeps one connection alive throughout', () => {
    expect(new Set(pairs('kept')).size).toBe(1);
    expect(pairs('kept')[0]).toBe(pairs('new')[0]);
    expect(pairs('kept').length).toBe(pairs('new').length);
  });

  it('refuses the intruder, twice, and says why', () => {
    const lines = run.of('intruder').join('\n');
    expect(lines).toContain('refused: no identity issued: no registration entry describes this process');
    expect(lines).toContain('refused: billing hung up before a byte of the request was read');
    expect(run.of('billing').join('\n')).toContain('it presented no certificate, so it has no identity here');
  });

  it('says what it stands on', () => {
    if (flags.length === 0 && process.getuid?.() === 0) expect(run.output).toContain('the kernel vouches for it');
    else expect(run.output).toContain('no security boundary');
  });

  it('shows each command, and the shown ones are enough', () => {
    expect(run.output.match(/\$ bin\/assay (run|entry create)/g)).toEqual([
      '$ bin/assay run',
      '$ bin/assay entry create',
      '$ bin/assay entry create',
    ]);
  });

  it('leaves nothing behind', () => expectNothingLeft(run));
});

describe('the quickstart, stopped', () => {
  let run: Run;
  afterEach(() => run.sweep(), TOO_LONG_MS);

  it.each([
    ['by Ctrl-C, which the whole foreground group gets', 'SIGINT', -1],
    ['by SIGTERM to npm', 'SIGTERM', 1],
  ] as const)(
    '%s, leaves nothing behind',
    async (_how, signal, direction) => {
      run = new Run('--stay');
      await run.until(/kept connection .* 200/);
      expect(processesWith(run.folder).length).toBeGreaterThanOrEqual(3);
      process.kill(direction * (run.child.pid as number), signal);
      await run.gone();
      await run.ended;
      expect(run.output).toContain('nothing is left behind');
    },
    TOO_LONG_MS,
  );

  it(
    'when its reader goes away, leaves nothing behind',
    async () => {
      run = new Run('--stay');
      await run.until(/kept connection .* 200/);
      run.child.stdout?.destroy();
      await run.gone();
    },
    TOO_LONG_MS,
  );

  it('says what it takes when asked', async () => {
    run = new Run('--help');
    expect(await run.ended).toBe(0);
    expect(run.output).toContain('--stay');
  });
});
