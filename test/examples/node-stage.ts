// SPDX-License-Identifier: Apache-2.0
/**
 * Where the programs of `examples/node` run: a daemon with short lives, and `billing`, `orders` and `stranger`, told apart
 * by uid as root, otherwise by the Node that each runs.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { strangers } from '../../examples/mtls/stage/cast.ts';
import { Scratch } from '../../examples/mtls/stage/scratch.ts';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';

export type Role = 'billing' | 'orders' | 'stranger';
const ROLES: readonly Role[] = ['billing', 'orders', 'stranger'];

/** A program and what it has said, on stdout and stderr. */
export class Running {
  said = '';
  /** Of its end; undefined while it runs. */
  code: number | null | undefined;
  readonly #child: ChildProcess;
  readonly #wakers = new Set<() => void>();

  constructor(command: string, args: readonly string[], options: SpawnOptions) {
    this.#child = spawn(command, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream as Readable }).on('line', (line) => {
        this.said += `${line}\n`;
        this.#wake();
      });
    }
    this.#child.on('error', (error) => {
      this.said += `${error.message}\n`;
    });
    this.#child.once('close', (code) => {
      this.code = code;
      this.#wake();
    });
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    while (this.code === undefined) await this.#change();
  }

  /** Its end, or `pattern` in what it said, whichever comes first. */
  async until(pattern: RegExp): Promise<RegExpExecArray | undefined> {
    for (;;) {
      const found = pattern.exec(this.said) ?? undefined;
      if (found !== undefined || this.code !== undefined) return found;
      await this.#change();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wakers.add(resolve));
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
    this.#wakers.clear();
  }
}

interface Player {
  readonly node: string;
  readonly uid?: number;
}

export class Stage {
  readonly #scratch: Scratch;
  readonly #daemon: Daemon;
  readonly #started: Running[] = [];
  readonly #cast = new Map<Role, Player>();
  #app = '';

  private constructor(scratch: Scratch, daemon: Daemon) {
    this.#scratch = scratch;
    this.#daemon = daemon;
  }

  /** `packages` of this checkout, and `modules`, a node_modules folder that the examples get. */
  static async set(packages: readonly string[], modules?: string): Promise<Stage> {
    const uids = strangers();
    const scratch = new Scratch(uids !== undefined);
    const stage = new Stage(
      scratch,
      await Daemon.start({ config: SHORT_LIVES }).catch((error) => {
        scratch.sweep();
        throw error;
      }),
    );
    try {
      stage.#app = scratch.copySources('examples/node', packages);
      if (modules !== undefined) stage.#bring(modules);
      await stage.#castAll(uids);
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** The folder of the examples, as their users find it after `npm ci`. */
  get folder(): string {
    return join(this.#app, 'examples/node');
  }

  /** Starts one of the examples as this role. */
  start(role: Role, script: string, port: number): Running {
    const { node, uid } = this.#cast.get(role) as Player;
    const running = new Running(node, [join(this.folder, script), String(port)], {
      cwd: this.#app,
      env: { SPIFFE_ENDPOINT_SOCKET: this.#daemon.endpoint },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    this.#started.push(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((running) => running.end()));
    await this.#daemon.close();
    this.#scratch.sweep();
  }

  #bring(modules: string): void {
    cpSync(modules, join(this.folder, 'node_modules'), { recursive: true });
  }

  async #castAll(uids: readonly number[] | undefined): Promise<void> {
    const shared = uids === undefined ? undefined : this.#scratch.copyNode('node');
    for (const [at, role] of ROLES.entries()) {
      const node = shared ?? this.#scratch.copyNode(`${role}-node`);
      const uid = uids?.[at];
      this.#cast.set(role, { node, ...(uid === undefined ? {} : { uid }) });
      const selectors =
        uid === undefined ? [`unix:uid:${process.getuid?.()}`, `unix:path:${node}`] : [`unix:uid:${uid}`];
      await this.#daemon.admin.createEntry({ spiffe_id: `spiffe://example.org/${role}`, selectors });
    }
  }
}
