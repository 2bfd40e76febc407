// SPDX-License-Identifier: Apache-2.0
/** The helper put together: targets for what is wanted, feeds that bring it, and what is done when something has changed. */

import { parseEndpoint } from '../client/endpoint.ts';
import type { SourceOptions, SourceStatus } from '../client/followed.ts';
import { TokenFetch } from '../client/token-fetch.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { Closers } from '../lib/closers.ts';
import { formatDuration } from '../lib/duration.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import { OutputActions } from './actions.ts';
import { BundleFeeds } from './bundle-targets.ts';
import { Child, type ChildStatus } from './child.ts';
import type { NoticeStatus } from './notice.ts';
import { programEnv } from './program-env.ts';
import { x509Names } from './render-x509.ts';
import type { HelperSettings, Output } from './settings.ts';
import { Target, type TargetStatus } from './target.ts';
import { TokenKeeper } from './token-keeper.ts';
import { followX509, hasX509 } from './x509-targets.ts';

export interface HelperTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly uid: number;
  readonly gid: number;
  readonly env: ReadonlyMap<string, string>;
  readonly acceptShared: boolean;
}

export interface FeedStatus extends SourceStatus {
  /** False: what it brings may be left out. */
  readonly needed: boolean;
}

export interface HelperStatus {
  readonly targets: readonly TargetStatus[];
  readonly feeds: readonly FeedStatus[];
  readonly actions: readonly NoticeStatus[];
  readonly child: ChildStatus | undefined;
}

/** How long one attempt at a token lasts; it is followed by others. */
const TOKEN_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 250;

export class Helper {
  readonly #settings: HelperSettings;
  readonly #tools: HelperTools;
  readonly #source: SourceOptions;
  readonly #targets: { readonly output: Output; readonly target: Target }[] = [];
  readonly #feeds: { readonly feed: { readonly status: SourceStatus }; readonly needed: boolean }[] = [];
  readonly #actions = new Map<Output, OutputActions>();
  readonly #closers = new Closers();
  readonly #child: Child | undefined;
  readonly #gone = Promise.withResolvers<number>();
  readonly #complete = Promise.withResolvers<void>();
  #started = false;
  #look: Timer | undefined;

  /** `socket`: the URI of the Workload API. */
  constructor(settings: HelperSettings, socket: string, tools: HelperTools) {
    const { clock, random, log } = tools;
    this.#settings = settings;
    this.#tools = tools;
    this.#source = { socket, clock, random, log };
    const { supervise } = settings;
    if (!settings.once) this.#addActions();
    if (!settings.once && supervise !== undefined) {
      const env = programEnv(tools.env, supervise.env);
      this.#child = new Child({ supervise, env, clock, random, log, onGone: (status) => this.#gone.resolve(status) });
    }
    this.#addX509();
    this.#addBundles();
  }

  /** Resolves with the status of a supervised program that ended for good. */
  get gone(): Promise<number> {
    return this.#gone.promise;
  }

  status(): HelperStatus {
    return {
      targets: this.#targets.map(({ target }) => target.status()),
      feeds: this.#feeds.map(({ feed, needed }) => ({ ...feed.status, needed })),
      actions: [...this.#actions.values()].flatMap((actions) => actions.status()),
      child: this.#child?.status(),
    };
  }

  /** Hands a signal on to a supervised program. */
  forward(signal: NodeJS.Signals): void {
    this.#child?.forward(signal);
  }

  /** Resolves when everything was written once; rejects with HELPER_TIMEOUT, naming what was not. `Infinity`: no timeout. */
  async written(timeoutMs: number): Promise<void> {
    if (!Number.isFinite(timeoutMs)) return this.#complete.promise;
    const timer = this.#tools.clock.after(timeoutMs, () => {
      const missing = this.status().targets.filter(({ state }) => state !== 'written');
      const words = missing.map(({ name, problem }) => `${name} (${problem ?? 'nothing came'})`);
      this.#complete.reject(
        new Failure(
          'unavailable',
          'HELPER_TIMEOUT',
          `not written within ${formatDuration(timeoutMs)}: ${words.join(', ')}`,
          { field: '--timeout', hint: 'look at the log above, or give it longer with --timeout' },
        ),
      );
    });
    this.#refuseFinal();
    await this.#complete.promise.finally(() => {
      timer.cancel();
      this.#look?.cancel();
    });
  }

  /** An answer of the Workload API that is final is not worth waiting on. */
  #refuseFinal(): void {
    const final = this.status().feeds.find(({ needed, state }) => needed && state === 'failed');
    if (final === undefined) {
      this.#look = this.#tools.clock.after(LOOK_EVERY_MS, () => this.#refuseFinal());
      return;
    }
    this.#complete.reject(
      new Failure('unavailable', 'WORKLOAD_API_REFUSED', `the Workload API refused for good: ${final.problem}`, {
        hint: 'does it offer what the configuration asks for?',
      }),
    );
  }

  /** Stops the program first, since it uses the files. Resolves with its status, 0 where there is none. */
  async stop(signal: NodeJS.Signals): Promise<number> {
    const status = (await this.#child?.stop(signal)) ?? 0;
    await this.#closers.close();
    return this.#settings.supervise?.restart === 'on-change' ? 0 : status;
  }

  #addActions(): void {
    const { clock, log, uid, env } = this.#tools;
    for (const output of this.#settings.outputs) {
      const actions = new OutputActions(output, { clock, log, uid, env: programEnv(env) });
      this.#actions.set(output, actions);
      this.#closers.add(`${output.name}'s actions`, () => actions.close());
    }
  }

  #addX509(): void {
    const { clock, random, uid, gid } = this.#tools;
    const wishes = this.#settings.outputs.filter(hasX509);
    if (wishes.length === 0) return;
    const pairs = wishes.map((output) => ({ output, target: this.#target(output, 'x509', x509Names(output.x509)) }));
    this.#follow(followX509(pairs, { source: this.#source, now: () => clock.now(), random, uid, gid }));
  }

  #addBundles(): void {
    const { outputs } = this.#settings;
    const jwt = outputs.flatMap((output) => {
      const wish = output.jwtBundle;
      return wish === undefined ? [] : [{ output, wish, target: this.#target(output, 'jwt_bundle', [wish.file]) }];
    });
    const spiffe = outputs.flatMap((output) => {
      const wish = output.spiffeBundle;
      return wish === undefined ? [] : [{ output, wish, target: this.#target(output, 'spiffe_bundle', [wish.file]) }];
    });
    const tokens = this.#addTokens();
    if (jwt.length + spiffe.length + tokens.length === 0) return;
    const feeds = new BundleFeeds(this.#source, { jwt, spiffe, tokens });
    this.#follow(feeds.jwt, jwt.length + tokens.length > 0);
    if (feeds.x509 !== undefined) this.#follow(feeds.x509);
  }

  #addTokens(): readonly TokenKeeper[] {
    const { clock, random, log } = this.#tools;
    if (this.#settings.outputs.every(({ tokens }) => tokens.length === 0)) return [];
    const endpoint = parseEndpoint(this.#source.socket);
    const fetch = new TokenFetch({ endpoint, clock, random, timeoutMs: TOKEN_TIMEOUT_MS });
    this.#closers.add('tokens', () => fetch.close());
    return this.#settings.outputs.flatMap((output) =>
      output.tokens.map((token) => {
        const target = this.#target(output, `jwt:${token.file}`, [token.file]);
        const keeper = new TokenKeeper({ output, token, target, fetch, clock, random, log });
        this.#closers.add('token', () => keeper.close());
        return keeper;
      }),
    );
  }

  #target(output: Output, what: string, names: readonly string[]): Target {
    const { clock, random, log, uid, acceptShared } = this.#tools;
    const name = `${output.name}/${what}`;
    const target = new Target({
      name,
      folder: output.folder,
      names,
      rules: { uid, acceptShared },
      clock,
      random,
      log,
      onWritten: (changed) => this.#written(output, changed),
    });
    this.#targets.push({ output, target });
    this.#closers.add(name, () => target.close());
    return target;
  }

  #follow(feed: { readonly status: SourceStatus; close(): void }, needed = true): void {
    this.#feeds.push({ feed, needed });
    this.#closers.add('feed', () => feed.close());
  }

  #written(output: Output, changed: boolean): void {
    if (changed) this.#actions.get(output)?.changed();
    this.#tellChild(output, changed);
    if (this.#targets.every(({ target }) => target.status().state === 'written')) this.#complete.resolve();
  }

  /** It starts with everything that concerns it in place, and hears of changes from then on. */
  #tellChild(output: Output, changed: boolean): void {
    const concern = this.#settings.supervise?.outputs;
    if (this.#child === undefined || concern === undefined || !concern.has(output.name)) return;
    const mine = this.#targets.filter((one) => concern.has(one.output.name));
    const ready = mine.every(({ target }) => target.status().state === 'written');
    if (!this.#started && !ready) return;
    if (this.#started && !changed) return;
    this.#started = true;
    this.#child.changed();
  }
}
