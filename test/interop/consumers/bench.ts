// SPDX-License-Identifier: Apache-2.0
/**
 * What a page of `docs/consumers` needs around it: a real daemon, the folders the page speaks of below one of the test's own, its
 * commands with `assay` on the path, helpers under other uids. All of it ends with `close`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Daemon, top } from '../../support/daemon.ts';
import { ConsumerPage } from './page.ts';

/**
 * Renewed about every 12 s, which leaves as long for a daemon that is killed. A successor of the authority that was prepared may
 * sign after 48 s.
 */
const LIVES = ['ca: { ttl: 144s, insecure_short_ca: true }', 'svid: { x509_ttl: 24s }'];
const COMMAND_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const PLACES = /(?<![\w.])\/(?=(?:etc|run|var\/lib)\/)/g;

interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  readonly stop: NodeJS.Signals;
}

export class ConsumerBench {
  /** Stands for `/`. */
  readonly root: string = mkdtempSync(join(tmpdir(), 'assay-c-'));
  readonly daemon: Daemon;
  readonly page: ConsumerPage;
  readonly #programs: Program[] = [];
  #log = '';

  private constructor(daemon: Daemon, page: string, replaced: readonly (readonly [RegExp | string, string])[]) {
    this.daemon = daemon;
    this.page = new ConsumerPage(page, [
      ['unix:///run/assay/workload/api.sock', daemon.endpoint],
      [PLACES, `${this.root}/`],
      ...replaced,
    ]);
    chmodSync(this.root, 0o755);
    for (const folder of ['bin', 'etc/assay', 'run', 'var/lib'])
      mkdirSync(join(this.root, folder), { recursive: true });
    this.program('assay', `exec ${join(top, 'bin/assay')} "$@"`);
  }

  static async start(page: string, replaced: readonly (readonly [RegExp | string, string])[]): Promise<ConsumerBench> {
    return new ConsumerBench(await Daemon.start({ config: LIVES }), page, replaced);
  }

  at(path: string): string {
    return join(this.root, path);
  }

  /** A command on the path of the page's. */
  program(name: string, script: string): void {
    writeFileSync(this.at(`bin/${name}`), `#!/bin/sh\n${script}\n`);
    chmodSync(this.at(`bin/${name}`), 0o755);
  }

  put(path: string, text: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text, { mode: 0o644 });
  }

  /** A folder that this uid alone can write. */
  folderOf(uid: number, path: string): void {
    mkdirSync(this.at(path), { recursive: true });
    chownSync(this.at(path), uid, uid);
  }

  /** Carries out commands of the page and gives what they print. */
  async sh(commands: string, uid = 0): Promise<string> {
    const [program = '', ...args] = [...as(uid), 'sh', '-euc', commands];
    const { stdout } = await promisify(execFile)(program, args, { ...this.#setting, timeout: COMMAND_TIMEOUT_MS });
    return stdout;
  }

  /** A program that stays; `stop` is what makes it end at once. */
  start(command: readonly string[], uid = 0, stop: NodeJS.Signals = 'SIGTERM'): ChildProcess {
    const [program = '', ...args] = [...as(uid), ...command];
    const child = spawn(program, args, { ...this.#setting, stdio: ['pipe', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-256 * 1024);
    };
    child.stderr.on('data', keep);
    child.stdout.resume();
    child.stdin.on('error', () => undefined);
    this.#programs.push({ child, stop, ended: new Promise((done) => child.once('exit', () => done())) });
    return child;
  }

  /** A helper that stays, with a configuration of the page's. */
  helper(config: string, uid = 0): void {
    this.start(['assay', 'helper', '--config', this.at(config)], uid);
  }

  /** The last of what the programs said. */
  get log(): string {
    return this.#log;
  }

  read(path: string): string {
    return readFileSync(this.at(path), 'utf8');
  }

  async close(): Promise<void> {
    await Promise.all(this.#programs.map(end));
    await this.daemon.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  get #setting(): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } {
    const clean = Object.entries(process.env).filter(([name]) => !/^(ASSAY_|SPIFFE_|XDG_|PG)/.test(name));
    const path = `${this.at('bin')}:${process.env['PATH']}:/usr/sbin`;
    const env = {
      ...Object.fromEntries(clean),
      PATH: path,
      HOME: this.root,
      ASSAY_SOCKETS_ADMIN: this.daemon.adminSocket,
    };
    return { cwd: this.root, env };
  }
}

/** With the group that this uid has in `/etc/passwd`, or one of its own number. */
function as(uid: number): string[] {
  if (uid === 0) return [];
  const account = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(uid));
  return ['setpriv', `--reuid=${uid}`, `--regid=${account?.[3] ?? uid}`, '--clear-groups', '--'];
}

async function end({ child, ended, stop }: Program): Promise<void> {
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  child.kill(stop);
  await ended;
  clearTimeout(late);
}
