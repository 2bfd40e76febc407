// SPDX-License-Identifier: Apache-2.0
/* Runs PROGRAM from a memfd, an executable without a place in any file system: in-memory NAME PROGRAM [ARG...] */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp) {
  if (argc < 3) return 2;
  int from = open(argv[2], O_RDONLY);
  int to = memfd_create(argv[1], MFD_CLOEXEC);
  struct stat stats;
  if (from < 0 || to < 0 || fstat(from, &stats) != 0) return 3;
  for (off_t left = stats.st_size; left > 0;) {
    ssize_t count = sendfile(to, from, NULL, left);
    if (count <= 0) return 4;
    left -= count;
  }
  fexecve(to, argv + 2, envp);
  return 5;
}
