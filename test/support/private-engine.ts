// SPDX-License-Identifier: Apache-2.0
/** A Docker engine of a test's own, to be stopped, held and started again while nobody else is using it. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { bed, bedScript } from './bed.ts';
import { Docker, type DockerEngine } from './docker.ts';
import { PATIENCE_MS } from './inside-caller.ts';
import { LastWill } from './last-will.ts';

export class PrivateEngine {
  readonly docker: Docker;
  readonly engine: DockerEngine;
  readonly #folder: string;
  readonly #will = new LastWill();

  private constructor(folder: string) {
    this.#folder = folder;
    const socket = join(folder, 'docker.sock');
    this.engine = { socket, host: `unix://${socket}` };
    this.docker = new Docker(this.engine);
  }

  /** What this machine lacks for one. */
  static missing(): string | undefined {
    if (process.getuid?.() !== 0) return 'not root';
    return spawnSync('dockerd', ['--version']).status === 0 ? undefined : 'no dockerd is installed';
  }

  /** Up before the tests of the file or of the `describe`, down afterwards. */
  static forTests({ usernsRemap = false } = {}): PrivateEngine {
    const engine = new PrivateEngine(join(tmpdir(), `assay-engine-${randomBytes(4).toString('hex')}`));
    beforeAll(() => engine.#up(usernsRemap), PATIENCE_MS);
    afterAll(() => engine.#down(), PATIENCE_MS);
    return engine;
  }

  /** Its containers go on, but those that are removed by themselves end when it starts again. */
  async stop(): Promise<void> {
    await this.#script('engine', 'stop');
  }

  async start(): Promise<void> {
    await this.#script('engine', 'start');
  }

  /** It keeps its socket and answers nothing (SIGSTOP). */
  async pause(): Promise<void> {
    await this.#script('engine', 'pause');
  }

  async resume(): Promise<void> {
    await this.#script('engine', 'resume');
  }

  async #up(usernsRemap: boolean): Promise<void> {
    // The root of a user namespace is another uid, and passes through here.
    mkdirSync(this.#folder, { mode: usernsRemap ? 0o711 : 0o700 });
    this.#will.add(bedScript('docker'), 'down', '--private', this.#folder);
    this.#will.add('rm', '-rf', this.#folder);
    await this.#script('up', ...(usernsRemap ? ['--userns-remap'] : []));
  }

  async #down(): Promise<void> {
    this.docker.forget();
    await this.#script('down');
    rmSync(this.#folder, { recursive: true, force: true });
    this.#will.revoke();
  }

  async #script(...words: readonly string[]): Promise<void> {
    await bed('docker', ...words, '--private', this.#folder);
  }
}
