// SPDX-License-Identifier: Apache-2.0
/**
 * The daemon's side of `background.ts`: once for each image of a process, in helpers apart from those that whoever wants an
 * identity waits for, proven as every look is (attack A4).
 */
import type { Environment, Terminal } from './background.ts';
import type { Baseline } from './baseline.ts';
import { difference } from './baseline.ts';
import { ceilingSubject } from './ceilings.ts';
import type { FileReader } from './file-jobs.ts';
import { processGone, type TrackedProcess } from './process.ts';
import type { ProcessHandle } from './process-handle.ts';
import type { FileIdentity } from './statx.ts';
import { lookFailed } from './unanswered.ts';

export interface Background {
  readonly environment: Environment;
  readonly terminal: Terminal;
  /** Undefined where the daemon may not look. */
  readonly executable: FileIdentity | undefined;
}

/** Images remembered, so that whoever connects again and again is looked at once. */
const REMEMBERED = 4_096;

export class BackgroundLooks {
  readonly #helpers: FileReader;
  readonly #trackedOf: (process: ProcessHandle) => TrackedProcess | undefined;
  readonly #known = new Map<string, Background>();

  constructor(helpers: FileReader, trackedOf: (process: ProcessHandle) => TrackedProcess | undefined) {
    this.#helpers = helpers;
    this.#trackedOf = trackedOf;
  }

  /** Rejects with Failure `PROCESS_GONE`, `LOOK_QUEUE_FULL`, or `CALLER_UNREADABLE` where it holds up whoever looks. */
  async look(process: ProcessHandle, signal: AbortSignal): Promise<Background> {
    const tracked = this.#trackedOf(process);
    const first = tracked?.baseline;
    if (tracked === undefined || first === undefined) throw processGone('connection closed');
    const image = imageOf(tracked.pid, first);
    const known = this.#known.get(image);
    if (known !== undefined) return known;
    const answer = await this.#helpers.run(ceilingSubject(process), { kind: 'background', pid: process.pid }, signal);
    if (answer.kind === 'gone') throw processGone('exited');
    if (answer.kind !== 'background') throw lookFailed(answer);
    // guard: A4 test/peer/background.test.ts — the number may be another process's by now, or the image another
    tracked.checkAlive();
    const changed = difference(first, answer.baseline);
    // guard: A5 test/peer/background.test.ts
    if (changed !== undefined) throw processGone(changed);
    const { environment, terminal } = answer;
    return this.#remember(image, { environment, terminal, executable: answer.baseline.exe });
  }

  #remember(image: string, background: Background): Background {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(image, background);
    return background;
  }
}

/** Where the kernel laid it out is part of it: an exec keeps number and start time. */
function imageOf(pid: number, { startTime, layout, exe }: Baseline): string {
  return `${pid} ${startTime} ${layout} ${exe?.device} ${exe?.inode}`;
}
