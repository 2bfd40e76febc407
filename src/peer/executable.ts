// SPDX-License-Identifier: Apache-2.0
/**
 * What runs in a process: which file, where it lies, what its content hashes to. The file's identity comes from a
 * proven look; its path and content, which a workload chooses, from the kernel's memory or from a helper process that
 * can be killed (attack A11).
 *
 * What was attested once stands while the process runs the same device and inode, though the file was renamed or
 * replaced meanwhile (attack A7): an upgrade takes no identity away.
 */
import { Failure } from '../lib/failure.ts';
import { ceilingSubject } from './ceilings.ts';
import type { DigestCache } from './digest-cache.ts';
import { fileAt, linkText } from './executable-path.ts';
import type { FileReader } from './file-jobs.ts';
import type { SeenExecutable } from './look.ts';
import type { Mounts } from './mounts.ts';
import { AT_FDCWD } from './native.ts';
import type { TrackedProcess } from './process.ts';
import type { Digest, Executable, Unreadable } from './process-handle.ts';
import type { FileIdentity } from './statx.ts';
import { unanswered } from './unanswered.ts';

export interface ExecutableOptions {
  readonly ownMountNamespace: string | undefined;
  /** For files on this machine's own disks, and for files that a server answers for (FUSE, network, unknown mounts). */
  readonly local: FileReader;
  readonly served: FileReader;
  readonly mounts: Pick<Mounts, 'isLocal'>;
  readonly cache: DigestCache;
  readonly mostBytes: number;
}

interface Seen extends SeenExecutable {
  /** Undefined: not to be learnt. */
  readonly sameMountNamespace: boolean | undefined;
}

/** What stands for as long as the process runs what it ran at first. */
interface Remembered {
  path: string | undefined;
  containerPath: string | undefined;
  sha256: string | undefined;
}

type Place = Pick<Executable, 'path' | 'pathReason' | 'containerPath'>;

export class ExecutableLooks {
  readonly #options: ExecutableOptions;
  readonly #remembered = new WeakMap<TrackedProcess, Remembered>();

  constructor(options: ExecutableOptions) {
    this.#options = options;
  }

  async exe(process: TrackedProcess, signal: AbortSignal): Promise<Executable | Unreadable> {
    const seen = await this.#see(process, signal);
    if ('reason' in seen) return seen;
    const { device, inode, mountId, birthTimeNs } = seen.file;
    const place = await this.#place(process, seen, signal);
    return { readable: true, ...place, device, inode, mountId, birthTimeNs };
  }

  async digest(process: TrackedProcess, signal: AbortSignal): Promise<Digest | Unreadable> {
    const seen = await this.#see(process, signal);
    if ('reason' in seen) return seen;
    const known = this.#recall(process);
    // guard: A7 test/peer/executable.test.ts
    if (known.sha256 !== undefined) return { readable: true, sha256: known.sha256 };
    const cached = this.#options.cache.get(seen.file, this.#isLocal(seen));
    const answer = cached ?? (await this.#hash(process, seen, signal));
    if (typeof answer !== 'string') return answer;
    known.sha256 = answer;
    return { readable: true, sha256: answer };
  }

  async #hash(process: TrackedProcess, seen: Seen, signal: AbortSignal): Promise<string | Unreadable> {
    const { mostBytes, cache } = this.#options;
    const job = { kind: 'sha256', pid: process.pid, file: seen.file, mostBytes } as const;
    const answer = await this.#reader(seen).run(ceilingSubject(process), job, signal);
    if (answer.kind === 'unreadable') return { readable: false, reason: answer.reason };
    if (answer.kind !== 'sha256') throw unanswered(answer, 'executable');
    // guard: A8 test/peer/executable.test.ts — alive after the last byte, and still running that file
    await process.takeLook(signal);
    cache.put(seen.file, this.#isLocal(seen), answer.sha256);
    return answer.sha256;
  }

  #reader(seen: Seen): FileReader {
    // guard: A11 test/peer/fuse.test.ts — a hostile file server holds up only those it serves
    if (!this.#isLocal(seen)) return this.#options.served;
    return this.#options.local;
  }

  #isLocal(seen: Seen): boolean {
    return this.#options.mounts.isLocal(seen.file, seen.shortMountId);
  }

  async #place(process: TrackedProcess, seen: Seen, signal: AbortSignal): Promise<Place> {
    const known = this.#recall(process);
    // guard: A7 test/peer/executable.test.ts
    if (known.path !== undefined) return { path: known.path, pathReason: undefined, containerPath: undefined };
    const text = linkText(Buffer.from(seen.link));
    if ('reason' in text) return placeless(text.reason);
    // guard: A6 test/peer/executable.test.ts — in another mount namespace its owner decides what a path means
    if (seen.sameMountNamespace !== true) return this.#elsewhere(process, seen, text.text, signal);
    const stands = await this.#stands(process, seen, text.text, undefined, signal);
    // guard: A6 test/peer/executable.test.ts — the file at that path must be the file that runs
    if (!stands) return placeless('the file at the path of the executable is not the one that runs');
    known.path = text.text;
    return { path: known.path, pathReason: undefined, containerPath: undefined };
  }

  async #elsewhere(process: TrackedProcess, seen: Seen, text: string, signal: AbortSignal): Promise<Place> {
    if (seen.sameMountNamespace === undefined) {
      return placeless('the mount namespace of the process may not be read');
    }
    const known = this.#recall(process);
    if (known.containerPath === undefined && (await this.#stands(process, seen, text, process.pid, signal))) {
      known.containerPath = text;
    }
    const reason = 'the process is in another mount namespace, where its owner decides what a path means';
    return { path: undefined, pathReason: reason, containerPath: known.containerPath };
  }

  /** The file at `path`, below the root of a process where one is named, is the one that was seen. */
  async #stands(
    process: TrackedProcess,
    seen: Seen,
    path: string,
    rootOfPid: number | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const known = rootOfPid === undefined ? fileAt(AT_FDCWD, path) : 'ask';
    if (known !== 'ask') return known !== 'nothing' && sameFile(known, seen.file);
    const job = { kind: 'identity', path, rootOfPid } as const;
    const answer = await this.#reader(seen).run(ceilingSubject(process), job, signal);
    if (answer.kind !== 'identity') throw unanswered(answer, 'executable');
    // The root was that of a number, and time has passed.
    await process.takeLook(signal);
    return answer.found !== undefined && sameFile(answer.found, seen.file);
  }

  async #see(process: TrackedProcess, signal: AbortSignal): Promise<Seen | Unreadable> {
    const { executable, namespaces, baseline } = await process.lookAgain(signal);
    if (typeof executable === 'string') return { readable: false, reason: executable };
    const { exe } = baseline;
    // guard: A5 test/peer/executable.test.ts — an exec in the middle of the look
    if (exe === undefined || !sameFile(executable.file, exe)) throw changed();
    const own = this.#options.ownMountNamespace;
    const sameMountNamespace = own === undefined || namespaces.mnt === undefined ? undefined : namespaces.mnt === own;
    return { ...executable, sameMountNamespace };
  }

  #recall(process: TrackedProcess): Remembered {
    const known = this.#remembered.get(process);
    if (known !== undefined) return known;
    const fresh = { path: undefined, containerPath: undefined, sha256: undefined };
    this.#remembered.set(process, fresh);
    return fresh;
  }
}

function placeless(pathReason: string): Place {
  return { path: undefined, pathReason, containerPath: undefined };
}

function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

function changed(): Failure {
  return new Failure('unavailable', 'PROCESS_GONE', 'the executable changed while it was looked at', {
    hint: 'connect again',
  });
}
