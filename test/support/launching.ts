// SPDX-License-Identifier: Apache-2.0
/** Launches made in the room that watches them, without the launcher's command: a caller is bound, and told to exec. */
import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { splitDevice } from '../../src/lib/device-number.ts';
import type { AnnouncedProgram, LaunchFacts, LaunchTerms, NotLaunched } from '../../src/peer/launch-terms.ts';
import type { BoundLaunch } from '../../src/peer/launches.ts';
import type { ProcessHandle } from '../../src/peer/process-handle.ts';
import type { LineProgram } from './line-program.ts';
import type { Accepted, PeerBench } from './peers.ts';

export const SPIFFE_ID = 'spiffe://example.org/launched';

const never = new AbortController().signal;

/** What a launcher would say that it becomes. */
export function announce(file: string, args: readonly string[]): AnnouncedProgram {
  const { dev, ino } = statSync(realpathSync(file), { bigint: true });
  const argumentsSha256 = createHash('sha256')
    .update(args.map((arg) => `${arg}\0`).join(''))
    .digest('hex');
  const { major, minor } = splitDevice(dev);
  return { deviceMajor: major, deviceMinor: minor, inode: ino, argumentsSha256 };
}

export function terms(change: Partial<LaunchTerms> = {}): LaunchTerms {
  return {
    spiffeId: SPIFFE_ID,
    allowExec: false,
    allowUidChange: false,
    children: false,
    programs: undefined,
    announced: undefined,
    ...change,
  };
}

/**
 * The program that `caller` becomes by `command` says that it is ready, and connects; as any client, it connects again
 * when its connection is closed because somebody found out only then what it has become.
 */
export async function becomes(bench: PeerBench, caller: LineProgram, command: string): Promise<Accepted> {
  caller.say(command);
  await caller.heard('ready');
  for (;;) {
    const accepted = await bench.connect(caller);
    await launchOf(bench, accepted.peer.process).catch(() => undefined);
    if (accepted.peer.process.stillSame().same) return accepted;
  }
}

export function launchOf(bench: PeerBench, process: ProcessHandle): Promise<LaunchFacts | NotLaunched> {
  return bench.platform.launches.launchOf(process, never);
}

/** Undefined where it is no launch. */
export async function idOf(bench: PeerBench, process: ProcessHandle): Promise<string | undefined> {
  const found = await launchOf(bench, process);
  return 'spiffeId' in found ? found.spiffeId : undefined;
}

/** Settles when this launch begins, changes or ends; ask before causing it. */
export function told(bench: PeerBench, { id }: BoundLaunch, timeoutMs = 10_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing was told of the launch')), timeoutMs);
    const undo = bench.platform.launches.onChange((changed) => {
      if (changed !== id) return;
      clearTimeout(timer);
      undo();
      resolve();
    });
  });
}
