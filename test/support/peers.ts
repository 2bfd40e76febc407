// SPDX-License-Identifier: Apache-2.0
/** A real listener and real callers for tests of `peer/`: everything lives in one temporary folder and ends with `close`. */
import { type SpawnOptions, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
} from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, it } from '@jest/globals';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { Failure } from '../../src/lib/failure.ts';
import { Ceilings, type ConnectionCeilings } from '../../src/peer/ceilings.ts';
import { listenForPeers, type PeerListener } from '../../src/peer/listener.ts';
import type { Peer } from '../../src/peer/peer.ts';
import { type PeerPlatform, type PlatformOptions, preparePeerPlatform } from '../../src/peer/platform.ts';
import type { Hold } from '../../src/peer/process-table.ts';
import { type Logger, silentLogger } from '../../src/telemetry/logger.ts';
import { type Line, LineProgram } from './line-program.ts';

export { closed, ended } from './peer-ends.ts';

export const isRoot = process.getuid?.() === 0;
/** Runs as root, skipped otherwise with one line. */
export const asRoot = isRoot ? it : it.skip;
const hasGcc = spawnSync('gcc', ['--version']).status === 0;
export const withGcc = hasGcc ? it : it.skip;
export const withGccAsRoot = hasGcc && isRoot ? it : it.skip;

export const roomy: ConnectionCeilings = new Ceilings({
  what: 'connections',
  perUid: 100_000,
  perCgroup: 100_000,
  total: 100_000,
  reserved: 64,
  ownUid: process.getuid?.() ?? 0,
});

/** Closed after each test, however it went: an open listener would keep the test runner waiting. */
const benches = new Set<PeerBench>();
afterEach(async () => {
  const open = [...benches];
  benches.clear();
  for (const pid of holders.splice(0)) process.kill(pid, 'SIGKILL');
  await Promise.all(open.map((bench) => bench.close()));
});

const holders: number[] = [];

/** The first connection of the caller stays open on its side, whatever becomes of the caller. */
export async function leaveWithChild(caller: LineProgram): Promise<void> {
  caller.say('child');
  holders.push((await caller.heard('child'))['pid'] as number);
}

export interface Accepted {
  readonly socket: Socket;
  readonly peer: Peer;
}

export class PeerBench {
  readonly folder: string;
  readonly accepted: Accepted[] = [];
  readonly refused: Failure[] = [];
  onAdmit: ((hold: Hold) => void) | undefined;
  onAccept: ((accepted: Accepted) => void) | undefined;
  /** Run before the folder is removed, last added first. */
  readonly atClose: (() => void)[] = [];
  readonly #platform: PeerPlatform;
  readonly #programs: LineProgram[] = [];
  #listener: PeerListener | undefined;
  #accepting = new Set<() => void>();

  constructor(platform: PeerPlatform) {
    this.#platform = platform;
    this.folder = temporaryFolder();
  }

  static async open(
    options: Partial<PlatformOptions & { ceilings: ConnectionCeilings; log: Logger; clock: Clock }> = {},
  ): Promise<PeerBench> {
    const platform = await preparePeerPlatform({
      log: silentLogger,
      clock: systemClock,
      digestFileBytes: 512 << 20,
      connections: 100,
      ...options,
    });
    const bench = new PeerBench(platform);
    benches.add(bench);
    bench.#listener = await listenForPeers({
      path: bench.path,
      mode: 0o777,
      folderMode: 0o755,
      log: options.log ?? silentLogger,
      ceilings: options.ceilings ?? roomy,
      platform: {
        admit: (fd) => {
          const hold = platform.admit(fd);
          bench.onAdmit?.(hold);
          return hold;
        },
        sharesNamespaces: (process) => platform.sharesNamespaces(process),
      },
      accept: (socket, peer) => {
        bench.accepted.push({ socket, peer });
        bench.onAccept?.({ socket, peer });
        // Without a reader, a socket never sees the other side's end.
        socket.resume();
        bench.#wake();
      },
      refused: (failure) => {
        bench.refused.push(failure);
        bench.#wake();
      },
    });
    return bench;
  }

  get path(): string {
    return join(this.folder, 'socket', 'api.sock');
  }

  get platform(): PeerPlatform {
    return this.#platform;
  }

  get connections(): number {
    return this.#listener?.connections ?? 0;
  }

  /** A copy of `file` that any uid may read and run. */
  share(file: string, name: string): string {
    const to = join(this.folder, name);
    if (existsSync(to)) return to;
    if (file === process.execPath) linkSync(copyOfNode(), to);
    else copyFileSync(file, to);
    chmodSync(to, 0o755);
    return to;
  }

  /** The caller program, running under `uid` if one is given. */
  async caller(
    options: { uid?: number; gid?: number; program?: string; wrap?: readonly string[] } = {},
  ): Promise<LineProgram> {
    const { program = 'caller.ts', wrap = [], ...ids } = options;
    const node = ids.uid === undefined ? process.execPath : this.share(process.execPath, 'node');
    const script = this.share(join(import.meta.dirname, '..', 'peer', 'programs', program), program);
    const [command = '', ...args] = [...wrap, node, '--no-warnings', script];
    return this.start(command, args, ids);
  }

  /**
   * `programs/listen.ts` from a copy of the sources that any uid may read, at a socket in a folder of its own. `wrap` is
   * put before the command (`unshare …`).
   */
  async daemon(
    flags: readonly string[] = [],
    ids: { uid?: number; gid?: number } = {},
    wrap: readonly string[] = [],
    passed: readonly number[] = [],
  ): Promise<{ program: LineProgram; path: string; pid: number; ready: Line }> {
    const sources = shareSources(this.folder);
    const home = join(this.folder, `daemon-${this.#programs.length}`);
    mkdirSync(home);
    if (ids.uid !== undefined) chownSync(home, ids.uid, ids.gid ?? ids.uid);
    const path = join(home, 'socket', 'api.sock');
    const script = join(sources, 'test', 'peer', 'programs', 'listen.ts');
    const node = [this.share(process.execPath, 'node'), '--no-warnings', script, path, ...flags];
    const [command = '', ...args] = [...wrap, ...node];
    const stdio: SpawnOptions['stdio'] = ['pipe', 'pipe', 'pipe', ...passed];
    const program = new LineProgram(command, args, { ...ids, cwd: this.folder, stdio });
    this.#programs.push(program);
    const ready = await program.heard('ready');
    return { program, path, pid: program.pid, ready };
  }

  async start(
    command: string,
    args: readonly string[],
    ids: { uid?: number; gid?: number } = {},
  ): Promise<LineProgram> {
    const started = new LineProgram(command, args, { ...ids, cwd: this.folder });
    this.#programs.push(started);
    await started.heard('ready');
    return started;
  }

  /** Tells a caller to connect and gives the connection as the daemon sees it. */
  async connect(caller: LineProgram): Promise<Accepted> {
    const count = this.accepted.length;
    caller.say(`connect ${this.path}`);
    await caller.heard('connected');
    return this.next(count);
  }

  /** The connection after the first `count`. */
  async next(count: number): Promise<Accepted> {
    await this.until(() => this.accepted.length > count);
    return this.accepted[count] as Accepted;
  }

  async until(reached: () => boolean, timeoutMs = 10_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!reached()) {
      if (Date.now() > deadline)
        throw new Error(`not reached; last refused: ${this.refused.slice(-2).map(String).join(', ')}`);
      await new Promise<void>((resolve) => {
        this.#accepting.add(resolve);
        setTimeout(resolve, 20);
      });
    }
  }

  /** Only the listener. */
  async stop(): Promise<void> {
    await this.#listener?.close();
  }

  async close(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.end()));
    await this.stop();
    await this.#platform.close();
    for (const undo of this.atClose.reverse()) undo();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #wake(): void {
    for (const wake of this.#accepting) wake();
    this.#accepting.clear();
  }
}

/**
 * One copy for a test file. Links are made of the copy: a link changes the file's times, and somebody may be hashing the
 * Node that everybody runs.
 */
let nodeFolder: string | undefined;
function copyOfNode(): string {
  if (nodeFolder === undefined) {
    nodeFolder = temporaryFolder();
    copyFileSync(process.execPath, join(nodeFolder, 'node'));
  }
  return join(nodeFolder, 'node');
}
afterAll(() => {
  if (nodeFolder !== undefined) rmSync(nodeFolder, { recursive: true, force: true });
});

/** Below the system's, readable for every uid. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-peer-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** What a daemon of another uid needs of the checkout, whose parents that uid may not read. */
function shareSources(folder: string): string {
  const to = join(folder, 'checkout');
  if (existsSync(to)) return to;
  const from = join(import.meta.dirname, '..', '..');
  for (const part of [
    'src/lib',
    'src/peer',
    'src/telemetry',
    'test/peer/programs',
    'node_modules/koffi',
    'node_modules/@koromix',
  ]) {
    cpSync(join(from, part), join(to, part), { recursive: true, filter: (path) => !/\/(doc|vendor)$/.test(path) });
  }
  copyFileSync(join(from, 'package.json'), join(to, 'package.json'));
  return to;
}

/** Compiles a C program of test/vectors/peer into `folder`. */
export function compile(name: string, folder: string, flags: readonly string[] = []): string {
  mkdirSync(folder, { recursive: true });
  const out = join(folder, name.replace(/\.c$/, flags.includes('-shared') ? '.so' : ''));
  const source = join(import.meta.dirname, '..', 'vectors', 'peer', name);
  const { status, stderr } = spawnSync('gcc', ['-O1', '-Wall', '-Werror', ...flags, '-o', out, source], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`gcc ${name}: ${stderr}`);
  return out;
}
