// SPDX-License-Identifier: Apache-2.0
/** Processes that call the Workload API, under uids of the test's choice: each is one program and one call. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, constants, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CallRecord, FETCH_SVID, HEADER } from './call-record.ts';

export { FETCH_BUNDLES, FETCH_SVID, HEADER } from './call-record.ts';

export interface CallOptions {
  readonly method?: string;
  /** The test's own uid when absent; the gid is the same number. */
  readonly uid?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Its whole environment; none unless given. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One process and its one call. */
export class Caller extends CallRecord {
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, method: string) {
    super(method);
    this.#child = child;
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-2048);
    });
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => this.said(JSON.parse(line) as { event: string }));
    }
    this.exited = new Promise((resolve) => {
      child.on('close', () => {
        this.lost(`the caller exited ${errors}`);
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await this.exited;
  }
}

/** A folder that any uid may read, with Node and the program in it. */
export class Callers {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'assay-callers-'));
  readonly #started = new Set<Caller>();

  constructor() {
    chmodSync(this.folder, 0o755);
    // Not a link: that would change the status time of the file that every daemon of the machine's tests runs.
    copyFileSync(process.execPath, join(this.folder, 'node'), constants.COPYFILE_FICLONE);
    chmodSync(join(this.folder, 'node'), 0o755);
    copyFileSync(join(import.meta.dirname, 'bare-caller.ts'), join(this.folder, 'bare-caller.ts'));
    chmodSync(join(this.folder, 'bare-caller.ts'), 0o644);
  }

  call(socket: string, { method = FETCH_SVID, uid, headers = HEADER, env = {} }: CallOptions = {}): Caller {
    const args = ['--no-warnings', join(this.folder, 'bare-caller.ts'), socket, method, JSON.stringify(headers)];
    const child = spawn(join(this.folder, 'node'), args, {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const caller = new Caller(child, method);
    this.#started.add(caller);
    return caller;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#started].map((caller) => caller.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
