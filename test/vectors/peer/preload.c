// SPDX-License-Identifier: Apache-2.0
/*
 * Forgery by LD_PRELOAD: whoever may run a program can make it do as they please from within. Connects to $FORGE_SOCKET
 * before the genuine program's main begins. Path, inode and digest all read genuine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

__attribute__((constructor)) static void forge(void) {
  const char *path = getenv("FORGE_SOCKET");
  if (!path) return;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) _exit(3);
  printf("{\"event\":\"ready\",\"pid\":%d}\n", getpid());
  fflush(stdout);
}
