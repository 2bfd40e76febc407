// SPDX-License-Identifier: Apache-2.0
/**
 * The kernel's process connector (linux/cn_proc.h over netlink): told of every exec and change of uid on the machine,
 * milliseconds after. Needs CAP_NET_ADMIN and the first pid, user and network namespaces; `open` finds out by trying,
 * and proves that events flow and that their pids are ours by causing one.
 */
import {
  AF_NETLINK,
  bindSocket,
  openSocket,
  receiveBytes,
  renameThreadToItself,
  SO_RCVBUFFORCE,
  SOCK_DGRAM,
  SOL_SOCKET,
  sendBytes,
  setSocketOption,
} from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';

const NETLINK_CONNECTOR = 11;
const CN_IDX_PROC = 1;
const CN_VAL_PROC = 1;
const PROC_CN_MCAST_LISTEN = 1;
const NLMSG_DONE = 3;
/** struct nlmsghdr, then struct cn_msg, then struct proc_event. */
const CN_AT = 16;
const EVENT_AT = 36;
const DATA_AT = EVENT_AT + 16;

const EXEC = 0x2;
const UID = 0x4;
const GID = 0x40;
const COMM = 0x200;

/** The three kinds that matter (Linux 6.6); a kernel that knows no such request ignores it, and is asked for everything. */
const REQUESTS = [[PROC_CN_MCAST_LISTEN, EXEC | UID | GID], [PROC_CN_MCAST_LISTEN]] as const;
/** For the test: names of threads too, which anybody changes as often as they like. */
const TEST_REQUESTS = [[PROC_CN_MCAST_LISTEN, EXEC | UID | GID | COMM], [PROC_CN_MCAST_LISTEN]] as const;

/** Events read in one go: some 10 ms. A queue longer than this has grown faster than it can be read. */
export const MOST_AT_ONCE = 4_096;

/** Enough for some 40,000 events while the reader is held up. */
const RECEIVE_BYTES = 8 << 20;

export type ExecEvent = { readonly kind: 'exec'; readonly pid: number; readonly at: bigint };

export type ProcEvent =
  | ExecEvent
  /** `effective`: in the first user namespace. */
  | { readonly kind: 'uid' | 'gid'; readonly pid: number; readonly at: bigint; readonly effective: number }
  | { readonly kind: 'named'; readonly pid: number };

/** `pid` is the thread group; `at` is CLOCK_MONOTONIC in nanoseconds. Undefined: an event that does not concern us. */
export function parseEvent(message: Buffer): ProcEvent | undefined {
  if (message.length < DATA_AT + 8) return undefined;
  if (message.readUInt32LE(CN_AT) !== CN_IDX_PROC || message.readUInt32LE(CN_AT + 4) !== CN_VAL_PROC) return undefined;
  const what = message.readUInt32LE(EVENT_AT);
  const at = message.readBigUInt64LE(EVENT_AT + 8);
  const pid = message.readInt32LE(DATA_AT + 4);
  if (what === EXEC) return { kind: 'exec', pid, at };
  if (what === COMM) return { kind: 'named', pid };
  if ((what === UID || what === GID) && message.length >= DATA_AT + 16) {
    return { kind: what === UID ? 'uid' : 'gid', pid, at, effective: message.readUInt32LE(DATA_AT + 12) };
  }
  return undefined;
}

const buffer = Buffer.alloc(4096);

/** The next event; undefined when none waits. Throws a NativeError `ENOBUFS` when some were lost. */
export function nextEvent(fd: number): ProcEvent | 'other' | undefined {
  const length = receiveBytes(fd, buffer);
  return length < 0 ? undefined : (parseEvent(buffer.subarray(0, length)) ?? 'other');
}

/** The listening socket, or in words why there is none. */
export function openConnector(pid: number, receiveBytes = RECEIVE_BYTES): OwnedFd | string {
  let socket: OwnedFd | undefined;
  try {
    socket = new OwnedFd(openSocket(AF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR));
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(CN_IDX_PROC, 8);
    bindSocket(socket.number, address);
    setSocketOption(socket.number, SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes);
    if (hearsItself(socket.number, pid, () => undefined)) return socket;
    return refused(socket, 'the kernel reports nothing, or other pids than ours (another pid or user namespace)');
  } catch (error) {
    socket?.close();
    if (error instanceof NativeError) return `not permitted (${error.message})`;
    throw error;
  }
}

function refused(socket: OwnedFd, why: string): string {
  socket.close();
  return why;
}

function request(words: readonly number[]): Buffer {
  const message = Buffer.alloc(EVENT_AT + words.length * 4);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(NLMSG_DONE, 4);
  message.writeUInt32LE(CN_IDX_PROC, CN_AT);
  message.writeUInt32LE(CN_VAL_PROC, CN_AT + 4);
  message.writeUInt16LE(words.length * 4, CN_AT + 16);
  words.forEach((word, at) => {
    message.writeUInt32LE(word, EVENT_AT + at * 4);
  });
  return message;
}

/**
 * Causes an event and looks for it. The kernel delivers before the call returns, so there is nothing to wait for. Then
 * asks for the kinds that matter again.
 */
export function hearsItself(fd: number, pid: number, happened: (event: ProcEvent) => void): boolean {
  let heard = false;
  for (const [at, words] of TEST_REQUESTS.entries()) {
    sendBytes(fd, request(words));
    renameThreadToItself();
    for (let count = 0; count < MOST_AT_ONCE; count += 1) {
      const event = nextEvent(fd);
      if (event === undefined) break;
      if (event === 'other') continue;
      if (event.kind === 'named' && event.pid === pid) heard = true;
      happened(event);
    }
    if (!heard) continue;
    sendBytes(fd, request(REQUESTS[at] ?? words));
    return true;
  }
  return false;
}
