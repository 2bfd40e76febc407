// SPDX-License-Identifier: Apache-2.0
//
// A disk that keeps only what was synced. Preloaded into a process (LD_PRELOAD), it watches the files below
// FORGETFUL_DIR and keeps in FORGETFUL_SHADOW what a power loss would leave:
//
//   - a write, truncation or extension counts once an fsync or fdatasync that began after it has returned, and never
//     before;
//   - a name (a new file, a rename, a removal) counts once an fsync of its folder that began after it has returned.
//     POSIX promises no more; ext4 often does more, so this is stricter than most disks;
//   - what is written through a shared mapping never counts (SQLite maps only its -shm file, which it rebuilds).
//
// The shadow holds `content/KEY`, what is durable of a file, and `names/KEY`, the entries that are durable of a
// folder, one a line: `f KEY name` or `d KEY name`. KEY is inode and birth time, since an inode number is used again.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))
#define MAX_FDS 65536

struct change {
  struct change *next;
  off_t at;        // of a truncation: the new length
  size_t length;
  int truncation;
  char data[];
};

struct file {
  struct file *next;
  char key[48];
  int folder;
  struct change *first, **last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static struct file *by_fd[MAX_FDS];
static char watched[PATH_MAX], shadow[PATH_MAX];

static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

__attribute__((constructor)) static void begin(void) {
  const char *dir = getenv("FORGETFUL_DIR"), *to = getenv("FORGETFUL_SHADOW");
  if (!dir || !to || !realpath(dir, watched) || !realpath(to, shadow)) watched[0] = 0;
}

static int key_of(int at, const char *name, int flags, char key[48], int *folder) {
  struct statx s;
  if (statx(at, name, flags | AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME | STATX_TYPE, &s) != 0) return -1;
  snprintf(key, 48, "%llu-%lld-%u", (unsigned long long)s.stx_ino, (long long)s.stx_btime.tv_sec, s.stx_btime.tv_nsec);
  *folder = S_ISDIR(s.stx_mode);
  return S_ISREG(s.stx_mode) || *folder ? 0 : -1;
}

static struct file *file_of(const char *key, int folder) {
  for (struct file *f = files; f; f = f->next)
    if (strcmp(f->key, key) == 0) return f;
  struct file *f = calloc(1, sizeof *f);
  strcpy(f->key, key);
  f->folder = folder;
  f->last = &f->first;
  f->next = files;
  return files = f;
}

static struct file *of_fd(int fd) { return watched[0] && fd >= 0 && fd < MAX_FDS ? by_fd[fd] : NULL; }

static void note(struct file *f, off_t at, const void *data, size_t length, int truncation) {
  struct change *c = malloc(sizeof *c + length);
  *c = (struct change){.at = at, .length = length, .truncation = truncation};
  if (length) memcpy(c->data, data, length);
  *f->last = c;
  f->last = &c->next;
}

// After a successful open: is it one of ours?
static int opened(int fd, int flags) {
  if (fd < 0 || fd >= MAX_FDS || !watched[0]) return fd;
  int saved = errno;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  size_t prefix = strlen(watched);
  by_fd[fd] = NULL;
  if (n > 0) {
    path[n] = 0;
    char key[48];
    int folder;
    if (strncmp(path, watched, prefix) == 0 && (path[prefix] == 0 || path[prefix] == '/') &&
        key_of(fd, "", AT_EMPTY_PATH, key, &folder) == 0) {
      pthread_mutex_lock(&lock);
      struct file *f = file_of(key, folder);
      if (!folder && (flags & O_TRUNC)) note(f, 0, NULL, 0, 1);
      by_fd[fd] = f;
      pthread_mutex_unlock(&lock);
    }
  }
  errno = saved;
  return fd;
}

static int mode_of(int flags, va_list args) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, int) : 0; }

#define OPEN(name)                                         \
  int name(const char *path, int flags, ...) {             \
    va_list args;                                          \
    va_start(args, flags);                                 \
    int mode = mode_of(flags, args);                       \
    va_end(args);                                          \
    return opened(REAL(name)(path, flags, mode), flags);   \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                         \
  int name(int at, const char *path, int flags, ...) {       \
    va_list args;                                            \
    va_start(args, flags);                                   \
    int mode = mode_of(flags, args);                         \
    va_end(args);                                            \
    return opened(REAL(name)(at, path, flags, mode), flags); \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  if (fd >= 0 && fd < MAX_FDS) by_fd[fd] = NULL;
  return REAL(close)(fd);
}

static void wrote(int fd, const struct iovec *parts, int count, off_t at, ssize_t written) {
  struct file *f = of_fd(fd);
  if (!f || written <= 0) return;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < count && written > 0; i++) {
    size_t n = parts[i].iov_len < (size_t)written ? parts[i].iov_len : (size_t)written;
    note(f, at, parts[i].iov_base, n, 0);
    at += n;
    written -= n;
  }
  pthread_mutex_unlock(&lock);
}

// Where the write that just ended began.
static off_t before(int fd, ssize_t written) { return of_fd(fd) && written > 0 ? lseek(fd, 0, SEEK_CUR) - written : 0; }

ssize_t write(int fd, const void *data, size_t length) {
  ssize_t n = REAL(write)(fd, data, length);
  wrote(fd, &(struct iovec){(void *)data, length}, 1, before(fd, n), n);
  return n;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  ssize_t n = REAL(writev)(fd, parts, count);
  wrote(fd, parts, count, before(fd, n), n);
  return n;
}

#define PWRITE(name)                                                         \
  ssize_t name(int fd, const void *data, size_t length, off_t at) {          \
    ssize_t n = REAL(name)(fd, data, length, at);                            \
    wrote(fd, &(struct iovec){(void *)data, length}, 1, at, n);              \
    return n;                                                                \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

#define PWRITEV(name)                                                        \
  ssize_t name(int fd, const struct iovec *parts, int count, off_t at) {     \
    ssize_t n = REAL(name)(fd, parts, count, at);                            \
    wrote(fd, parts, count, at, n);                                          \
    return n;                                                                \
  }
PWRITEV(pwritev)
PWRITEV(pwritev64)

#define TRUNCATE(name)                                 \
  int name(int fd, off_t length) {                     \
    int result = REAL(name)(fd, length);               \
    struct file *f = of_fd(fd);                        \
    if (f && result == 0) {                            \
      pthread_mutex_lock(&lock);                       \
      note(f, length, NULL, 0, 1);                     \
      pthread_mutex_unlock(&lock);                     \
    }                                                  \
    return result;                                     \
  }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

// Takes what is pending, so that what is written from here on waits for the next sync.
static struct change *take(struct file *f) {
  struct change *pending = f->first;
  f->first = NULL;
  f->last = &f->first;
  return pending;
}

static void keep(struct file *f, struct change *pending) {
  char path[PATH_MAX + 64];
  snprintf(path, sizeof path, "%s/content/%s", shadow, f->key);
  int fd = REAL(open)(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) abort();
  while (pending) {
    struct change *c = pending;
    if (c->truncation ? REAL(ftruncate)(fd, c->at) != 0 : REAL(pwrite)(fd, c->data, c->length, c->at) != (ssize_t)c->length)
      abort();
    pending = c->next;
    free(c);
  }
  REAL(close)(fd);
}

// The folder's entries as they are now, in memory.
static char *entries(int fd, size_t *length) {
  char *text = NULL, link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d/.", fd);
  FILE *out = open_memstream(&text, length);
  DIR *dir = opendir(link);
  if (!dir || !out) abort();
  for (struct dirent *e; (e = readdir(dir));) {
    char key[48];
    int folder;
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    if (key_of(dirfd(dir), e->d_name, 0, key, &folder) == 0) fprintf(out, "%c %s %s\n", folder ? 'd' : 'f', key, e->d_name);
  }
  closedir(dir);
  fclose(out);
  return text;
}

static void publish(struct file *f, const char *text, size_t length) {
  char path[PATH_MAX + 64], next[PATH_MAX + 80];
  snprintf(path, sizeof path, "%s/names/%s", shadow, f->key);
  snprintf(next, sizeof next, "%s.next", path);
  int fd = REAL(open)(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || REAL(write)(fd, text, length) != (ssize_t)length) abort();
  REAL(close)(fd);
  if (rename(next, path) != 0) abort();
}

static int synced(int fd, int (*sync)(int)) {
  struct file *f = of_fd(fd);
  if (!f) return sync(fd);
  size_t length = 0;
  pthread_mutex_lock(&lock);
  struct change *pending = f->folder ? NULL : take(f);
  char *names = f->folder ? entries(fd, &length) : NULL;
  int result = sync(fd);
  int saved = errno;
  // A sync that failed keeps nothing: the kernel may have dropped the pages (fsync(2), on EIO).
  if (result == 0 && f->folder) publish(f, names, length);
  if (result == 0 && !f->folder) keep(f, pending);
  pthread_mutex_unlock(&lock);
  free(names);
  errno = saved;
  return result;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }
