// SPDX-License-Identifier: Apache-2.0
/** What a container of a test has printed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './bed.ts';
import type { Container } from './docker.ts';
import { PATIENCE_MS } from './inside-caller.ts';

export async function logOf(container: Container): Promise<string> {
  const { stdout, stderr } = await run(container.command('logs'));
  return stdout + stderr;
}

/** Resolves with all of it once that holds `wanted`; fails early when the container ends. `beside`: whose log tells why. */
export async function saysLog(container: Container, wanted: RegExp, beside?: Container): Promise<string> {
  for (const until = Date.now() + PATIENCE_MS; ; await sleep(100)) {
    const status = await container.status();
    const said = await logOf(container);
    if (wanted.test(said)) return said;
    if (status === 'running' && Date.now() < until) continue;
    const more = beside === undefined ? '' : `\nbeside it: ${(await logOf(beside)).slice(-2_048)}`;
    throw new Error(`${wanted} not in: ${said.slice(-2_048)}${more}`);
  }
}
