// SPDX-License-Identifier: Apache-2.0
/**
 * Looks at whoever was given an identity, after it was given. One look at a time, with a pause after each, and a bounded queue:
 * what does not fit is left out and comes again with its next renewal. Nobody waits for any of it.
 */
import type { Attested } from '../attestation/attested.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Background } from '../peer/background-looks.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Grant } from '../registry/match.ts';
import type { Detector, Novelty } from '../store/findings.ts';
import type { Logger } from '../telemetry/logger.ts';
import { PacedWarnings } from '../telemetry/paced.ts';
import {
  type Found,
  humanUse,
  newBinary,
  type Program,
  programOf,
  type Subject,
  sharedCredential,
  staticSecret,
} from './rules.ts';

/** Something was given to a process, or is about to be. */
export interface Delivery {
  readonly process: ProcessHandle;
  readonly attested: Attested;
  readonly grants: readonly Grant[];
}

export interface WatchRooms {
  readonly background: { look(process: ProcessHandle, signal: AbortSignal): Promise<Background> };
  readonly binaries: { seeBinary(identity: string, binary: string, at: number): Promise<Novelty> };
  /** Processes with an open stream that rests on this entry, some of them. */
  readonly holdersOf: (entryId: string, most: number) => readonly ProcessHandle[];
  readonly isOn: (detector: Detector) => boolean;
  readonly report: (found: Found) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** 50 looks a second at most: a storm of short processes takes no processor from whoever waits for an identity. */
const PAUSE_MS = 20;
const WAITING = 1_024;
/** Other holders of an entry that a newcomer is held against. */
const HOLDERS = 64;
/** Pairs of identity and program that need no write. */
const KNOWN_BINARIES = 10_000;

/** What there is to look at in a process. */
export const WATCHED: readonly Detector[] = ['static-secret', 'human-use', 'new-binary', 'shared-credential'];

export class DetectorWatch {
  readonly #rooms: WatchRooms;
  readonly #paced: PacedWarnings;
  readonly #abort = new AbortController();
  /** Ids of entries that a process was looked at for, or is about to be. */
  readonly #seen = new WeakMap<ProcessHandle, Set<string>>();
  readonly #programs = new WeakMap<ProcessHandle, Program>();
  readonly #knownBinaries = new Set<string>();
  #waiting: Delivery[] = [];
  #running: Promise<void> | undefined;
  #timer: Timer | undefined;

  constructor(rooms: WatchRooms) {
    this.#rooms = rooms;
    this.#paced = new PacedWarnings(rooms.log, rooms.clock);
  }

  /** Synchronous and cheap; never throws. */
  delivered({ process, attested, grants }: Delivery): void {
    if (this.#abort.signal.aborted) return;
    const seen = this.#seen.get(process) ?? new Set<string>();
    const fresh = grants.filter(({ entry }) => !seen.has(entry.id));
    if (fresh.length === 0 || !WATCHED.some(this.#rooms.isOn)) return;
    // guard: I9 test/detectors/watch.test.ts
    if (this.#waiting.length >= WAITING) {
      this.#paced.warn('left out', { waiting: WAITING }, 'detectors leave out processes: too many come at once');
      return;
    }
    this.#seen.set(process, seen);
    for (const { entry } of fresh) seen.add(entry.id);
    this.#waiting.push({ process, attested, grants: fresh });
    this.#pump();
  }

  /** Nothing is looked at any more. */
  async close(): Promise<void> {
    this.#abort.abort(new Failure('unavailable', 'DAEMON_STOPPING', 'the daemon is stopping'));
    this.#waiting = [];
    this.#timer?.cancel();
    await this.#running;
  }

  #pump(): void {
    if (this.#running !== undefined || this.#timer !== undefined) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#running = this.#look(next)
      .catch((error: unknown) => this.#paced.error('failed', { err: error }, 'a detector failed'))
      .finally(() => {
        this.#running = undefined;
        if (this.#abort.signal.aborted) return;
        this.#timer = this.#rooms.clock.after(PAUSE_MS, () => {
          this.#timer = undefined;
          this.#pump();
        });
      });
  }

  async #look(delivery: Delivery): Promise<void> {
    const { process, attested, grants } = delivery;
    const background = await this.#backgroundOf(process);
    if (background === undefined) return;
    const program = programOf(attested.facts as never, background.executable);
    if (program !== undefined) this.#programs.set(process, program);
    for (const grant of grants) {
      const subject = subjectOf(process, grant);
      this.#report(staticSecret(subject, background.environment));
      this.#report(humanUse(subject, background.terminal));
      if (program === undefined) continue;
      this.#shared(subject, grant, program);
      await this.#newBinary(subject, program);
    }
  }

  /** Undefined where there is nothing to look at any more. One that holds up whoever looks is unreadable (attack C5). */
  async #backgroundOf(process: ProcessHandle): Promise<Background | undefined> {
    try {
      return await this.#rooms.background.look(process, this.#abort.signal);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // guard: C5 test/detectors/watch.test.ts
      if (error.reason === 'CALLER_UNREADABLE') return UNREADABLE;
      // Too many wait: it is looked at with its next renewal.
      if (error.reason === 'LOOK_QUEUE_FULL') this.#seen.delete(process);
      return undefined;
    }
  }

  #shared(subject: Subject, { entry }: Grant, own: Program): void {
    if (!this.#rooms.isOn('shared-credential')) return;
    for (const holder of this.#rooms.holdersOf(entry.id, HOLDERS)) {
      const other = this.#programs.get(holder);
      if (holder.pid === subject.pid || other === undefined) continue;
      const found = sharedCredential(subject, entry.id, own, { ...other, pid: holder.pid });
      if (found === undefined || !holder.stillSame().same) continue;
      this.#report(found);
      return;
    }
  }

  async #newBinary(subject: Subject, program: Program): Promise<void> {
    if (!this.#rooms.isOn('new-binary')) return;
    const pair = `${subject.identity} ${program.binary}`;
    if (this.#knownBinaries.has(pair)) return;
    const novelty = await this.#rooms.binaries.seeBinary(subject.identity, program.binary, this.#rooms.clock.now());
    if (this.#knownBinaries.size >= KNOWN_BINARIES) this.#knownBinaries.clear();
    this.#knownBinaries.add(pair);
    if (novelty === 'new') this.#report(newBinary(subject, program));
  }

  #report(found: Found | undefined): void {
    if (found !== undefined && this.#rooms.isOn(found.detector)) this.#rooms.report(found);
  }
}

const UNREADABLE: Background = {
  environment: { outcome: 'unreadable', reason: 'the process holds up whoever looks at it' },
  terminal: { attached: false, login: undefined },
  executable: undefined,
};

function subjectOf({ pid, uid }: ProcessHandle, { entry, identity }: Grant): Subject {
  return { identity: entry.spiffeId, kind: identity.kind, pid, uid };
}
