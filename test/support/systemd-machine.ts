// SPDX-License-Identifier: Apache-2.0
/** A machine whose PID 1 is systemd, as a privileged container: with the system manager, its bus, and units of a test's choice. */
import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll } from '@jest/globals';
import type { Ran } from './bed.ts';
import type { Container, Docker } from './docker.ts';
import {
  type AsWhom,
  InsideCaller,
  PATIENCE_MS,
  type Place,
  programsFolder,
  runCheckout,
  runInside,
} from './inside-caller.ts';
import type { LineProgram } from './line-program.ts';

export const SYSTEMD_IMAGE = 'local/systemd:1';

const checkout = resolve(import.meta.dirname, '../..');

export class SystemdMachine implements Place {
  readonly #docker: Docker;
  readonly #folders: readonly string[];
  #container: Container | undefined;

  private constructor(docker: Docker, folders: readonly string[]) {
    this.#docker = docker;
    this.#folders = folders;
  }

  /** Up before the tests of the file or of the `describe`, removed with the engine's other containers. */
  static forTests(docker: Docker, folders: readonly string[] = []): SystemdMachine {
    const machine = new SystemdMachine(docker, folders);
    beforeAll(() => machine.#start(), 2 * PATIENCE_MS);
    return machine;
  }

  get container(): Container {
    if (!this.#container) throw new Error('the machine is not up before beforeAll');
    return this.#container;
  }

  get prefix(): readonly string[] {
    return this.container.command('exec', '-i');
  }

  /** A command of the machine to its end; outside any unit. */
  exec(...command: readonly string[]): Promise<Ran> {
    return this.container.exec(command);
  }

  /** The same, and it must succeed; gives what it printed. */
  async must(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.exec(...command);
    if (code !== 0) throw new Error(`in the machine: ${command.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** A program of the machine or the checkout, by its whole path, that talks to the test; outside any unit. */
  program(command: string, args: readonly string[], who?: AsWhom): LineProgram {
    return runInside(this, command, args, who);
  }

  /** The same for a file of the checkout: a script, or `bin/assay`. */
  script(file: string, args: readonly string[] = [], who?: AsWhom): LineProgram {
    return runCheckout(this, file, args, who);
  }

  /** Outside any unit. */
  caller(who?: AsWhom): Promise<InsideCaller> {
    return InsideCaller.start(this, who);
  }

  /** In a transient unit (`payments.service`) with these properties (`User=www-data`, `Slice=...`). */
  callerInUnit(unit: string, properties: readonly string[] = []): Promise<InsideCaller> {
    const flags = properties.flatMap((property) => ['-p', property]);
    return InsideCaller.start(
      this.#place('systemd-run', '--quiet', '--collect', '--pipe', '--wait', `--unit=${unit}`, ...flags),
    );
  }

  /** Puts a file there. */
  async write(path: string, text: string): Promise<void> {
    await this.must('sh', '-c', 'printf %s "$1" >"$2"', 'sh', text, path);
  }

  /** Puts a unit file in /etc/systemd/system, has it read, and starts it. */
  async startUnit(unit: string, text: string): Promise<void> {
    await this.write(`/etc/systemd/system/${unit}`, text);
    await this.must('systemctl', 'daemon-reload');
    await this.must('systemctl', 'start', unit);
  }

  /** The pid counts in the machine. */
  async signal(pid: number, signal: NodeJS.Signals): Promise<void> {
    await this.must('sh', '-c', `kill -s ${signal.slice('SIG'.length)} ${pid}`);
  }

  async #start(): Promise<void> {
    // A copy of the checkout may have a link to the packages of another.
    const packages = realpathSync(join(checkout, 'node_modules'));
    const seen = new Set([checkout, packages, programsFolder(), ...this.#folders]);
    this.#container = await this.#docker.run({
      image: SYSTEMD_IMAGE,
      config: { StopSignal: 'SIGRTMIN+3' },
      hostConfig: {
        Privileged: true,
        CgroupnsMode: 'private',
        Tmpfs: { '/run': '', '/run/lock': '' },
        // The real machine's terminal may be somebody else's: no unit asks for it.
        Binds: [...[...seen].map((folder) => `${folder}:${folder}`), '/dev/null:/etc/systemd/system/getty@.service'],
      },
    });
    await this.#booted();
  }

  async #booted(): Promise<void> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const { stdout, stderr } = await this.exec('systemctl', 'is-system-running');
      if (stdout.startsWith('running')) return;
      if (Date.now() > until) {
        const failed = await this.exec('systemctl', '--failed', '--no-legend');
        throw new Error(`the machine is not running: ${stdout}${stderr}${failed.stdout}`);
      }
      await sleep(200);
    }
  }

  #place(...more: readonly string[]): Place {
    return { prefix: [...this.prefix, ...more], signal: (pid, signal) => this.signal(pid, signal) };
  }
}
