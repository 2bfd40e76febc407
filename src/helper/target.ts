// SPDX-License-Identifier: Apache-2.0
/**
 * One thing that is kept fresh in a folder: a set of files, or a lone one. It is handed content, the newest of which counts;
 * writes it if it differs from what is there; tries again when that failed; and says when something changed. What it wrote
 * it never removes: when nothing newer comes, the last files stay.
 */
import { Backoff } from '../client/backoff.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import { FileSet } from './file-set.ts';
import { LoneFile } from './lone-file.ts';
import { type FolderRules, TargetFolder } from './target-folder.ts';
import type { WantedFile, WantedSet } from './wanted-file.ts';
import { writeFailure } from './write-failure.ts';

export interface Content {
  readonly files: WantedSet;
  /** When the first of it ends, milliseconds UTC; undefined: it does not end by itself. */
  readonly freshUntil: number | undefined;
  /** For the log and the health page: whose it is, and no secret. */
  readonly about: object;
}

export interface TargetOptions {
  /** `web/x509`. */
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** Of the files of every content. */
  readonly names: readonly string[];
  readonly rules: FolderRules;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** After each success; `changed`: something on the disk is another than before. */
  readonly onWritten: (changed: boolean) => void;
}

export interface TargetStatus {
  readonly name: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly state: 'unwritten' | 'written' | 'failed';
  /** Milliseconds UTC. */
  readonly freshUntil: number | undefined;
  readonly writtenAt: number | undefined;
  /** Times that something was replaced. */
  readonly writes: number;
  /** Of the last attempt to write, or what kept content from coming; undefined when all is well. */
  readonly problem: string | undefined;
}

/** How long the version before stays for whoever opened its folder. */
const FORGET_AFTER_MS = 10_000;

export class Target {
  readonly #options: TargetOptions;
  readonly #files: { write(folder: TargetFolder, content: WantedSet): Promise<boolean> };
  readonly #set: FileSet | undefined;
  readonly #backoff: Backoff;
  #next: Content | undefined;
  #busy: Promise<void> | undefined;
  #retry: Timer | undefined;
  #forget: Timer | undefined;
  #closed = false;
  #state: TargetStatus['state'] = 'unwritten';
  #writeProblem: string | undefined;
  #sourceProblem: string | undefined;
  #freshUntil: number | undefined;
  #writtenAt: number | undefined;
  #writes = 0;

  constructor(options: TargetOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    const tools = { random: options.random, now: () => options.clock.now() };
    const [first = '', ...more] = options.names;
    if (more.length > 0) this.#files = this.#set = new FileSet(options.names, tools);
    else {
      const lone = new LoneFile(first, tools);
      this.#files = { write: (folder, [file]: readonly [WantedFile, ...WantedFile[]]) => lone.write(folder, file) };
    }
  }

  /** Replaces whatever was offered before and is not written yet. */
  offer(content: Content): void {
    this.#sourceProblem = undefined;
    this.#next = content;
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#start();
  }

  /** There is no content to be had at present, and why. */
  lacks(problem: string): void {
    this.#sourceProblem = problem;
  }

  status(): TargetStatus {
    const { name, folder, names } = this.#options;
    return {
      name,
      folder,
      files: names,
      state: this.#state,
      freshUntil: this.#freshUntil,
      writtenAt: this.#writtenAt,
      writes: this.#writes,
      problem: this.#writeProblem ?? this.#sourceProblem,
    };
  }

  /** Resolves when what was begun has ended; nothing is written afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#next = undefined;
    this.#retry?.cancel();
    this.#forget?.cancel();
    await this.#busy;
    if (this.#writes > 0) await this.#forgetOld();
  }

  #start(): void {
    if (!this.#closed) this.#alone(() => this.#work());
  }

  /** One thing at a time touches the files; what is asked for meanwhile is found by `#work` when that has ended. */
  #alone(job: () => Promise<void>): void {
    if (this.#busy !== undefined) return;
    this.#busy = job().finally(() => {
      this.#busy = undefined;
      if (this.#next !== undefined && this.#retry === undefined) this.#start();
    });
  }

  async #work(): Promise<void> {
    while (this.#next !== undefined) {
      const content = this.#next;
      this.#next = undefined;
      try {
        this.#written(content, await this.#within((folder) => this.#files.write(folder, content.files)));
      } catch (error) {
        this.#failed(content, writeFailure(this.#options.folder, error));
        return;
      }
    }
  }

  #written({ freshUntil, about }: Content, changed: boolean): void {
    this.#backoff.reset();
    this.#state = 'written';
    this.#writeProblem = undefined;
    this.#freshUntil = freshUntil;
    const { name, folder, clock, log, onWritten } = this.#options;
    if (!changed) {
      onWritten(false);
      return;
    }
    this.#writtenAt = clock.now();
    this.#writes += 1;
    const until = freshUntil === undefined ? {} : { until: new Date(freshUntil).toISOString() };
    log.info({ output: name, folder, ...about, ...until }, 'files replaced');
    this.#forget?.cancel();
    this.#forget = clock.after(FORGET_AFTER_MS, () => this.#alone(() => this.#forgetOld()));
    onWritten(true);
  }

  #failed(content: Content, failure: Failure): void {
    const { name, clock, log } = this.#options;
    this.#state = 'failed';
    this.#writeProblem = failure.message;
    // Newer content may have come meanwhile.
    this.#next ??= content;
    const retryInMs = this.#backoff.next();
    log.error(
      { output: name, err: failure, next: failure.hint, retryInMs },
      'files not replaced; those of before stay',
    );
    if (this.#closed) return;
    this.#retry = clock.after(retryInMs, () => {
      this.#retry = undefined;
      this.#start();
    });
  }

  async #forgetOld(): Promise<void> {
    const set = this.#set;
    if (set === undefined) return;
    // The next version sweeps as well.
    await this.#within((folder) => set.forget(folder)).catch(() => undefined);
  }

  async #within<T>(act: (folder: TargetFolder) => Promise<T>): Promise<T> {
    const folder = await TargetFolder.open(this.#options.folder, this.#options.rules);
    try {
      return await act(folder);
    } finally {
      await folder.close();
    }
  }
}
