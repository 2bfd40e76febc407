// SPDX-License-Identifier: Apache-2.0
/** What is done after the files of an output have changed. */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type RunningCommand, runCommand } from './command.ts';
import { Notice, type NoticeStatus } from './notice.ts';
import { signalByPidFile } from './pid-file.ts';
import type { Output } from './settings.ts';

export interface ActionTools {
  readonly clock: Clock;
  readonly log: Logger;
  readonly uid: number;
  readonly env: NodeJS.ProcessEnv;
}

export class OutputActions {
  readonly #notices: Notice[] = [];
  #command: RunningCommand | undefined;

  constructor({ name, actions }: Output, { clock, log, uid, env }: ActionTools) {
    const { signal, run } = actions;
    if (signal !== undefined)
      this.#notices.push(new Notice({ name: `${name}/signal`, tell: () => signalByPidFile(signal, uid), clock, log }));
    if (run !== undefined) {
      const tell = async (): Promise<void> => {
        this.#command = runCommand(run, env, clock);
        await this.#command.ended.finally(() => {
          this.#command = undefined;
        });
      };
      this.#notices.push(new Notice({ name: `${name}/run`, tell, clock, log }));
    }
  }

  changed(): void {
    for (const notice of this.#notices) notice.changed();
  }

  status(): readonly NoticeStatus[] {
    return this.#notices.map((notice) => notice.status());
  }

  /** A command that still runs is asked to end. */
  async close(): Promise<void> {
    this.#command?.stop();
    await Promise.all(this.#notices.map((notice) => notice.close()));
  }
}
