// SPDX-License-Identifier: Apache-2.0
/** `plain-caller.c` wherever, as whomever and as whatever a test wants it, before a daemon. */
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './c-program.ts';
import type { Daemon } from './daemon.ts';
import { LineProgram } from './line-program.ts';
import { fetchX509SvidBytes } from './request-bytes.ts';

export interface RunOptions {
  readonly uid?: number;
  readonly argv0?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Stands before the program, as the test's own uid. */
  readonly wrap?: readonly string[];
}

export class PlainCallers {
  readonly program: string;
  readonly #folder: string;
  readonly #daemon: Daemon;
  readonly #started: LineProgram[] = [];

  private constructor(folder: string, daemon: Daemon) {
    this.#folder = folder;
    this.#daemon = daemon;
    this.program = compile('plain-caller', folder, ['-static']);
  }

  /** `folder` is made readable for every uid. */
  static async prepare(folder: string, daemon: Daemon): Promise<PlainCallers> {
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'request'), await fetchX509SvidBytes());
    return new PlainCallers(folder, daemon);
  }

  /** Resolves when it runs. */
  async run(path: string, { uid, argv0, env, wrap = [] }: RunOptions = {}): Promise<LineProgram> {
    const [file = '', ...args] = [...wrap, path, this.#daemon.workloadSocket, join(this.#folder, 'request')];
    const one = new LineProgram(file, args, {
      cwd: this.#folder,
      ...(uid === undefined ? {} : { uid, gid: uid }),
      ...(argv0 === undefined ? {} : { argv0 }),
      ...(env === undefined ? {} : { env }),
    });
    this.#started.push(one);
    await one.heard('ready');
    return one;
  }

  /** The environment that makes any program this caller. */
  preloaded(): Readonly<Record<string, string>> {
    const folder = join(this.#folder, 'library');
    mkdirSync(folder, { recursive: true });
    return {
      LD_PRELOAD: compile('plain-caller', folder, ['-shared', '-fPIC', '-DPRELOADED']),
      CALLER_SOCKET: this.#daemon.workloadSocket,
      CALLER_REQUEST: join(this.#folder, 'request'),
    };
  }

  copyTo(path: string, owner: number, mode = 0o755): string {
    copyFileSync(this.program, path);
    chownSync(path, owner, owner);
    chmodSync(path, mode);
    return path;
  }

  async end(): Promise<void> {
    for (const one of this.#started.splice(0)) await one.end();
  }
}

/** The paths of the IDs that it was given, sorted. */
export async function idsOf(one: LineProgram, order = 'call'): Promise<string[]> {
  one.say(order);
  const { bytes } = await one.heard('answer', 25_000);
  const text = Buffer.from(bytes as string, 'hex').toString('latin1');
  const found = text.matchAll(/spiffe:\/\/example\.org\/([a-z]+(?:-[a-z]+)*)/g);
  return [...new Set([...found].map(([, id]) => id as string))].sort();
}
