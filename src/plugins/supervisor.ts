// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps one plugin running: starts it, configures it, and when it ends or hangs starts it anew after a pause that grows
 * with each failure in a row. While there is none, looks fail at once and say since when and why.
 */
import type { AttestorHealth, Clock, Timer } from '../attestation/plugin.ts';
import { Failure } from '../lib/failure.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type PluginPlace, PluginSession } from './session.ts';
import type { Configured } from './wire.ts';

/** A plugin that runs now. */
export interface RunningPlugin {
  readonly place: PluginPlace;
  /** Resolves with the reason, in words, when it has ended. */
  readonly ended: Promise<string>;
  /** Idempotent. Resolves when it is gone. */
  stop(): Promise<void>;
}

export interface PluginSource {
  /** In words, for doctor. */
  readonly what: string;
  /** Starts it, or finds it. Rejects with a Failure. */
  begin(): Promise<RunningPlugin>;
}

export interface SupervisorOptions {
  readonly name: string;
  readonly source: PluginSource;
  readonly config: unknown;
  readonly answerMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly changed: (ground: unknown) => void;
}

/** Time from its start to its answer to Configure. */
const START_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** One that ran for so long has not failed again. */
const WELL_AFTER_MS = 60_000;

type State =
  | { readonly kind: 'running'; readonly session: PluginSession; readonly since: number }
  | { readonly kind: 'down'; readonly why: string };

export class Supervisor {
  readonly #options: SupervisorOptions;
  #state: State = { kind: 'down', why: 'it has not been started yet' };
  #running: RunningPlugin | undefined;
  #declared: string | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #restarts = 0;
  #pause: { readonly timer: Timer; readonly over: () => void } | undefined;
  #closed = false;
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** With the first start done. Rejects with its Failure: a daemon does not start without its attestors. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(options);
    try {
      const session = await supervisor.#begin();
      supervisor.#loop = supervisor.#supervise(session);
      return supervisor;
    } catch (error) {
      await supervisor.close();
      throw error;
    }
  }

  /** Throws Failure `PLUGIN_UNAVAILABLE` while there is none. */
  get session(): PluginSession {
    if (this.#state.kind === 'running') return this.#state.session;
    throw new Failure('unavailable', 'PLUGIN_UNAVAILABLE', `the plugin does not run: ${this.#state.why}`, {
      field: `attestors.${this.#options.name}`,
      hint: 'assay doctor; look at its output in the log',
    });
  }

  get health(): AttestorHealth {
    const { source, clock } = this.#options;
    if (this.#state.kind === 'down') {
      const text = `${source.what} does not run: ${this.#state.why}`;
      return { status: 'fail', text, hint: 'look at its output in the log' };
    }
    const seconds = Math.floor((clock.monotonic() - this.#state.since) / 1_000);
    const again = this.#restarts === 0 ? '' : `, begun anew ${this.#restarts} times`;
    return {
      status: seconds * 1_000 < WELL_AFTER_MS && this.#restarts > 0 ? 'warn' : 'ok',
      text: `${source.what} serves since ${seconds} s${again}`,
    };
  }

  /** Idempotent. Resolves when the plugin is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pause?.timer.cancel();
    this.#pause?.over();
    await this.#end('the daemon stops');
    await this.#loop;
  }

  async #supervise(first: PluginSession): Promise<void> {
    let session: PluginSession | undefined = first;
    while (!this.#closed) {
      if (session !== undefined) await this.#whileItRuns(session);
      if (this.#closed) return;
      await this.#rest();
      if (this.#closed) return;
      session = await this.#begin().catch((error: unknown) => this.#failed(error));
    }
  }

  async #begin(): Promise<PluginSession> {
    const { source, name, config, answerMs, clock, changed } = this.#options;
    const running = await source.begin();
    this.#running = running;
    if (this.#closed) throw new Failure('unavailable', 'PLUGIN_UNAVAILABLE', 'the daemon stops');
    const opening = PluginSession.open({
      name,
      place: running.place,
      config,
      startMs: START_MS,
      answerMs,
      clock,
      changed,
    });
    const early = running.ended.then((why) => {
      throw new Failure('unavailable', 'PLUGIN_UNAVAILABLE', `the plugin ended before it served: ${why}`);
    });
    early.catch(() => undefined);
    // One that opens after all, when its process is gone already, is closed.
    opening.then((session) => void running.ended.then(() => session.close())).catch(() => undefined);
    const session = await Promise.race([opening, early]);
    this.#keepDeclared(session);
    this.#state = { kind: 'running', session, since: clock.monotonic() };
    return session;
  }

  async #whileItRuns(session: PluginSession): Promise<void> {
    const { clock, changed } = this.#options;
    // What was changed while nobody was there to tell.
    changed(undefined);
    const began = clock.monotonic();
    const why = await Promise.race([session.ended, this.#running?.ended ?? 'it was never started']);
    if (this.#closed) return;
    if (clock.monotonic() - began >= WELL_AFTER_MS) this.#pauseMs = FIRST_PAUSE_MS;
    await this.#end(why);
    // Nothing more is sent on the word of a plugin that is gone: whoever rests on it is looked at again.
    changed(undefined);
  }

  async #end(why: string): Promise<void> {
    if (this.#state.kind === 'running') this.#state.session.close();
    this.#state = { kind: 'down', why };
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
  }

  async #failed(error: unknown): Promise<undefined> {
    await this.#end(error instanceof Failure ? error.message : 'it could not be started');
    if (!this.#closed) this.#options.log.warn({ attestor: this.#options.name, err: error }, 'plugin failed to start');
    return undefined;
  }

  /** Kinds that entries were checked against stay what they were. */
  #keepDeclared(session: PluginSession): void {
    const declared = shown(session.configured);
    this.#declared ??= declared;
    // guard: A13 test/plugins/supervisor.test.ts
    if (declared !== this.#declared)
      throw new Failure('unavailable', 'PLUGIN_UNAVAILABLE', 'the plugin declares other kinds than before', {
        hint: 'restart the daemon',
      });
  }

  #rest(): Promise<void> {
    const { clock, log, name } = this.#options;
    const ms = this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#restarts += 1;
    const why = this.#state.kind === 'down' ? this.#state.why : '';
    log.warn({ attestor: name, why, nextInMs: ms }, 'plugin does not run');
    return new Promise((resolve) => {
      this.#pause = { timer: clock.after(ms, resolve), over: resolve };
    });
  }
}

function shown({ kinds, secretKinds, tellsChanges }: Configured): string {
  return JSON.stringify([[...kinds].sort(), [...secretKinds].sort(), tellsChanges]);
}
