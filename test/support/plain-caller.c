// SPDX-License-Identifier: Apache-2.0
/*
 * A caller that is nothing but a program: what it is called, where it lies and who may run it is the test's.
 *
 *   plain-caller SOCKET REQUEST
 *
 * REQUEST is a file with the bytes of an HTTP/2 connection that asks for FetchX509SVID. Commands, one a line:
 *   call           connects, asks, reads the answer
 *   become PROGRAM connects and becomes PROGRAM, which asks and reads on that connection
 * Built as a library with -DPRELOADED it does so in whatever program it is loaded into, by CALLER_SOCKET and CALLER_REQUEST.
 * Says {"event":"answer","uid":…,"bytes":"…"}: the effective uid, and all that came, in hexadecimal.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static unsigned char answer[1 << 16];

/* Has the daemon said all it has to say on stream 1? RFC 9113 section 4.1: DATA, or HEADERS or DATA with END_STREAM, or RST_STREAM. */
static int complete(size_t have) {
  for (size_t at = 0; have - at >= 9;) {
    size_t length = (size_t)answer[at] << 16 | (size_t)answer[at + 1] << 8 | answer[at + 2];
    if (have - at < 9 + length) return 0;
    unsigned char type = answer[at + 3], stream = answer[at + 8];
    if (stream == 1 && (type == 0 || type == 3 || (type == 1 && (answer[at + 4] & 1)))) return 1;
    at += 9 + length;
  }
  return 0;
}

static void ask(int fd, const char *file) {
  unsigned char request[4096];
  int from = open(file, O_RDONLY | O_CLOEXEC);
  ssize_t length = read(from, request, sizeof request);
  size_t have = 0;
  if (length > 0 && send(fd, request, (size_t)length, MSG_NOSIGNAL) == length) {
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    while (!complete(have) && poll(&readable, 1, 20000) > 0) {
      ssize_t more = read(fd, answer + have, sizeof answer - have);
      if (more <= 0) break;
      have += (size_t)more;
    }
  }
  printf("{\"event\":\"answer\",\"uid\":%d,\"bytes\":\"", (int)geteuid());
  for (size_t i = 0; i < have; i += 1) printf("%02x", answer[i]);
  printf("\"}\n");
  close(from);
  close(fd);
}

static int connected(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) exit(3);
  return fd;
}

static int obey(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc == 4) ask(atoi(argv[3]), argv[2]);
  printf("{\"event\":\"ready\"}\n");
  char line[512];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    int fd = connected(argv[1]);
    if (strncmp(line, "become ", 7)) {
      ask(fd, argv[2]);
      continue;
    }
    char number[16];
    /* So that it is known by then as what it was. */
    usleep(200000);
    snprintf(number, sizeof number, "%d", fd);
    execl(line + 7, line + 7, argv[1], argv[2], number, NULL);
    return 4;
  }
  return 0;
}

int main(int argc, char **argv) { return argc < 3 ? 2 : obey(argc, argv); }

#ifdef PRELOADED
/* As a library in somebody else's program (LD_PRELOAD), before that begins. */
__attribute__((constructor)) static void preloaded(void) {
  char *words[] = {"", getenv("CALLER_SOCKET"), getenv("CALLER_REQUEST"), NULL};
  if (words[1] && words[2]) exit(obey(3, words));
}
#endif
