// SPDX-License-Identifier: Apache-2.0
/**
 * Loaded into a daemon (LD_PRELOAD): kills it, as `kill -9` does, in the middle of a commit. Once the file that DIE_ORDER
 * names exists, it holds a number N: the process dies before its N-th write to, or sync of, a SQLite log (`*-wal`). What
 * was about to happen is said in `$DIE_ORDER.done`: "write" or "sync".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long left;

static int is_log(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path);
  return length > 4 && memcmp(path + length - 4, "-wal", 4) == 0;
}

static long ordered(const char *order) {
  char text[16] = "";
  int fd = open(order, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  return length > 0 ? atol(text) : 0;
}

static void step(int fd, const char *what) {
  const char *order = getenv("DIE_ORDER");
  if (order == NULL || !is_log(fd)) return;
  pthread_mutex_lock(&lock);
  if (left == 0) left = ordered(order);
  if (left > 0 && --left == 0) {
    char done[4096];
    snprintf(done, sizeof done, "%s.done", order);
    int out = open(done, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out >= 0 && REAL(write)(out, what, strlen(what)) > 0) close(out);
    kill(getpid(), SIGKILL);
  }
  pthread_mutex_unlock(&lock);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
  step(fd, "write");
  return REAL(pwrite)(fd, data, length, at);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
  step(fd, "write");
  return REAL(pwrite64)(fd, data, length, at);
}

ssize_t write(int fd, const void *data, size_t length) {
  step(fd, "write");
  return REAL(write)(fd, data, length);
}

int fsync(int fd) {
  step(fd, "sync");
  return REAL(fsync)(fd);
}

int fdatasync(int fd) {
  step(fd, "sync");
  return REAL(fdatasync)(fd);
}
