// SPDX-License-Identifier: Apache-2.0
/** A daemon of the example's own: its configuration, its start, and the commands of `assay` that it is told with. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program, Programs } from './programs.ts';
import { type Scratch, top } from './scratch.ts';
import { command } from './screen.ts';

export const TRUST_DOMAIN = 'quickstart.example';

const launcher = join(top, 'bin/assay');

export class Daemon {
  readonly config: string;
  readonly socket: string;
  readonly #scratch: Scratch;
  readonly #log: string[] = [];
  #program: Program | undefined;

  constructor(scratch: Scratch, configured = configuration(scratch)) {
    this.#scratch = scratch;
    this.config = scratch.path('assay.yaml');
    this.socket = `unix://${scratch.path('workload/api.sock')}`;
    writeFileSync(this.config, configured, { mode: 0o600 });
  }

  /** Resolves when it serves. */
  async start(programs: Programs): Promise<void> {
    command(`bin/assay run --config ${this.short(this.config)}`);
    let ready: () => void = () => undefined;
    const serving = new Promise<true>((resolve) => {
      ready = () => resolve(true);
    });
    this.#program = programs.start(launcher, ['run', '--config', this.config], {
      cwd: top,
      onLine: (line) => {
        this.#log.push(line);
        if (line.startsWith('ready:')) ready();
      },
    });
    const served = await Promise.race([serving, this.#program.ended]);
    if (served !== true) throw new Error(`the daemon did not start:\n${this.#log.join('\n')}`);
  }

  /** Runs a command of `assay`, shown as it is run; resolves with what it printed, and rejects with what it said when it refused. */
  async tell(name: readonly string[], flags: readonly string[]): Promise<string> {
    command(this.short(['bin/assay', ...name, '--config', this.config].join(' ')), this.short(flags.join(' ')));
    return this.ask(name, flags);
  }

  /** The same, not shown. */
  async ask(name: readonly string[], flags: readonly string[] = []): Promise<string> {
    const args = [...name, '--config', this.config, ...flags];
    const child = spawn(launcher, args, {
      cwd: top,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`assay ${name.join(' ')} failed:\n${said}`);
    return printed;
  }

  /** `$Q` stands for the folder, so that lines stay short. */
  short(text: string): string {
    return text.replaceAll(this.#scratch.dir, '$Q');
  }
}

/** SVIDs of 30 s, so that a reader need not wait an hour for a rotation; the daemon wants them six times in its CA. */
function configuration(scratch: Scratch): string {
  return `trust_domain: ${TRUST_DOMAIN}
data_dir: ${scratch.path('data')}
sockets:
  workload: ${scratch.path('workload/api.sock')}
  admin: ${scratch.path('admin/admin.sock')}
  task_dir: ${scratch.path('task')}
ca:
  ttl: 3m
  insecure_short_ca: true
  key_manager: { memory: {} }
svid:
  x509_ttl: 30s
`;
}
