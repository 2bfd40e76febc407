// SPDX-License-Identifier: Apache-2.0
/** The helper put together: targets for what is wanted, feeds that bring it, and what is done when something has changed. */
import type { SourceOptions, SourceStatus } from '../client/followed.ts';
import type { Clock } from '../lib/clock.ts';
import { Closers } from '../lib/closers.ts';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import { x509Names } from './render-x509.ts';
import type { HelperSettings, Output } from './settings.ts';
import { Target, type TargetStatus } from './target.ts';
import { followX509, hasX509 } from './x509-targets.ts';

export interface HelperTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly uid: number;
  readonly gid: number;
  readonly acceptShared: boolean;
}

export class Helper {
  readonly #tools: HelperTools;
  readonly #targets: Target[] = [];
  readonly #feeds: { readonly status: SourceStatus }[] = [];
  readonly #closers = new Closers();

  /** `socket`: the URI of the Workload API. */
  constructor(settings: HelperSettings, socket: string, tools: HelperTools) {
    this.#tools = tools;
    const source: SourceOptions = { socket, clock: tools.clock, random: tools.random, log: tools.log };
    const pairs = settings.outputs.filter(hasX509).map((output) => ({
      output,
      target: this.#target(output, 'x509', x509Names(output.x509)),
    }));
    if (pairs.length > 0) {
      const now = (): number => tools.clock.now();
      this.#follow(followX509(pairs, { ...tools, source, now }));
    }
  }

  status(): readonly TargetStatus[] {
    return this.#targets.map((target) => target.status());
  }

  close(): Promise<void> {
    return this.#closers.close();
  }

  #target(output: Output, what: string, names: readonly string[]): Target {
    const { clock, random, log, uid, acceptShared } = this.#tools;
    const name = `${output.name}/${what}`;
    const rules = { uid, acceptShared };
    const target = new Target({
      name,
      folder: output.folder,
      names,
      rules,
      clock,
      random,
      log,
      onChanged: () => this.#changed(output),
    });
    this.#targets.push(target);
    this.#closers.add(name, () => target.close());
    return target;
  }

  #follow(feed: { readonly status: SourceStatus; close(): void }): void {
    this.#feeds.push(feed);
    this.#closers.add('feed', () => feed.close());
  }

  #changed(_output: Output): void {}
}
