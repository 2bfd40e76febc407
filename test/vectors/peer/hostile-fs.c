// SPDX-License-Identifier: Apache-2.0
/*
 * A file server that stops answering when told to: mounts one file, `program`, at FOLDER, with the content of CONTENT.
 * Speaks the kernel's protocol (linux/fuse.h) itself. Root only.
 *   hostile-fs FOLDER CONTENT
 * Commands on stdin: `hang` (answer nothing more), `hang-flush` (answer no close), `quit`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int fuse;
static char *content;
static off_t content_length;
static int hang_all, hang_flush;

static void answer(uint64_t unique, int error, const void *bytes, size_t length) {
  struct fuse_out_header head = {.len = sizeof head + length, .error = -error, .unique = unique};
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)bytes, length}};
  if (writev(fuse, parts, 2) < 0 && errno != ENOENT) perror("fuse answer");
}

static struct fuse_attr attributes(uint64_t node) {
  struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = 4096};
  attr.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0755;
  attr.size = node == FUSE_ROOT_ID ? 0 : content_length;
  attr.blocks = attr.size / 512;
  return attr;
}

/* Nothing is valid for any time, so every look asks again. */
static void look_up(uint64_t unique, const char *name) {
  struct fuse_entry_out entry = {.nodeid = 2};
  entry.attr = attributes(2);
  if (strcmp(name, "program") != 0) answer(unique, ENOENT, NULL, 0);
  else answer(unique, 0, &entry, sizeof entry);
}

static void read_content(uint64_t unique, const struct fuse_read_in *in) {
  off_t from = (off_t)in->offset < content_length ? (off_t)in->offset : content_length;
  size_t length = from + in->size <= content_length ? in->size : (size_t)(content_length - from);
  answer(unique, 0, content + from, length);
}

static void handle(const struct fuse_in_header *head, const void *body) {
  if (hang_all || (hang_flush && head->opcode == FUSE_FLUSH)) return;
  switch (head->opcode) {
    case FUSE_INIT: {
      const struct fuse_init_in *in = body;
      struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 65536};
      out.max_readahead = in->max_readahead;
      answer(head->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_LOOKUP:
      look_up(head->unique, body);
      break;
    case FUSE_GETATTR: {
      struct fuse_attr_out out = {.attr_valid = 0};
      out.attr = attributes(head->nodeid);
      answer(head->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
      struct fuse_open_out out = {.fh = 1, .open_flags = FOPEN_KEEP_CACHE};
      answer(head->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_READ:
      read_content(head->unique, body);
      break;
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_ACCESS:
      answer(head->unique, 0, NULL, 0);
      break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      break;
    default:
      answer(head->unique, ENOSYS, NULL, 0);
  }
}

static void load(const char *path) {
  int fd = open(path, O_RDONLY);
  struct stat stats;
  if (fd < 0 || fstat(fd, &stats) != 0) exit(3);
  content_length = stats.st_size;
  content = malloc(content_length);
  if (read(fd, content, content_length) != content_length) exit(3);
  close(fd);
}

/* False when the end has come. */
static int command(void) {
  char line[64];
  if (!fgets(line, sizeof line, stdin) || strncmp(line, "quit", 4) == 0) return 0;
  hang_all = strncmp(line, "hang\n", 5) == 0;
  hang_flush = strncmp(line, "hang-flush", 10) == 0;
  printf("{\"event\":\"done\"}\n");
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  setvbuf(stdout, NULL, _IONBF, 0);
  setvbuf(stdin, NULL, _IONBF, 0);
  load(argv[2]);
  fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fuse);
  if (fuse < 0 || mount("hostile", argv[1], "fuse", MS_NODEV, options) != 0) {
    printf("{\"event\":\"failed\",\"errno\":%d}\n", errno);
    return 4;
  }
  printf("{\"event\":\"ready\"}\n");
  static char buffer[1 << 17];
  for (;;) {
    struct pollfd fds[2] = {{fuse, POLLIN, 0}, {0, POLLIN, 0}};
    poll(fds, 2, -1);
    if (fds[1].revents != 0 && !command()) break;
    if ((fds[0].revents & POLLIN) == 0) continue;
    ssize_t length = read(fuse, buffer, sizeof buffer);
    if (length < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT) break;
    if (length >= (ssize_t)sizeof(struct fuse_in_header)) {
      handle((struct fuse_in_header *)buffer, buffer + sizeof(struct fuse_in_header));
    }
  }
  /* Lazily: whoever waits for an answer gets an error once this process is gone. */
  umount2(argv[1], MNT_DETACH);
  return 0;
}
