// SPDX-License-Identifier: Apache-2.0
// A caller that does something to its own environment, as argv[1] says, and then connects where it is told to.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

/** The block of strings, from the first variable to the end of the last. */
static void block(char **from, char **to) {
  *from = environ[0];
  char **last = environ;
  while (last[1] != NULL) last++;
  *to = *last + strlen(*last) + 1;
}

int main(int count, char **words) {
  const char *how = count > 1 ? words[1] : "keep";
  char *from = "", *to = "";
  if (environ[0] != NULL) block(&from, &to);
  if (strcmp(how, "wipe") == 0) memset(from, 0, to - from);
  if (strcmp(how, "wipe-first") == 0) memset(from, 0, strlen(from));
  if (strcmp(how, "title") == 0) memset(from, 'x', to - from - 1);
  if (strcmp(how, "hide") == 0) {
    long page = sysconf(_SC_PAGESIZE);
    char *name = getenv("HIDDEN_API_KEY") - strlen("HIDDEN_API_KEY=");
    char *at = (char *)((unsigned long)name / page * page);
    if (mprotect(at, page, PROT_NONE) != 0) perror("mprotect");
  }
  setvbuf(stdout, NULL, _IONBF, 0);
  printf("{\"event\":\"ready\"}\n");
  char line[256];
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, line + strlen("connect "), sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) printf("{\"event\":\"connected\"}\n");
    else perror("connect");
  }
  return 0;
}
