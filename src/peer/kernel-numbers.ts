// SPDX-License-Identifier: Apache-2.0
/** Numbers of the kernel's headers that are alike on x86_64 and aarch64; `native.ts` hands them on. */

// linux/socket.h, asm-generic/socket.h
export const AF_UNIX = 1;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOL_SOCKET = 1;
export const SO_TYPE = 3;
export const SO_PEERCRED = 17;
export const SO_ACCEPTCONN = 30;
export const SO_RCVBUFFORCE = 33;
export const SO_DOMAIN = 39;
export const SO_PEERPIDFD = 77;

/** Of openat2(2). With RESOLVE_CACHED the kernel answers from memory or says EAGAIN: it asks no file system. */
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_IN_ROOT = 0x10;
export const RESOLVE_CACHED = 0x20;

// linux/stat.h
export const STATX_BASIC = 0x7ff;
export const STATX_BTIME = 0x800;
export const STATX_MNT_ID = 0x1000;
export const STATX_MNT_ID_UNIQUE = 0x4000;

// linux/fcntl.h, asm-generic/fcntl.h, linux/openat2.h (the number of the system call)
export const AT_EMPTY_PATH = 0x1000;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_STATX_DONT_SYNC = 0x4000;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
export const F_DUPFD_CLOEXEC = 1030;
export const SYS_openat2 = 437;

// linux/net.h, linux/socket.h
export const SOCK_SEQPACKET = 5;
/** For `openSocket`, with the type: nothing on the socket waits. */
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const MSG_DONTWAIT = 0x40;
/** EPIPE, and no signal that would end us. */
export const MSG_NOSIGNAL = 0x4000;
export const SCM_RIGHTS = 1;

// asm-generic/errno-base.h
export const EINTR = 4;
export const EAGAIN = 11;

// asm-generic/poll.h, linux/eventpoll.h
export const POLLIN = 1;
/** After one event the descriptor stays silent; a pidfd of an exited process would be ready for ever. */
export const EPOLLONESHOT = 1 << 30;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

// linux/prctl.h, asm-generic/resource.h, asm-generic/unistd.h
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NAME = 15;
export const PR_GET_NAME = 16;
export const RLIMIT_CORE = 4;
export const RLIMIT_NOFILE = 7;
export const SYS_pidfd_open = 434;
