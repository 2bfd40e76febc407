// SPDX-License-Identifier: Apache-2.0
/*
 * A workload in C: small, quick to start, and able to exec without its image moving. One command a line on stdin, words apart by spaces
 * (a tab in a word is a space):
 *   connect PATH | connect-exec PATH PROGRAM [ARG] | open FILE | again | exec PROGRAM [ARG] | fork-connect PATH [UID] | quit
 * Options: --still (no address randomisation from here on), --no-env (an empty environment from here on).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void say(const char *event) {
  char line[128];
  int length = snprintf(line, sizeof line, "{\"event\":\"%s\",\"pid\":%d,\"errno\":%d}\n", event, getpid(), errno);
  if (write(1, line, length) != length) exit(3);
}

/* The descriptor stays open across exec. */
static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  return connect(fd, (struct sockaddr *)&address, sizeof address);
}

/* Byte by byte: what follows is for whoever this becomes. */
static int read_line(char *line, int size) {
  int length = 0;
  while (length < size - 1 && read(0, line + length, 1) == 1) {
    if (line[length] == '\n') {
      line[length] = 0;
      return 1;
    }
    length += 1;
  }
  return 0;
}

int main(int argc, char **argv, char **envp) {
  static char *nothing[] = {NULL};
  if (argc > 1 && argv[1][0] == '-') {
    char *self[] = {argv[0], argc > 2 ? argv[2] : NULL, NULL};
    int no_env = strcmp(argv[1], "--no-env") == 0;
    if (!no_env && personality(ADDR_NO_RANDOMIZE) < 0) return 4;
    execve(argv[0], self, no_env ? nothing : envp);
    return 5;
  }
  say("ready");
  char line[512];
  while (read_line(line, sizeof line)) {
    char *words[8] = {NULL};
    int count = 0;
    for (char *word = strtok(line, " "); word && count < 7; word = strtok(NULL, " ")) words[count++] = word;
    for (int i = 0; i < count; i++)
      for (char *tab = strchr(words[i], '\t'); tab; tab = strchr(tab, '\t')) *tab = ' ';
    if (count == 0) continue;
    if (strcmp(words[0], "connect") == 0) {
      say(connect_to(words[1]) == 0 ? "connected" : "error");
    } else if (strcmp(words[0], "connect-exec") == 0) {
      if (connect_to(words[1]) != 0) say("error");
      execve(words[2], words + 2, envp);
      say("error");
    } else if (strcmp(words[0], "open") == 0) {
      say(open(words[1], O_RDONLY | O_CLOEXEC) >= 0 ? "opened" : "error");
    } else if (strcmp(words[0], "again") == 0) {
      char *self[] = {argv[0], NULL};
      execve(argv[0], self, envp);
      say("error");
    } else if (strcmp(words[0], "exec") == 0) {
      execve(words[1], words + 1, envp);
      say("error");
    } else if (strcmp(words[0], "fork-connect") == 0) {
      pid_t parent = getpid();
      if (fork() == 0) {
        if (words[2] && (setgid(atoi(words[2])) || setuid(atoi(words[2])))) return 6;
        say(connect_to(words[1]) == 0 ? "forked" : "error");
        while (getppid() == parent) usleep(20000);
        return 0;
      }
    } else if (strcmp(words[0], "quit") == 0) {
      return 0;
    }
  }
  return 0;
}
