// SPDX-License-Identifier: Apache-2.0
/** A real daemon, started as users start it, in folders of its own; for tests that watch it from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdminClient } from './admin-client.ts';

export const top = resolve(import.meta.dirname, '../..');

export interface DaemonOptions {
  readonly trustDomain?: string;
  /** Further lines of the configuration file. */
  readonly config?: readonly string[];
  /** What to start; `bin/assay` unless told. `run --config FILE` is appended. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For sockets and configuration; a fresh one unless given. Removed by `close`. */
  readonly folder?: string;
  /** Below `folder` unless given. */
  readonly dataDir?: string;
}

/** Short lives, so that a test sees a rotation: SVIDs renewed about every 5 s, a new authority about every 30 s. */
export const SHORT_LIVES = ['ca: { ttl: 60s, insecure_short_ca: true }', 'svid: { x509_ttl: 10s }'] as const;

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;

export class Daemon {
  readonly folder: string;
  readonly workloadSocket: string;
  readonly adminSocket: string;
  readonly dataDir: string;
  readonly admin: AdminClient;
  readonly #options: DaemonOptions;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(options: DaemonOptions = {}) {
    this.#options = options;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'assay-d-'));
    // Callers under other uids pass through here.
    chmodSync(this.folder, 0o755);
    this.workloadSocket = join(this.folder, 'workload/api.sock');
    this.adminSocket = join(this.folder, 'admin/admin.sock');
    this.dataDir = options.dataDir ?? join(this.folder, 'data');
    mkdirSync(this.dataDir, { recursive: true, mode: 0o700 });
    const lines = [
      `trust_domain: ${options.trustDomain ?? 'example.org'}`,
      `data_dir: ${this.dataDir}`,
      `sockets: { workload: ${this.workloadSocket}, admin: ${this.adminSocket}, task_dir: ${join(this.folder, 'task')} }`,
      ...(options.config ?? []),
    ];
    writeFileSync(this.configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
    this.admin = new AdminClient(this.adminSocket);
  }

  static async start(options: DaemonOptions = {}): Promise<Daemon> {
    const daemon = new Daemon(options);
    try {
      await daemon.start();
    } catch (error) {
      await daemon.close();
      throw error;
    }
    return daemon;
  }

  get configFile(): string {
    return join(this.folder, 'assay.yaml');
  }

  /** What a client puts in SPIFFE_ENDPOINT_SOCKET. */
  get endpoint(): string {
    return `unix://${this.workloadSocket}`;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the daemon is not running');
    return pid;
  }

  /** The last of what it wrote. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    this.launch();
    await this.serving();
  }

  /** Starts the process and waits for nothing. */
  launch(): void {
    const [command, ...args] = this.#options.command ?? [join(top, 'bin/assay')];
    const child = spawn(command as string, [...args, 'run', '--config', this.configFile], {
      // A program that tests are told of; a daemon refuses settings that it does not know.
      env: { ...process.env, ASSAY_SPIFFE_HELPER: undefined, ...this.#options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-64 * 1024);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
  }

  async serving(): Promise<void> {
    const until = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      if (this.#child?.exitCode != null || this.#child?.signalCode != null)
        throw new Error(`the daemon ended: ${this.#output}`);
      const answered = await this.admin.call('GetHealth', {}, 1000).then(
        () => true,
        () => false,
      );
      if (answered) return;
      if (Date.now() > until) throw new Error(`the daemon does not serve: ${this.#output}`);
      await sleep(20);
    }
  }

  /** As an operator stops it. Resolves with the exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async close(): Promise<void> {
    if (this.#child) await this.stop();
    this.admin.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await ended;
    clearTimeout(late);
    return code;
  }
}
