// SPDX-License-Identifier: Apache-2.0
/**
 * The script that an interpreter runs: where it lies, and what its content hashes to. All of it is what the process says of
 * itself, its command line and its folder, so it is only ever *claimed*; and all of it is read by helpers that can be
 * killed, since a process can make a reader of any of it wait (attack A11).
 *
 * What was found once stands while the process runs the same image, though the file is replaced meanwhile, as for
 * executables (attack A7).
 */
import { ceilingSubject } from './ceilings.ts';
import type { DigestCache } from './digest-cache.ts';
import { fileAt, linkText } from './executable-path.ts';
import type { FileAnswer, FileReader } from './file-jobs.ts';
import type { Mounts } from './mounts.ts';
import { AT_FDCWD } from './native.ts';
import type { TrackedProcess } from './process.ts';
import type { Digest, Script, Unreadable } from './process-handle.ts';
import { scriptArgument } from './script-argument.ts';
import { unanswered } from './unanswered.ts';

export interface ScriptOptions {
  readonly ownMountNamespace: string | undefined;
  readonly looks: FileReader;
  /** For files on this machine's own disks, and for files that a server answers for (FUSE, network, unknown mounts). */
  readonly local: FileReader;
  readonly served: FileReader;
  readonly mounts: Pick<Mounts, 'isLocal'>;
  readonly cache: DigestCache;
  readonly mostBytes: number;
}

type Found = Extract<FileAnswer, { kind: 'script' }> & { readonly argument: string; readonly sameMounts: boolean };

interface Remembered {
  place: Script | undefined;
  sha256: string | undefined;
}

export class ScriptLooks {
  readonly #options: ScriptOptions;
  readonly #remembered = new WeakMap<TrackedProcess, Remembered>();

  constructor(options: ScriptOptions) {
    this.#options = options;
  }

  async place(process: TrackedProcess, signal: AbortSignal): Promise<Script | Unreadable> {
    const known = this.#recall(process);
    if (known.place !== undefined) return known.place;
    const found = await this.#find(process, signal);
    if ('reason' in found) return found;
    const place = await this.#placeOf(process, found, signal);
    if ('reason' in place) return place;
    known.place = place;
    return place;
  }

  async digest(process: TrackedProcess, signal: AbortSignal): Promise<Digest | Unreadable> {
    const known = this.#recall(process);
    if (known.sha256 !== undefined) return { readable: true, sha256: known.sha256 };
    const found = await this.#find(process, signal);
    if ('reason' in found) return found;
    const sha256 = await this.#hash(process, found, signal);
    if (typeof sha256 !== 'string') return sha256;
    known.sha256 = sha256;
    return { readable: true, sha256 };
  }

  async #find(process: TrackedProcess, signal: AbortSignal): Promise<Found | Unreadable> {
    const { executable, namespaces } = await process.lookAgain(signal);
    if (typeof executable === 'string') return unreadable(executable);
    const runs = linkText(Buffer.from(executable.link));
    if ('reason' in runs) return unreadable(runs.reason);
    const answer = await this.#run(process, this.#options.looks, { kind: 'arguments', pid: process.pid }, signal);
    if (answer.kind !== 'arguments') throw unanswered(answer, 'arguments');
    const argument = scriptArgument(runs.text, argumentsIn(answer.head, answer.whole));
    if ('reason' in argument) return unreadable(argument.reason);
    const found = await this.#open(process, argument.script, signal);
    if ('reason' in found) return found;
    const own = this.#options.ownMountNamespace;
    return { ...found, argument: argument.script, sameMounts: own !== undefined && namespaces.mnt === own };
  }

  /** From what the kernel has in memory, which an interpreter has just put there; only else from the file system. */
  async #open(
    process: TrackedProcess,
    argument: string,
    signal: AbortSignal,
  ): Promise<Extract<FileAnswer, { kind: 'script' }> | Unreadable> {
    const { looks, served } = this.#options;
    const job = { kind: 'script', pid: process.pid, argument } as const;
    let answer = await this.#run(process, looks, { ...job, waiting: false }, signal);
    // guard: A11 test/peer/script.test.ts — a file server that does not answer holds up only those it serves
    if (answer.kind === 'ask') answer = await this.#run(process, served, { ...job, waiting: true }, signal);
    if (answer.kind === 'unreadable') return unreadable(answer.reason);
    if (answer.kind !== 'script') throw unanswered(answer, 'script');
    return answer;
  }

  async #placeOf(process: TrackedProcess, found: Found, signal: AbortSignal): Promise<Script | Unreadable> {
    const text = linkText(Buffer.from(found.link));
    if ('reason' in text) return unreadable(text.reason.replace('executable', 'script'));
    // guard: A6 test/peer/script.test.ts — in another mount namespace its owner decides what a path means
    if (!found.sameMounts) return unreadable('the process is in another mount namespace, or may not be looked at');
    const known = fileAt(AT_FDCWD, text.text);
    const at = known === 'ask' ? await this.#ask(process, text.text, signal) : known;
    const { device, inode } = found.file;
    // guard: A6 test/peer/script.test.ts — below another root the same path is another file
    if (at === 'nothing' || at.device !== device || at.inode !== inode)
      return unreadable('the file at the path of the script is not the one that the process names');
    return { readable: true, path: text.text };
  }

  async #ask(process: TrackedProcess, path: string, signal: AbortSignal) {
    const job = { kind: 'identity', path, rootOfPid: undefined } as const;
    const answer = await this.#run(process, this.#options.served, job, signal);
    if (answer.kind !== 'identity') throw unanswered(answer, 'script');
    return answer.found ?? 'nothing';
  }

  async #hash(process: TrackedProcess, found: Found, signal: AbortSignal): Promise<string | Unreadable> {
    const { cache, mounts, mostBytes, local, served } = this.#options;
    const { file, argument } = found;
    const isLocal = mounts.isLocal(file, found.shortMountId);
    const cached = cache.get(file, isLocal);
    if (cached !== undefined) return cached;
    const job = { kind: 'script-sha256', pid: process.pid, argument, file, mostBytes } as const;
    const answer = await this.#run(process, isLocal ? local : served, job, signal);
    if (answer.kind === 'unreadable') return unreadable(answer.reason);
    if (answer.kind !== 'sha256') throw unanswered(answer, 'script');
    cache.put(file, isLocal, answer.sha256);
    return answer.sha256;
  }

  /** Of this process: it was there before, and is the same afterwards (attack A4). */
  async #run(process: TrackedProcess, reader: FileReader, job: Parameters<FileReader['run']>[1], signal: AbortSignal) {
    const answer = await reader.run(ceilingSubject(process), job, signal);
    await process.lookAgain(signal);
    return answer;
  }

  #recall(process: TrackedProcess): Remembered {
    const known = this.#remembered.get(process) ?? { place: undefined, sha256: undefined };
    this.#remembered.set(process, known);
    return known;
  }
}

function unreadable(reason: string): Unreadable {
  return { readable: false, reason };
}

/** What is cut off at the end of the head is no argument. */
function argumentsIn(head: Uint8Array, whole: boolean): readonly string[] {
  const words = Buffer.from(head).toString('utf8').split('\0');
  // Each ends with a zero: what is behind the last is nothing, or a part.
  const complete = whole && words.at(-1) !== '' ? words : words.slice(0, -1);
  return complete;
}
