// SPDX-License-Identifier: Apache-2.0
/** A real Docker engine for tests: containers of the test bed's own image, removed with the test file that made them. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from '@jest/globals';
import { type Ran, run } from './bed.ts';
import { type AsWhom, InsideCaller, PATIENCE_MS, type Place, runCheckout, runInside } from './inside-caller.ts';
import { LastWill } from './last-will.ts';
import type { LineProgram } from './line-program.ts';

export const BUSYBOX = 'local/busybox:1';

export interface DockerEngine {
  /** Path of its socket. */
  readonly socket: string;
  /** The same as a client's `DOCKER_HOST`. */
  readonly host: string;
}

export interface ContainerOptions {
  readonly image?: string;
  /** A fresh one unless given. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Sleeps unless given. */
  readonly command?: readonly string[];
  /** As `docker run --user`. */
  readonly user?: string;
  /** True unless told otherwise. Such a container also goes when its engine starts again. */
  readonly autoRemove?: boolean;
  /** Further members of the engine's request: `Config` of the container and its `HostConfig`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly hostConfig?: Readonly<Record<string, unknown>>;
}

/** What the engine knows of a container; tests read further members by name. */
export interface ContainerRecord {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly State: { readonly Status: string; readonly Pid: number; readonly ExitCode: number };
  readonly Config: { readonly Labels: Readonly<Record<string, string>>; readonly Env: readonly string[] };
  readonly [member: string]: unknown;
}

export class Docker {
  readonly engine: DockerEngine;
  readonly #made = new Set<string>();
  readonly #will = new LastWill();

  constructor(engine: DockerEngine) {
    this.engine = engine;
  }

  /** What is made here is removed after the tests of the file or of the `describe`. */
  static forTests(engine: DockerEngine): Docker {
    const docker = new Docker(engine);
    afterAll(() => docker.removeAll(), PATIENCE_MS);
    return docker;
  }

  /** One request of the engine's API. Throws for every status but 2xx and 304, with the engine's words. */
  async request<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const { status, text } = await ask(this.engine.socket, method, path, body);
    if (status >= 300 && status !== 304) throw new EngineRefused(method, path, status, text);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }

  /** Creates and starts a container, without a network; the machine's root is at `/host`, for callers. */
  async run(options: ContainerOptions = {}): Promise<Container> {
    const container = await this.create(options);
    await this.request('POST', `/containers/${container.id}/start`);
    return container;
  }

  async create(options: ContainerOptions = {}): Promise<Container> {
    const name = options.name ?? `assay-test-${randomBytes(6).toString('hex')}`;
    const { Id } = await this.request<{ Id: string }>('POST', `/containers/create?name=${name}`, {
      Image: options.image ?? BUSYBOX,
      Labels: options.labels ?? {},
      Env: Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`),
      ...(options.command ? { Cmd: options.command } : {}),
      ...(options.user === undefined ? {} : { User: options.user }),
      ...options.config,
      HostConfig: {
        NetworkMode: 'none',
        AutoRemove: options.autoRemove ?? true,
        Binds: ['/:/host'],
        ...options.hostConfig,
      },
    });
    this.#made.add(Id);
    this.#will.add('docker', '-H', this.engine.host, 'rm', '-fv', Id);
    return new Container(this, Id);
  }

  /** A container that somebody else made, by id or name. */
  container(id: string): Container {
    return new Container(this, id);
  }

  /** Makes `tag` the image of a container's files with Dockerfile lines (`LABEL a=b`) applied; gives the image's id. */
  async commit(container: Container, tag: string, changes: readonly string[] = []): Promise<string> {
    const query = new URLSearchParams({ container: container.id, repo: tag });
    for (const change of changes) query.append('changes', change);
    const { Id } = await this.request<{ Id: string }>('POST', `/commit?${query}`, {});
    return Id;
  }

  async removeAll(): Promise<void> {
    const all = [...this.#made];
    this.#made.clear();
    await Promise.all(all.map((id) => this.container(id).remove()));
    this.forget();
  }

  /** Its engine goes, and its containers with it. */
  forget(): void {
    this.#made.clear();
    this.#will.revoke();
  }
}

export class Container implements Place {
  readonly id: string;
  readonly #docker: Docker;

  constructor(docker: Docker, id: string) {
    this.#docker = docker;
    this.id = id;
  }

  get prefix(): readonly string[] {
    return [...this.command('exec', '-i'), 'busybox', 'chroot', '/host'];
  }

  inspect(): Promise<ContainerRecord> {
    return this.#docker.request('GET', `/containers/${this.id}/json`);
  }

  /** Of its first process, as this machine counts; 0 when it does not run. */
  async pid(): Promise<number> {
    return (await this.inspect()).State.Pid;
  }

  /** `running`, `paused`, `exited`, ...; `gone` when the engine does not know it. */
  async status(): Promise<string> {
    try {
      return (await this.inspect()).State.Status;
    } catch (error) {
      if (error instanceof EngineRefused && error.status === 404) return 'gone';
      throw error;
    }
  }

  /** Resolves when its status is one of these. */
  async becomes(...wanted: readonly string[]): Promise<void> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const status = await this.status();
      if (wanted.includes(status)) return;
      if (Date.now() > until) throw new Error(`container ${this.id} is ${status}, not ${wanted.join(' or ')}`);
      await sleep(50);
    }
  }

  /** Runs a command of the container's own files to its end. */
  exec(command: readonly string[], options: { readonly user?: string } = {}): Promise<Ran> {
    const as = options.user === undefined ? [] : ['--user', options.user];
    return run([...this.command('exec', ...as), ...command]);
  }

  /** A program of this machine, by its whole path, in the container's namespaces and cgroup. */
  program(command: string, args: readonly string[], who?: AsWhom): LineProgram {
    return runInside(this, command, args, who);
  }

  /** The same for a file of the checkout: a script, or `bin/assay`. */
  script(file: string, args: readonly string[] = [], who?: AsWhom): LineProgram {
    return runCheckout(this, file, args, who);
  }

  caller(who?: AsWhom): Promise<InsideCaller> {
    return InsideCaller.start(this, who);
  }

  /** SIGTERM, and SIGKILL after so many seconds. */
  async stop(seconds = 0): Promise<void> {
    await this.#post(`stop?t=${seconds}`);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#post(`kill?signal=${signal}`);
  }

  async start(): Promise<void> {
    await this.#post('start');
  }

  async restart(): Promise<void> {
    await this.#post('restart?t=0');
  }

  async pause(): Promise<void> {
    await this.#post('pause');
  }

  async unpause(): Promise<void> {
    await this.#post('unpause');
  }

  /** Idempotent; resolves when it is gone. */
  async remove(): Promise<void> {
    try {
      await this.#docker.request('DELETE', `/containers/${this.id}?force=1&v=1`);
    } catch (error) {
      // 409: the engine is removing it already.
      if (!(error instanceof EngineRefused) || ![404, 409].includes(error.status)) throw error;
    }
    await this.becomes('gone');
  }

  #post(what: string): Promise<void> {
    return this.#docker.request('POST', `/containers/${this.id}/${what}`);
  }

  /** The engine's client, with this container named last. */
  command(...words: readonly string[]): readonly string[] {
    return ['docker', '-H', this.#docker.engine.host, ...words, this.id];
  }
}

export class EngineRefused extends Error {
  readonly status: number;

  constructor(method: string, path: string, status: number, text: string) {
    super(`docker ${method} ${path}: ${status} ${text.trim()}`);
    this.status = status;
  }
}

/** One request on a socket, whatever the status. */
export function ask(
  socket: string,
  method: string,
  path: string,
  body?: object,
  timeoutMs = PATIENCE_MS,
): Promise<{ status: number; text: string }> {
  const json = body === undefined ? undefined : JSON.stringify(body);
  const headers = json === undefined ? {} : { 'content-type': 'application/json', 'content-length': json.length };
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: socket, method, path, headers, timeout: timeoutMs, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`${socket} does not answer ${method} ${path}`)));
    sent.on('error', reject);
    sent.end(json);
  });
}
