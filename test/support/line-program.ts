// SPDX-License-Identifier: Apache-2.0
/** A child process that takes commands and answers in JSON, one a line. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Line {
  readonly event: string;
  readonly [key: string]: unknown;
}

export class LineProgram {
  readonly child: ChildProcess;
  /** Resolves when the program has ended and its last line is read. */
  readonly ended: Promise<void>;
  /** Sees each line first; one that it takes is heard by nobody else. */
  take: ((line: Line) => boolean) | undefined;
  readonly #lines: Line[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;
  #stderr = '';

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const said = line.startsWith('{') ? (JSON.parse(line) as Line) : { event: 'text', text: line };
      if (!this.take?.(said)) this.#lines.push(said);
      this.#wake();
    });
    this.child.stderr?.on('data', (bytes: Buffer) => {
      this.#stderr += bytes.toString();
    });
    this.child.stdin?.on('error', () => undefined);
    this.child.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      this.child.on('close', () => {
        this.#ended = true;
        this.#wake();
        resolve();
      });
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  say(command: string): void {
    this.child.stdin?.write(`${command}\n`);
  }

  /** The next line with this event, taken out; earlier lines of other events stay. */
  async heard(event: string, timeoutMs = 10_000): Promise<Line> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const at = this.#lines.findIndex((line) => line.event === event);
      if (at >= 0) return this.#lines.splice(at, 1)[0] as Line;
      if (this.#ended || Date.now() >= deadline) {
        throw new Error(`no ${event}; got ${JSON.stringify(this.#lines)}; stderr: ${this.#stderr}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** What it wrote on stderr. */
  get errors(): string {
    return this.#stderr;
  }

  /** Lines not yet taken. */
  get unheard(): readonly Line[] {
    return this.#lines;
  }

  /** Idempotent. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.child.kill('SIGKILL');
    await this.ended;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
    this.#waiting.clear();
  }
}
