// SPDX-License-Identifier: Apache-2.0
//
// Preloaded: calls that a signal cuts short (EINTR), as often as the test asks for. `close` has closed all the same, as
// Linux does.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

static __thread int left;

void interrupt_next(int count) { left = count; }
int interruptions_left(void) { return left; }

static int interrupted(void) {
  if (left == 0) return 0;
  left -= 1;
  errno = EINTR;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int poll(struct pollfd *fds, nfds_t count, int timeout) {
  return interrupted() ? -1 : REAL(poll)(fds, count, timeout);
}

ssize_t read(int fd, void *bytes, size_t length) { return interrupted() ? -1 : REAL(read)(fd, bytes, length); }

ssize_t pread(int fd, void *bytes, size_t length, off_t at) {
  return interrupted() ? -1 : REAL(pread)(fd, bytes, length, at);
}

ssize_t readlinkat(int folder, const char *restrict path, char *restrict bytes, size_t length) {
  return interrupted() ? -1 : REAL(readlinkat)(folder, path, bytes, length);
}

int statx(int folder, const char *restrict path, int flags, unsigned int mask, struct statx *restrict result) {
  return interrupted() ? -1 : REAL(statx)(folder, path, flags, mask, result);
}

int openat(int folder, const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return interrupted() ? -1 : REAL(openat)(folder, path, flags, mode);
}

long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long given[6];
  for (int at = 0; at < 6; at += 1) given[at] = va_arg(rest, long);
  va_end(rest);
  if (interrupted()) return -1;
  return REAL(syscall)(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

int close(int fd) {
  int result = REAL(close)(fd);
  return interrupted() ? -1 : result;
}
