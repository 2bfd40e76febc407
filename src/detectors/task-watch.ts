// SPDX-License-Identifier: Apache-2.0
/** Looks at who asks for which tasks, and remembers denials for a while. Nothing is awaited; what is remembered has ceilings (I9). */
import type { Clock } from '../lib/clock.ts';
import type { Detector } from '../store/findings.ts';
import type { Found } from './rules.ts';
import { type Asked, type Denied, escalation, intentMismatch, isUndeclared, undeclaredIntents } from './task-rules.ts';

export interface TaskWatchRooms {
  readonly isOn: (detector: Detector) => boolean;
  readonly report: (found: Found) => void;
  /** How long a denial is held against the next ask. */
  readonly withinMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Identities whose denials are remembered; the one denied longest ago goes first. */
export const IDENTITIES = 1_000;
/** Denials of one. */
export const DENIALS = 4;

interface Remembered extends Denied {
  readonly at: number;
}

export class TaskWatch {
  readonly #rooms: TaskWatchRooms;
  readonly #denied = new Map<string, readonly Remembered[]>();

  constructor(rooms: TaskWatchRooms) {
    this.#rooms = rooms;
  }

  /** Identities whose denials are remembered. */
  get size(): number {
    return this.#denied.size;
  }

  asked(asked: Asked): void {
    const before = this.#recent(asked.identity);
    this.#report(escalation(asked, before));
    if (isUndeclared(asked)) {
      this.#report(intentMismatch(asked));
      this.#report(undeclaredIntents(asked));
    }
    if (asked.refused === 'denied') this.#remember(asked, before);
  }

  #recent(identity: string): readonly Remembered[] {
    const { clock, withinMs } = this.#rooms;
    const now = clock.monotonic();
    return (this.#denied.get(identity) ?? []).filter(({ at }) => now - at < withinMs);
  }

  #remember({ identity, task, intents, isHigh }: Asked, before: readonly Remembered[]): void {
    this.#denied.delete(identity);
    const [oldest] = this.#denied.keys();
    // guard: I9 test/detectors/task-watch.test.ts
    if (this.#denied.size >= IDENTITIES && oldest !== undefined) this.#denied.delete(oldest);
    const fresh = { task, intents, isHigh, at: this.#rooms.clock.monotonic() };
    this.#denied.set(identity, [...before, fresh].slice(-DENIALS));
  }

  #report(found: Found | undefined): void {
    if (found !== undefined && this.#rooms.isOn(found.detector)) this.#rooms.report(found);
  }
}
