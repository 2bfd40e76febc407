// SPDX-License-Identifier: Apache-2.0
/** A child process that prints one JSON object a line, and the events a test waits for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Event {
  readonly event: string;
  readonly [member: string]: unknown;
}

/** A killed process may leave half a line. */
function parseEvent(line: string): Event | undefined {
  try {
    return JSON.parse(line) as Event;
  } catch {
    return undefined;
  }
}

export class JsonLines {
  readonly events: Event[] = [];
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #name: string;
  #errors = '';
  #ended = false;
  #waiting: (() => void)[] = [];

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#name = `${command} ${args.join(' ')}`;
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-4096);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = parseEvent(line);
      if (event) this.events.push(event);
      this.#wake();
    });
    // 'close' comes after the last line; 'exit' may come before.
    this.exited = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        this.#ended = true;
        this.#wake();
        resolve(code);
      });
    });
    this.exited.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** The first event that fits, among those seen and those to come. */
  async until(fits: (event: Event) => boolean, timeoutMs = 60_000): Promise<Event> {
    const deadline = Date.now() + timeoutMs;
    for (let at = 0; ; ) {
      for (; at < this.events.length; at += 1) if (fits(this.events[at] as Event)) return this.events[at] as Event;
      const left = deadline - Date.now();
      if (this.#ended || left <= 0) throw new Error(this.#story(left <= 0 ? 'waited too long' : 'ended before that'));
      await this.#next(left);
    }
  }

  named(event: string, timeoutMs?: number): Promise<Event> {
    return this.until((one) => one.event === event, timeoutMs);
  }

  count(event: string): number {
    return this.events.filter((one) => one.event === event).length;
  }

  /** Waits for the end and requires exit code 0. */
  async succeeds(): Promise<void> {
    const code = await this.exited;
    if (code !== 0) throw new Error(this.#story(`exited ${code}`));
  }

  /** `kill -9`. */
  kill(): void {
    if (!this.#ended) this.#child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    if (!this.#ended) this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.exited.catch(() => undefined);
    clearTimeout(late);
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    for (const one of this.#waiting.splice(0)) one();
  }

  #story(what: string): string {
    const seen = this.events.slice(-10).map((event) => JSON.stringify(event));
    return `${this.#name}: ${what}\n${seen.join('\n')}\n${this.#errors}`;
  }
}
