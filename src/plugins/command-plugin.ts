// SPDX-License-Identifier: Apache-2.0
/**
 * A plugin that the daemon starts: a child with a clean environment, under a uid of its own where the configuration says so.
 * It serves a socket in a folder that is made for this run; what counts is that the kernel names this very child as the
 * one that listens (attack A13).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../attestation/plugin.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import { OwnChild } from '../peer/served-by.ts';
import type { Logger } from '../telemetry/logger.ts';
import { makePluginFolder, type PluginFolder } from './plugin-folder.ts';
import { logOutput } from './plugin-output.ts';
import type { PluginPlace } from './session.ts';
import type { PluginSource, RunningPlugin } from './supervisor.ts';

export interface CommandOptions {
  readonly name: string;
  readonly command: readonly string[];
  /** Whom it runs as. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** `sockets.plugin_dir`. */
  readonly parent: string;
}

export interface CommandTools {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** The daemon's. */
  readonly uid: number;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Between the request to end and the end by force. */
const GRACE_MS = 2_000;
/** For the last of its output. */
const OUTPUT_MS = 1_000;

export function commandSource(options: CommandOptions, tools: CommandTools): PluginSource {
  const { uid } = options.owner;
  return {
    what: `${options.command[0]} as uid ${uid}`,
    begin: async () =>
      new CommandPlugin(options, tools, makePluginFolder({ ...options, ownUid: tools.uid, random: tools.random })),
  };
}

class CommandPlugin implements RunningPlugin {
  readonly place: PluginPlace;
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #own: OwnChild;
  readonly #folder: PluginFolder;
  readonly #clock: Clock;

  constructor({ name, command, owner }: CommandOptions, tools: CommandTools, folder: PluginFolder) {
    this.#folder = folder;
    this.#clock = tools.clock;
    this.#child = spawn(command[0] as string, command.slice(1), {
      cwd: '/',
      // guard: A13 test/plugins/command-plugin.test.ts — nothing of the daemon's: no secrets, no options, no preloads
      env: { PATH, LANG: 'C.UTF-8', ASSAY_PLUGIN_NAME: name, ASSAY_PLUGIN_SOCKET: folder.socket },
      // guard: A13 test/plugins/command-plugin.test.ts
      ...(owner.uid === tools.uid ? {} : owner),
      // Its standard input ends with the daemon, however that ends.
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.ended = endOf(this.#child);
    const { pid } = this.#child;
    if (pid === undefined) {
      folder.remove();
      throw new Failure('unavailable', 'PLUGIN_UNAVAILABLE', 'the plugin cannot be started', {
        hint: 'check that the command may be run by its uid',
      });
    }
    this.#own = ownChild(this.#child, pid);
    this.#child.stdin?.on('error', () => undefined);
    logOutput(name, [this.#child.stdout, this.#child.stderr] as Readable[], tools.log, tools.clock);
    this.place = {
      path: folder.socket,
      isServer: (socket) => this.#own.servesSocket(socket),
      isPidfdServer: (fd) => this.#own.serves(fd),
    };
  }

  async stop(): Promise<void> {
    this.#signal('SIGTERM');
    const timer = this.#clock.after(GRACE_MS, () => this.#signal('SIGKILL'));
    await this.ended;
    timer.cancel();
    this.#own.close();
    this.#folder.remove();
    // What it started may hold its output open for ever; what it wrote itself is read by then.
    this.#clock.after(OUTPUT_MS, () => {
      for (const stream of this.#child.stdio) stream?.destroy();
    });
  }

  /** To all that it started, too, as far as they stayed in its session. Only while the number is its own. */
  #signal(signal: NodeJS.Signals): void {
    if (!this.#own.alive) return;
    try {
      process.kill(-this.#own.pid, signal);
    } catch {}
  }
}

function ownChild(child: ChildProcess, pid: number): OwnChild {
  try {
    return new OwnChild(pid);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(`it cannot be started (${error.code ?? 'unknown error'})`),
    );
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `it ended with status ${code}` : `it was ended by ${signal}`),
    );
  });
}
