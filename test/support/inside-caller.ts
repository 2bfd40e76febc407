// SPDX-License-Identifier: Apache-2.0
/** Callers of the Workload API that a test places: in a container, a pod, a unit. Each takes commands while it lives. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll } from '@jest/globals';
import { CallRecord, FETCH_SVID, HEADER } from './call-record.ts';
import { type Line, LineProgram } from './line-program.ts';

/** Generous: a machine may be busy building something. */
export const PATIENCE_MS = 60_000;

export interface Place {
  /** What stands before a program of this machine, by its whole path, so that it runs in that place with our stdin and stdout. */
  readonly prefix: readonly string[];
  /** Where pids are counted otherwise than on this machine. */
  signal?(pid: number, signal: NodeJS.Signals): Promise<void>;
}

export interface AsWhom {
  /** Root when absent. */
  readonly uid?: number;
  /** The uid's number when absent. */
  readonly gid?: number;
}

export interface InsideCallOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the caller sees of itself. */
export interface Look {
  /** As this machine counts, or a machine inside it. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Its `/proc/self/cgroup`. */
  readonly cgroup: string;
}

export class InsideCaller {
  readonly program: LineProgram;
  /** As this machine counts, or a machine inside it. */
  readonly pid: number;
  readonly #place: Place;
  readonly #calls = new Map<number, CallRecord>();
  readonly #numbers = new Map<CallRecord, number>();

  private constructor(place: Place, program: LineProgram, ready: Line) {
    this.#place = place;
    this.program = program;
    this.pid = (ready as unknown as Look).pid;
    program.take = (line) => this.#take(line);
    void program.ended.then(() => {
      for (const call of this.#calls.values()) call.lost(`the caller ended ${program.errors.slice(-2048)}`);
    });
  }

  /** Resolves when it runs. */
  static async start(place: Place, who: AsWhom = {}): Promise<InsideCaller> {
    const { node, script } = programs();
    const program = runInside(place, node, ['--no-warnings', script], who);
    return new InsideCaller(place, program, await program.heard('ready', PATIENCE_MS));
  }

  /** Begins a call; what comes of it is in the record. A caller may have many open. */
  call(socket: string, { method = FETCH_SVID, headers = HEADER }: InsideCallOptions = {}): CallRecord {
    const number = this.#calls.size + 1;
    const record = new CallRecord(method);
    this.#calls.set(number, record);
    this.#numbers.set(record, number);
    this.#say({ do: 'call', call: number, socket, method, headers });
    return record;
  }

  cancel(record: CallRecord): void {
    this.#say({ do: 'cancel', call: this.#numbers.get(record) });
  }

  async look(): Promise<Look> {
    this.#say({ do: 'look' });
    return (await this.program.heard('look', PATIENCE_MS)) as unknown as Look;
  }

  /** Gives up root for another uid, in the same process. */
  async change(to: AsWhom): Promise<Look> {
    this.#say({ do: 'change', ...to });
    return (await this.program.heard('changed', PATIENCE_MS)) as unknown as Look;
  }

  /** Becomes another program in place (execve); takes no command afterwards. */
  become(...words: readonly string[]): void {
    this.#say({ do: 'become', words });
  }

  /** Ends by itself, with code 0. */
  async exit(): Promise<void> {
    this.#say({ do: 'exit' });
    await this.program.ended;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#place.signal) await this.#place.signal(this.pid, signal);
    else process.kill(this.pid, signal);
    await this.program.ended;
  }

  #say(command: object): void {
    this.program.say(JSON.stringify(command));
  }

  #take(line: Line): boolean {
    const call = this.#calls.get(line['call'] as number);
    call?.said(line);
    return call !== undefined;
  }
}

const started = new Set<LineProgram>();
const checkout = resolve(import.meta.dirname, '../..');

/** A file of the checkout in a place: a script under the Node that runs this test, or `bin/assay`. */
export function runCheckout(place: Place, file: string, args: readonly string[], who?: AsWhom): LineProgram {
  const path = join(checkout, file);
  return file.endsWith('.ts')
    ? runInside(place, process.execPath, ['--no-warnings', path, ...args], who)
    : runInside(place, path, args, who);
}

/** Any program of this machine in a place. Ended with the test file. */
export function runInside(place: Place, command: string, args: readonly string[], who: AsWhom = {}): LineProgram {
  const { uid, gid = uid } = who;
  const as = uid === undefined ? [] : ['/usr/bin/setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  const [first = '', ...rest] = [...place.prefix, ...as, command, ...args];
  const program = new LineProgram(first, rest);
  started.add(program);
  return program;
}

/** Whoever asks does so before what holds the place is taken away. */
export async function endAll(): Promise<void> {
  const all = [...started];
  started.clear();
  await Promise.all(all.map((program) => program.end()));
}
afterAll(endAll);

let folder: string | undefined;

/** Must be seen at the same path by whoever is to be a caller. */
export function programsFolder(): string {
  return dirname(programs().script);
}

/** Copies that any uid may read and run, whatever the folders above the checkout say. */
function programs(): { node: string; script: string } {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'assay-inside-'));
    chmodSync(folder, 0o755);
    for (const [from, name] of [
      [process.execPath, 'node'],
      [join(import.meta.dirname, 'commanded-caller.ts'), 'commanded-caller.ts'],
    ] as const) {
      copyFileSync(from, join(folder, name));
      chmodSync(join(folder, name), 0o755);
    }
  }
  return { node: join(folder, 'node'), script: join(folder, 'commanded-caller.ts') };
}
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});
