// SPDX-License-Identifier: Apache-2.0
/** `npm run example:agent`, from a newcomer's view: every step does what it says, and nothing is left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';

const top = join(import.meta.dirname, '../..');
const TOO_LONG_MS = 180_000;
let child: ChildProcess | undefined;

afterEach(() => {
  try {
    process.kill(-(child?.pid as number), 'SIGKILL');
  } catch {
    // It has ended.
  }
});

async function story(): Promise<{ readonly code: number | null; readonly output: string }> {
  const run = spawn('npm', ['run', '--silent', 'example:agent'], { cwd: top, detached: true });
  child = run;
  let output = '';
  for (const stream of [run.stdout, run.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const code = await new Promise<number | null>((resolve) => run.once('close', resolve));
  return { code, output };
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

it(
  'an agent reads, waits for a human, is refused, is killed, and leaves evidence',
  async () => {
    const { code, output } = await story();
    expect({ code, output }).toMatchObject({ code: 0 });
    const lines = output.split('\n').map((line) => line.trim());
    const inOrder = [
      /^agent +GET \/tickets\/4711: 200 ticket 4711/,
      /^agent +PUT \/tickets\/4711: 403 the task did not declare crm:write$/,
      /^agent +assay: task \S+ was denied: no permit matched$/,
      /intent-mismatch/,
      /^agent +assay: task \S+ waits for 1 person with a key/,
      /^agent +POST \/refunds\/7: 200 order 7 is refunded$/,
      /^agent +after \d+ answers my connection was cut$/,
      /^agent +and there is no other: /,
      /^state +ended \(abandoned\)/,
      /approve by alice with ssh-ed25519 .*"the parcel is lost"/,
      /^given: 2 as .* 2 taken back before their end$/,
      /^verdict: it holds$/,
    ];
    let from = 0;
    for (const pattern of inOrder) {
      const at = lines.findIndex((line, place) => place >= from && pattern.test(line));
      expect([pattern, at]).toEqual([pattern, expect.any(Number)]);
      expect([pattern, at >= 0, output]).toEqual([pattern, true, output]);
      from = at + 1;
    }
    // Before the human had signed, nothing was refunded.
    const signed = lines.findIndex((line) => line.startsWith('$ bin/assay approve '));
    const refunded = lines.findIndex((line) => /^desk +POST \/refunds\/7 .*200/.test(line));
    expect(signed).toBeGreaterThan(0);
    expect(refunded).toBeGreaterThan(signed);
    const folder = /\/\S+\/assay-qs-\w+/.exec(output)?.[0] ?? 'no folder was named';
    for (let tries = 0; tries < 100 && processesWith(folder).length > 0; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(processesWith(folder)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  },
  TOO_LONG_MS,
);
