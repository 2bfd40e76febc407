// SPDX-License-Identifier: Apache-2.0
/** An OpenBao server in memory, and its HTTP API as root. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { pythonEnvironment } from './python-environment.ts';

const START_TIMEOUT_MS = 60_000;
const ROOT = 'root';

export interface BaoAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
  readonly body: any;
}

export class OpenBao {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #address: string;
  #output = '';

  static async start(): Promise<OpenBao> {
    const environment = pythonEnvironment(join(import.meta.dirname, 'openbao/requirements.txt'));
    const server = new OpenBao(join(environment, 'bin/bao'), await freePort());
    try {
      await server.#serving();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  private constructor(program: string, port: number) {
    this.#address = `http://127.0.0.1:${port}`;
    // It writes the root token into the home folder.
    this.#folder = mkdtempSync(join(tmpdir(), 'assay-bao-'));
    const args = ['server', '-dev', `-dev-root-token-id=${ROOT}`, `-dev-listen-address=127.0.0.1:${port}`];
    this.#child = spawn(program, args, {
      env: { ...process.env, HOME: this.#folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-8_192);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
  }

  async call(method: 'GET' | 'POST', path: string, body?: object, token = ROOT): Promise<BaoAnswer> {
    const response = await fetch(`${this.#address}/v1/${path}`, {
      method,
      headers: token === '' ? {} : { 'X-Vault-Token': token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** As root; throws unless it is done. */
  async set(path: string, body: object): Promise<void> {
    const { status, body: answer } = await this.call('POST', path, body);
    if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #serving(): Promise<void> {
    const until = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const health = await this.call('GET', 'sys/health').catch(() => undefined);
      if (health?.status === 200) return;
      if (this.#child.exitCode !== null || Date.now() > until) throw new Error(`bao does not serve: ${this.#output}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}
