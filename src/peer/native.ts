// SPDX-License-Identifier: Apache-2.0
/**
 * The only file that calls the kernel past Node. Thin: one function per system call, numbers and buffers in, numbers and
 * buffers out, a NativeError otherwise. What a result means is decided elsewhere in this room.
 *
 * Everything here is synchronous, so nothing here may be given what a workload can make wait: no open of a file that
 * a workload chose, no read of its memory (attack A11). `statx` is always told not to ask a remote or FUSE server.
 */
import koffi from 'koffi';
import * as k from './kernel-numbers.ts';
import { NativeError } from './native-error.ts';

export * from './kernel-numbers.ts';

const libc = koffi.load(null);

/** recvmsg(2), on 64-bit Linux. Nameless, since a name may be given once in a process. */
const ioVector = koffi.struct({ base: 'void *', length: 'size_t' });
const messageHeader = koffi.struct({
  name: 'void *',
  nameLength: 'uint32_t',
  vectors: koffi.pointer(ioVector),
  vectorCount: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
});

const c = {
  getsockopt: libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
  getsockname: libc.func('int getsockname(int fd, void *address, void *length)'),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
  connect: libc.func('int connect(int fd, const void *address, uint32_t length)'),
  send: libc.func('int64_t send(int fd, const void *bytes, size_t length, int flags)'),
  sendmsg: libc.func('sendmsg', 'int64_t', ['int', koffi.pointer(messageHeader), 'int']),
  recv: libc.func('int64_t recv(int fd, void *bytes, size_t length, int flags)'),
  openat: libc.func('int openat(int folder, const char *path, int flags, uint32_t mode)'),
  read: libc.func('int64_t read(int fd, void *bytes, size_t length)'),
  pread: libc.func('int64_t pread(int fd, void *bytes, size_t length, int64_t offset)'),
  write: libc.func('int64_t write(int fd, const void *bytes, size_t length)'),
  close: libc.func('int close(int fd)'),
  readlinkat: libc.func('int64_t readlinkat(int folder, const char *path, void *bytes, size_t length)'),
  statx: libc.func('int statx(int folder, const char *path, int flags, uint32_t mask, void *result)'),
  poll: libc.func('int poll(void *fds, size_t count, int timeout)'),
  epoll_create1: libc.func('int epoll_create1(int flags)'),
  epoll_ctl: libc.func('int epoll_ctl(int epoll, int operation, int fd, void *event)'),
  epoll_wait: libc.func('int epoll_wait(int epoll, void *events, int count, int timeout)'),
  eventfd: libc.func('int eventfd(uint32_t initial, int flags)'),
  fcntl: libc.func('int fcntl(int fd, int command, int argument)'),
  prctl: libc.func('int prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)'),
  prctlName: libc.func('prctl', 'int', ['int', 'void *', 'uint64_t', 'uint64_t', 'uint64_t']),
  setrlimit: libc.func('int setrlimit(int resource, const void *limits)'),
  getrlimit: libc.func('int getrlimit(int resource, void *limits)'),
  syscall2: libc.func('syscall', 'long', ['long', 'long', 'long']),
  openat2: libc.func('syscall', 'long', ['long', 'long', 'str', 'void *', 'size_t']),
};

function checked(result: number, call: string): number {
  if (result >= 0) return result;
  throw new NativeError(call, koffi.errno());
}

/** For calls that a signal may cut short before they did anything (signal(7)); no handler restarts a poll. */
function retried(make: () => number | bigint, call: string): number {
  let result = Number(make());
  // guard: A11 test/peer/interrupted.test.ts — the end of a helper, a SIGCHLD, must not fail a caller
  while (result < 0 && koffi.errno() === k.EINTR) result = Number(make());
  return checked(result, call);
}

// --- files -------------------------------------------------------------------------------------------------------------

export const AT_FDCWD = -100;
const arm = process.arch === 'arm64';
export const O_RDONLY = 0;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
export const O_DIRECTORY = arm ? 0o40000 : 0o200000;
export const O_NOFOLLOW = arm ? 0o100000 : 0o400000;

export function openAt(folder: number, path: string, flags: number): number {
  return retried(() => c.openat(folder, path, flags | O_CLOEXEC, 0), 'openat');
}

export function openAt2(folder: number, path: string, flags: number, resolve: number): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  return retried(() => c.openat2(k.SYS_openat2, folder, path, how, how.length), 'openat2');
}

/** Bytes read; 0 at the end. */
export function readInto(fd: number, bytes: Buffer, from = 0): number {
  const rest = from === 0 ? bytes : bytes.subarray(from);
  return retried(() => c.read(fd, rest, rest.length), 'read');
}

export function readAt(fd: number, bytes: Buffer, offset: number): number {
  return retried(() => c.pread(fd, bytes, bytes.length, offset), 'pread');
}

/** Linux has let go of the descriptor by the time a signal can cut this short (close(2)): asking again would close another's. */
export function closeFd(fd: number): void {
  const result = c.close(fd);
  // guard: A3 test/peer/interrupted.test.ts
  if (result < 0 && koffi.errno() === k.EINTR) return;
  checked(result, 'close');
}

export function readLinkAt(folder: number, path: string, bytes: Buffer): Buffer {
  const length = retried(() => c.readlinkat(folder, path, bytes, bytes.length), 'readlinkat');
  if (length === bytes.length) throw new NativeError('readlinkat', 36);
  return bytes.subarray(0, length);
}

/** Fills `result` (256 bytes, struct statx). An empty path means `folder` itself. Never waits for a FUSE server. */
export function statxAt(folder: number, path: string, mask: number, result: Buffer): void {
  const flags = k.AT_NO_AUTOMOUNT | k.AT_STATX_DONT_SYNC | (path === '' ? k.AT_EMPTY_PATH : 0);
  retried(() => c.statx(folder, path, flags, mask, result), 'statx');
}

// --- sockets -----------------------------------------------------------------------------------------------------------

const optionLength = Buffer.alloc(4);

/** Length of the value written into `value`. */
export function socketOption(fd: number, name: number, value: Buffer): number {
  optionLength.writeUInt32LE(value.length);
  checked(c.getsockopt(fd, k.SOL_SOCKET, name, value, optionLength), 'getsockopt');
  return optionLength.readUInt32LE();
}

export function setSocketOption(fd: number, level: number, name: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  checked(c.setsockopt(fd, level, name, bytes, 4), 'setsockopt');
}

export function openSocket(domain: number, type: number, protocol: number): number {
  return checked(c.socket(domain, type | k.SOCK_CLOEXEC, protocol), 'socket');
}

export function bindSocket(fd: number, address: Buffer): void {
  checked(c.bind(fd, address, address.length), 'bind');
}

/** Of a datagram socket or one that does not block, which do not wait for their peer. */
export function connectSocket(fd: number, address: Buffer): void {
  checked(c.connect(fd, address, address.length), 'connect');
}

/** The address a socket is bound to, as struct sockaddr. */
export function socketName(fd: number): Buffer {
  const address = Buffer.alloc(128);
  optionLength.writeUInt32LE(address.length);
  checked(c.getsockname(fd, address, optionLength), 'getsockname');
  return address.subarray(0, Math.min(address.length, optionLength.readUInt32LE()));
}

export function sendBytes(fd: number, bytes: Buffer): void {
  checked(Number(c.send(fd, bytes, bytes.length, k.MSG_DONTWAIT)), 'send');
}

/** One message with a duplicate of `descriptor` (k.SCM_RIGHTS, unix(7)), without waiting. */
export function sendDescriptor(fd: number, bytes: Buffer, descriptor: number): void {
  // struct cmsghdr: length, level, type; then the descriptor, padded to a whole word.
  const control = Buffer.alloc(24);
  control.writeBigUInt64LE(20n, 0);
  control.writeInt32LE(k.SOL_SOCKET, 8);
  control.writeInt32LE(k.SCM_RIGHTS, 12);
  control.writeInt32LE(descriptor, 16);
  const message = {
    name: null,
    nameLength: 0,
    vectors: [{ base: bytes, length: bytes.length }],
    vectorCount: 1,
    control,
    controlLength: control.length,
    flags: 0,
  };
  checked(Number(c.sendmsg(fd, message, k.MSG_DONTWAIT | k.MSG_NOSIGNAL)), 'sendmsg');
}

/** One datagram without waiting; -1 when there is none. Throws ENOBUFS when some were lost. */
export function receiveBytes(fd: number, bytes: Buffer): number {
  const length = Number(c.recv(fd, bytes, bytes.length, k.MSG_DONTWAIT));
  return length < 0 && koffi.errno() === k.EAGAIN ? -1 : checked(length, 'recv');
}

// --- processes and events ----------------------------------------------------------------------------------------------

export function pidfdOpen(pid: number): number {
  return checked(Number(c.syscall2(k.SYS_pidfd_open, pid, 0)), 'pidfd_open');
}

const pollRecord = Buffer.alloc(8);

/** For a pidfd: the process has exited (pidfd_open(2)). Does not wait. */
export function isReadable(fd: number): boolean {
  pollRecord.writeInt32LE(fd, 0);
  pollRecord.writeInt32LE(k.POLLIN, 4);
  return retried(() => c.poll(pollRecord, 1, 0), 'poll') > 0;
}

export const EPOLL_EVENT_BYTES = arm ? 16 : 12;
const EPOLL_DATA_AT = arm ? 8 : 4;
const epollEvent = Buffer.alloc(EPOLL_EVENT_BYTES);

export function epollCreate(): number {
  return checked(c.epoll_create1(O_CLOEXEC), 'epoll_create1');
}

/** `data` comes back with each event of this descriptor; below 2^53. */
export function epollAdd(epoll: number, fd: number, data: number, once: boolean): void {
  epollEvent.writeUInt32LE(once ? k.POLLIN | k.EPOLLONESHOT : k.POLLIN, 0);
  epollEvent.writeBigUInt64LE(BigInt(data), EPOLL_DATA_AT);
  checked(c.epoll_ctl(epoll, k.EPOLL_CTL_ADD, fd, epollEvent), 'epoll_ctl');
}

/** After its one event: the descriptor speaks once more. */
export function epollRearm(epoll: number, fd: number, data: number): void {
  epollEvent.writeUInt32LE(k.POLLIN | k.EPOLLONESHOT, 0);
  epollEvent.writeBigUInt64LE(BigInt(data), EPOLL_DATA_AT);
  checked(c.epoll_ctl(epoll, k.EPOLL_CTL_MOD, fd, epollEvent), 'epoll_ctl');
}

export function epollRemove(epoll: number, fd: number): void {
  checked(c.epoll_ctl(epoll, k.EPOLL_CTL_DEL, fd, epollEvent), 'epoll_ctl');
}

/** Waits up to `timeoutMs` and gives the `data` of each ready descriptor. Blocks its thread. */
export function epollWait(epoll: number, events: Buffer, timeoutMs: number): number[] {
  const result = c.epoll_wait(epoll, events, Math.floor(events.length / EPOLL_EVENT_BYTES), timeoutMs);
  if (result < 0 && koffi.errno() === k.EINTR) return [];
  const count = checked(result, 'epoll_wait');
  const ready: number[] = [];
  for (let i = 0; i < count; i += 1) {
    ready.push(Number(events.readBigUInt64LE(i * EPOLL_EVENT_BYTES + EPOLL_DATA_AT)));
  }
  return ready;
}

export function eventFd(): number {
  return checked(c.eventfd(0, O_NONBLOCK | O_CLOEXEC), 'eventfd');
}

export function writeBytes(fd: number, bytes: Buffer): void {
  checked(Number(c.write(fd, bytes, bytes.length)), 'write');
}

export function closeOnExec(fd: number, close = true): void {
  checked(c.fcntl(fd, k.F_SETFD, close ? k.FD_CLOEXEC : 0), 'fcntl');
}

/** Another descriptor of the same file. */
export function duplicateFd(fd: number): number {
  return checked(c.fcntl(fd, k.F_DUPFD_CLOEXEC, 3), 'fcntl');
}

// --- this process ------------------------------------------------------------------------------------------------------

export function setDumpable(on: boolean): void {
  checked(c.prctl(k.PR_SET_DUMPABLE, on ? 1 : 0, 0, 0, 0), 'prctl');
}

export function isDumpable(): boolean {
  return checked(c.prctl(k.PR_GET_DUMPABLE, 0, 0, 0, 0), 'prctl') === 1;
}

/** Nothing changes, but the process connector reports it. */
export function renameThreadToItself(): void {
  const name = Buffer.alloc(16);
  checked(c.prctlName(k.PR_GET_NAME, name, 0, 0, 0), 'prctl');
  checked(c.prctlName(k.PR_SET_NAME, name, 0, 0, 0), 'prctl');
}

export function forbidCores(): void {
  checked(c.setrlimit(k.RLIMIT_CORE, Buffer.alloc(16)), 'setrlimit');
}

function descriptorLimits(): Buffer {
  const limits = Buffer.alloc(16);
  checked(c.getrlimit(k.RLIMIT_NOFILE, limits), 'getrlimit');
  return limits;
}

/** The soft limit on open descriptors. */
export function descriptorLimit(): number {
  return Number(descriptorLimits().readBigUInt64LE(0));
}

export function setDescriptorLimit(soft: number): void {
  const limits = descriptorLimits();
  limits.writeBigUInt64LE(BigInt(soft), 0);
  checked(c.setrlimit(k.RLIMIT_NOFILE, limits), 'setrlimit');
}
