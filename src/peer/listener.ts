// SPDX-License-Identifier: Apache-2.0
/**
 * Accepts on a unix socket and knows who connected before it hands a connection over: the kernel is asked in the accept
 * callback itself, without an await (attack A3); a helper has looked at the process. A connection ends with the process
 * that made it: when that exits, execs or changes uid, the socket is destroyed, whoever holds the other end by then
 * (attack A2).
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Failure } from '../lib/failure.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ConnectionCeilings } from './ceilings.ts';
import type { AcceptPeer, Peer } from './peer.ts';
import { setPeer } from './peer-of.ts';
import type { PeerPlatform } from './platform.ts';
import type { TrackedProcess } from './process.ts';
import type { Hold } from './process-table.ts';
import { descriptorOf } from './socket-descriptor.ts';
import { bindSocketFile } from './socket-file.ts';
import { prepareSocketFolder } from './socket-folder.ts';
import { checkPassedSocket } from './systemd.ts';

export interface ListenerOptions {
  readonly path: string;
  readonly mode: number;
  readonly folderMode: number;
  /** Group of the folder and the socket; the daemon's when absent. */
  readonly folderGroup?: number;
  readonly accept: AcceptPeer;
  readonly log: Logger;
  readonly ceilings: ConnectionCeilings;
  readonly platform: Pick<PeerPlatform, 'admit' | 'sharesNamespaces'>;
  /** A listening socket handed over by the service manager, instead of one made here. */
  readonly systemdFd?: number;
  /** Told of each refused connection before it is destroyed, for counting. */
  readonly refused?: (failure: Failure) => void;
}

export interface PeerListener {
  /** Stops accepting, destroys what is open, removes the socket file. Idempotent. */
  close(): Promise<void>;
  readonly path: string;
  readonly connections: number;
}

/** Connections waiting for accept(); the kernel caps it at net.core.somaxconn. */
const BACKLOG = 4096;
/** A caller that is refused again and again fills no disk: one line per reason in this time. */
const REFUSAL_LOG_MS = 1_000;

let connectionNumber = 0;

export async function listenForPeers(options: ListenerOptions): Promise<PeerListener> {
  const { path, log } = options;
  const open = new Set<Socket>();
  const refusals = new RefusalLog(log);
  // What a caller sends before it is looked at waits in the kernel.
  const server = createServer({ pauseOnConnect: true });
  const refuse = (socket: Socket, refusal: Failure): void => {
    socket.destroy();
    refusals.add(refusal, path);
    options.refused?.(refusal);
  };
  server.on('connection', (socket) => admit(socket, options, open, refuse));
  server.on('error', (error) => log.error({ err: error, path }, 'listener failed'));
  const unlink = await startListening(server, options);
  let closing: Promise<void> | undefined;
  return {
    path,
    get connections() {
      return open.size;
    },
    close: () => {
      closing ??= stop(server, open, unlink);
      return closing;
    },
  };
}

/** Who it is, synchronously; then, once the caller has been looked at, the hand-over. */
function admit(
  socket: Socket,
  options: ListenerOptions,
  open: Set<Socket>,
  refuse: (socket: Socket, refusal: Failure) => void,
): void {
  socket.on('error', () => socket.destroy());
  let hold: Hold | undefined;
  try {
    hold = options.platform.admit(descriptorOf(socket));
    const lease = options.ceilings.acquire(hold);
    if (lease instanceof Failure) throw lease;
    open.add(socket);
    tie(socket, hold, () => {
      lease.release();
      open.delete(socket);
    });
  } catch (error) {
    hold?.release();
    refuse(socket, asFailure(error));
    return;
  }
  const { process } = hold;
  hold.ready().then(
    () => handOver(socket, process, options),
    (error: unknown) => {
      // Closed by the caller, or by the end of its process, while it was looked at.
      if (!socket.destroyed) refuse(socket, asFailure(error));
    },
  );
}

function handOver(socket: Socket, process: TrackedProcess, { accept, platform, log }: ListenerOptions): void {
  // guard: A2 test/peer/listener.test.ts — it ended while it was looked at
  if (socket.destroyed || process.ended !== undefined) return;
  connectionNumber += 1;
  const peer: Peer = {
    process,
    connection: connectionNumber,
    get sameNamespaces() {
      return platform.sharesNamespaces(process);
    },
  };
  setPeer(socket, peer);
  try {
    accept(socket, peer);
    socket.resume();
  } catch (error) {
    log.error({ err: error }, 'a connection could not be taken over');
    socket.destroy();
  }
}

/** The socket lives no longer than its process, the hold on the process no longer than the socket. */
function tie(socket: Socket, hold: Hold, closed: () => void): void {
  // guard: A2 test/peer/process-end.test.ts — a child may hold the other end open for ever
  const forget = hold.process.onEnd(() => socket.destroy());
  socket.once('close', () => {
    forget();
    closed();
    hold.release();
  });
}

async function startListening(server: Server, options: ListenerOptions): Promise<() => void> {
  const { path, systemdFd } = options;
  if (systemdFd !== undefined) {
    checkPassedSocket(systemdFd, path);
    await listen(server, systemdFd);
    return () => undefined;
  }
  prepareSocketFolder(path, { mode: options.folderMode, group: options.folderGroup, ownUid: process.geteuid?.() ?? 0 });
  const bound = await bindSocketFile(path, options.mode, options.folderGroup);
  try {
    await listen(server, bound.fd.number);
  } catch (error) {
    bound.unlink();
    bound.fd.close();
    throw error;
  }
  return bound.unlink;
}

/** The server owns the descriptor from here on. */
function listen(server: Server, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function stop(server: Server, open: ReadonlySet<Socket>, unlink: () => void): Promise<void> {
  unlink();
  for (const socket of [...open]) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}

function asFailure(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  return new Failure('internal', 'PEER_UNREADABLE', 'connection refused: the caller could not be looked at', { cause });
}

class RefusalLog {
  readonly #log: Logger;
  readonly #last = new Map<string, { at: number; skipped: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  add(failure: Failure, path: string): void {
    const now = performance.now();
    const last = this.#last.get(failure.reason);
    if (last !== undefined && now - last.at < REFUSAL_LOG_MS) {
      last.skipped += 1;
      return;
    }
    this.#last.set(failure.reason, { at: now, skipped: 0 });
    this.#log.warn({ reason: failure.reason, err: failure, path, skipped: last?.skipped ?? 0 }, 'connection refused');
  }
}
