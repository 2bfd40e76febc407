// SPDX-License-Identifier: Apache-2.0
/**
 * One container engine: what it knows of a container, remembered for as long as its events are heard, and told of when it
 * may have changed.
 */
import { AttestorError, type AttestorHealth, type Clock } from '../../src/attestation/plugin.ts';
import { EngineApi, type Weighed } from './engine-api.ts';
import { EventFeed } from './event-feed.ts';
import type { ConnectEngine } from './http.ts';
import type { ContainerRecord, ImageRecord } from './records.ts';
import { type Kept, Remembered } from './remembered.ts';
import { unlessAborted } from './timing.ts';

export interface EngineOptions {
  /** For operators: `docker`, `podman`. */
  readonly name: string;
  /** Whose word it is: root's, or the uid of a rootless engine. */
  readonly uid: number;
  readonly connect: ConnectEngine;
  readonly apiVersion?: string | undefined;
  /** A request to the engine; below the deadline of a look, so that the reason is told. */
  readonly requestMs?: number;
  readonly clock: Clock;
  readonly log: EngineLog;
}

export interface EngineLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface Known {
  readonly container: ContainerRecord;
  /** Undefined: the engine no longer has it, or names none. */
  readonly image: ImageRecord | undefined;
}

export interface Found {
  /** Undefined: the engine has no such container. */
  readonly known: Known | undefined;
  readonly remembered: boolean;
  /** A change will be told of. */
  readonly watched: boolean;
}

const REQUEST_MS = 4_000;
const COMMON = { count: 16_384, bytes: 64 << 20 };
/** Ids that the engine does not know; whoever owns a cgroup makes them up. */
const RARE = { count: 1_024, bytes: 1 << 20 };
const UNKNOWN_BYTES = 256;
/** Without events for so long, what was said is told of as out of date. */
const GRACE_MS = 1_000;

export class Engine {
  readonly name: string;
  readonly uid: number;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #api: EngineApi;
  readonly #feed: EventFeed;
  readonly #containers: Remembered<Known | undefined>;
  readonly #listeners = new Set<(containerId?: string) => void>();
  #live = false;
  /** Why its events are not heard. */
  #trouble: string | undefined = 'not asked yet';
  /** It has answered since they were lost. */
  #answers = false;
  #saidLost = false;
  #grace: { cancel(): void } | undefined;

  constructor(options: EngineOptions) {
    const { name, uid, clock, requestMs = REQUEST_MS } = options;
    this.name = name;
    this.uid = uid;
    this.#clock = clock;
    this.#log = options.log;
    this.#api = new EngineApi({ ...options, requestMs });
    this.#containers = new Remembered(
      (id) => this.#ask(id),
      { common: COMMON, rare: RARE },
      (known) => known === undefined,
    );
    this.#feed = new EventFeed({
      open: (signal) => this.#api.events(signal),
      clock,
      live: () => this.#isLive(),
      lost: (error) => this.#isLost(error),
      changed: (id) => this.#changed(id),
    });
  }

  /** Rejects with an AttestorError that names the engine, or as its connection does. */
  async find(id: string, signal: AbortSignal): Promise<Found> {
    try {
      const { value, remembered } = await unlessAborted(this.#containers.get(id), signal);
      return { known: value, remembered, watched: this.#live };
    } catch (error) {
      if (error instanceof AttestorError) throw new AttestorError(`${this.name}: ${error.message}`, error);
      throw error;
    }
  }

  /** What was remembered of it does not hold. */
  forget(id: string): void {
    this.#containers.forget(id);
  }

  /** Calls back with the container that may have changed; with none, when all may have. Returns the undo. */
  onChange(listener: (containerId?: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get health(): AttestorHealth {
    if (this.#live) return { status: 'ok', text: `${this.name}: its events are heard` };
    const text = `${this.name}: its events are not heard, so it is asked each time: ${this.#trouble}`;
    if (this.#answers) return { status: 'warn', text };
    return { status: 'fail', text: `${this.name}: callers in containers are refused: ${this.#trouble}` };
  }

  close(): void {
    this.#feed.close();
    this.#api.close();
    this.#grace?.cancel();
    this.#listeners.clear();
  }

  async #ask(id: string): Promise<Kept<Known | undefined>> {
    const container = await this.#api.container(id);
    this.#answers = true;
    if (!this.#live) this.#feed.nudge();
    if (container === undefined) return { value: undefined, bytes: UNKNOWN_BYTES };
    const image: Weighed<ImageRecord> | undefined =
      container.value.image === undefined ? undefined : await this.#api.image(container.value.image);
    const value = { container: container.value, image: image?.value };
    return { value, bytes: container.bytes + (image?.bytes ?? 0) };
  }

  #isLive(): void {
    this.#live = true;
    this.#grace?.cancel();
    this.#containers.believe(true);
    if (this.#saidLost) this.#log.info({ engine: this.name }, 'the container engine is heard again');
    this.#saidLost = false;
    // guard: I1 test/attestors/docker/events.test.ts — what happened since it was last heard is not known
    this.#tell();
  }

  #isLost(error: unknown): void {
    const wasLive = this.#live;
    this.#live = false;
    this.#answers = false;
    this.#trouble = error instanceof Error ? error.message : 'unknown';
    // guard: I1 test/attestors/docker/events.test.ts
    this.#containers.believe(false);
    if (!this.#saidLost)
      this.#log.warn({ engine: this.name, err: error }, 'the events of a container engine are not heard');
    this.#saidLost = true;
    // guard: I1 test/attestors/docker/events.test.ts — open streams do not rest for long on what nobody watches
    if (wasLive) this.#grace = this.#clock.after(GRACE_MS, () => this.#tell());
  }

  #changed(id: string): void {
    // guard: I1 test/attestors/docker/events.test.ts
    this.#containers.forget(id);
    this.#tell(id);
  }

  #tell(id?: string): void {
    for (const listener of [...this.#listeners]) listener(id);
  }
}
