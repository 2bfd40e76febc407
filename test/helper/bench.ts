// SPDX-License-Identifier: Apache-2.0
/** A helper as users run it: a process of its own, with its configuration and folders in a fresh place. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const top = resolve(import.meta.dirname, '../..');

export interface HelperOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Put before `bin/assay`. */
  readonly through?: readonly string[];
  readonly file?: string;
}

export class HelperBench {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'assay-h-'));
  readonly out: string = join(this.folder, 'out');
  #child: ChildProcess | undefined;
  #ended: Promise<number | null> | undefined;
  #log = '';

  constructor() {
    chmodSync(this.folder, 0o755);
    mkdirSync(this.out);
  }

  path(name: string): string {
    return join(this.out, name);
  }

  /** Starts it with this configuration, and waits for nothing. */
  start(config: string, options: HelperOptions = {}): void {
    const file = join(this.folder, options.file ?? 'helper.yaml');
    writeFileSync(file, config, { mode: 0o644 });
    const [program = '', ...before] = [...(options.through ?? []), join(top, 'bin/assay')];
    const clean = Object.entries(process.env).filter(([name]) => !/^(ASSAY_|SPIFFE_|XDG_)/.test(name));
    const child = spawn(program, [...before, 'helper', '--config', file, ...(options.flags ?? [])], {
      cwd: this.folder,
      env: { ...Object.fromEntries(clean), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#log = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-256 * 1024);
      });
    }
    this.#ended = new Promise((done) => child.once('exit', (code) => done(code)));
  }

  get log(): string {
    return this.#log;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** The exit code; null where a signal ended it. */
  ended(): Promise<number | null> {
    return this.#ended ?? Promise.resolve(null);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended();
  }

  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return this.ended();
  }

  async close(): Promise<void> {
    let hung = false;
    const late = setTimeout(() => {
      hung = true;
      this.signal('SIGKILL');
    }, 25_000);
    await this.stop();
    clearTimeout(late);
    rmSync(this.folder, { recursive: true, force: true });
    if (hung) throw new Error(`the helper did not stop: ${this.#log}`);
  }
}

/** Waits until `look` gives something that is not undefined or false. */
export async function until<T>(look: () => T | undefined | false, what: string, timeoutMs = 20_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await sleep(10);
  }
}

export function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The key is that of the certificate. */
export function fits(certificate: string | Buffer, key: string | Buffer): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}
