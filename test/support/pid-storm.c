// SPDX-License-Identifier: Apache-2.0
/*
 * A storm of short-lived callers of two uids that take each other's pid (attack A4). Runs as root.
 *
 *   pid-storm SOCKET REQUEST DAEMON GENERATIONS SLOTS UID-A PROGRAM-A ID-A UID-B PROGRAM-B ID-B
 *
 * REQUEST is a file with the bytes of an HTTP/2 connection that asks for FetchX509SVID; the programs are copies of this
 * one. Each slot is a pid. Its processes follow each other, uid A and uid B in turns, each made with the number of the
 * one that was reaped a moment before (clone3(2), set_tid). The socket of each is made here and connected by it, so that
 * what the daemon sends is read here whatever became of the process:
 *
 *   exit   connects, asks, ends            hand   connects, ends; its child asks
 *   late   connects, ends; it is asked in its name when the number is another's
 *   stay   connects, asks, and waits for the answer
 *
 * DAEMON is the daemon's pid: it is stopped for some milliseconds again and again, so that it finds an end and what came
 * after it at once. Prints one JSON object.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SOCKET_FD = 3, HOLD_FD = 4, RESERVED = 8, MOST_SLOTS = 64, MOST_OPEN = 256, MOST_BYTES = 1 << 16 };
enum kind { EXIT, STAY, HAND, LATE };
static const enum kind turns[] = {EXIT, STAY, HAND, LATE, STAY};
static const char *const words[] = {"exit", "stay", "hand", "late"};

struct call {
  int fd, side, slot, said;
  long generation;
  enum kind kind;
  size_t have;
  unsigned char *got;
  double since;
};
struct slot {
  pid_t number, running;
  int side, hold, last;
  long generation;
};

static struct call calls[MOST_OPEN];
static struct slot slots[MOST_SLOTS];
static int open_calls, slot_count;
static unsigned char request[4096];
static ssize_t request_length;
static const char *path, *request_file, *programs[2], *ids[2];
static uid_t uids[2];
static long reused, in_flight, answered[4], asked[4], wrong, started;

static void die(const char *what) {
  perror(what);
  exit(2);
}

static void load_request(void) {
  int fd = open(request_file, O_RDONLY | O_CLOEXEC);
  request_length = fd < 0 ? -1 : read(fd, request, sizeof request);
  if (request_length <= 0) die(request_file);
  close(fd);
}

static int ask(int fd) { return send(fd, request, (size_t)request_length, MSG_NOSIGNAL) == request_length; }

/* The caller itself: pid-storm --call KIND SOCKET REQUEST MS. It ends at all stages of its call: after MS milliseconds. */
static int be_caller(char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  path = argv[3];
  request_file = argv[4];
  load_request();
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (connect(SOCKET_FD, (struct sockaddr *)&address, sizeof address)) return 3;
  char c, kind = argv[2][0];
  if (kind != 'l' && (kind != 'h' || fork() == 0)) ask(SOCKET_FD);
  if (kind == 's') (void)!read(HOLD_FD, &c, 1);
  else usleep((useconds_t)atoi(argv[5]) * 1000);
  return 0;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static pid_t fork_as(pid_t number) {
  struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1};
  return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static void become(int side, enum kind kind, int fd, int hold) {
  if (dup2(fd, SOCKET_FD) < 0 || dup2(hold, HOLD_FD) < 0) _exit(4);
  if (setgroups(0, NULL) || setgid(uids[side]) || setuid(uids[side])) _exit(5);
  char delay[16];
  snprintf(delay, sizeof delay, "%ld", started * 37 % 64 * 4);
  char *argv[] = {(char *)programs[side], "--call", (char *)words[kind], (char *)path, (char *)request_file, delay, NULL};
  char *none[] = {NULL};
  execve(argv[0], argv, none);
  _exit(6);
}

/* The next process of a slot. */
static void start(int at, enum kind kind) {
  struct slot *slot = &slots[at];
  int side = slot->last < 0 ? at & 1 : !slot->side;
  int hold[2], fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || pipe2(hold, O_CLOEXEC)) die("socket");
  pid_t pid;
  int same = slot->last >= 0;
  while ((pid = fork_as(slot->number)) < 0) {
    if (errno != EEXIST || slot->number < 400) die("clone3");
    /* Somebody else's by now. */
    slot->number -= MOST_SLOTS;
    same = 0;
  }
  if (pid == 0) become(side, kind, fd, hold[0]);
  close(hold[0]);
  started += 1;
  asked[kind] += 1;
  reused += same;
  int pending = 0;
  for (int i = 0; i < open_calls; i += 1) {
    if (calls[i].slot != at) continue;
    pending |= same && calls[i].side != side;
    if (calls[i].kind == LATE && !calls[i].said) calls[i].said = 1, ask(calls[i].fd);
  }
  in_flight += pending;
  slot->running = pid;
  slot->side = side;
  slot->hold = hold[1];
  slot->last = kind;
  slot->generation = started;
  unsigned char *got = malloc(MOST_BYTES);
  if (!got) die("malloc");
  calls[open_calls++] = (struct call){.fd = fd, .side = side, .slot = at, .generation = started, .kind = kind, .got = got, .since = now()};
}

static void let_go(struct slot *slot) {
  if (slot->hold >= 0) close(slot->hold);
  slot->hold = -1;
}

/* It may end, unless it is another process by now. */
static void release_caller(const struct call *call) {
  if (call->generation == slots[call->slot].generation) let_go(&slots[call->slot]);
}

static void finish(int i) {
  struct call *call = &calls[i];
  int own = memmem(call->got, call->have, ids[call->side], strlen(ids[call->side])) != NULL;
  answered[call->kind] += own;
  /* Anything that is no answer of one's own, or any at all where nobody is there any more. */
  int total = 0;
  for (unsigned char *at = call->got; at < call->got + call->have; at += 9) {
    at = memmem(at, (size_t)(call->got + call->have - at), "spiffe://", 9);
    if (!at) break;
    size_t left = (size_t)(call->got + call->have - at);
    size_t length = strlen(ids[call->side]);
    /* The trust domain's own name stands in the bundle. */
    const char *other = ids[!call->side];
    total += left >= strlen(other) && !memcmp(at, other, strlen(other));
    total += left >= 26 && !memcmp(at, "spiffe://example.org/mixed", 26);
    total += call->kind == LATE && left >= length && !memcmp(at, ids[call->side], length);
  }
  wrong += total > 0;
  release_caller(call);
  close(call->fd);
  free(call->got);
  calls[i] = calls[--open_calls];
}

/* What has come on the sockets; a caller that has its answer may go. */
static void hear(int timeout) {
  static struct pollfd polled[MOST_OPEN];
  for (int i = 0; i < open_calls; i += 1) polled[i] = (struct pollfd){.fd = calls[i].fd, .events = POLLIN};
  if (poll(polled, (nfds_t)open_calls, timeout) <= 0) return;
  for (int i = open_calls - 1; i >= 0; i -= 1) {
    struct call *call = &calls[i];
    /* POLLHUP without POLLIN: not connected yet. */
    if (!(polled[i].revents & POLLIN)) continue;
    ssize_t more = recv(call->fd, call->got + call->have, MOST_BYTES - call->have, MSG_DONTWAIT);
    if (more > 0) {
      call->have += (size_t)more;
      if (call->kind == STAY && memmem(call->got, call->have, ids[call->side], strlen(ids[call->side]))) release_caller(call);
    } else if (more == 0 || errno != EAGAIN) {
      finish(i);
    }
  }
}

static void reap(void) {
  for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
    for (int i = 0; i < slot_count; i += 1)
      if (slots[i].running == pid) slots[i].running = 0, let_go(&slots[i]);
}

/* On for 20 ms of every 60. */
static int stalling(pid_t daemon) {
  static int stopped;
  int stop = (long)(now() * 1000) % 60 < 20;
  if (stop != stopped && kill(daemon, stop ? SIGSTOP : SIGCONT)) die("kill");
  return stopped = stop;
}

int main(int argc, char **argv) {
  if (argc == 6 && !strcmp(argv[1], "--call")) return be_caller(argv);
  if (argc != 12) return 2;
  path = argv[1];
  request_file = argv[2];
  pid_t daemon = atoi(argv[3]);
  long generations = atol(argv[4]);
  slot_count = atoi(argv[5]);
  for (int side = 0; side < 2; side += 1) {
    uids[side] = (uid_t)atoi(argv[6 + 3 * side]);
    programs[side] = argv[7 + 3 * side];
    ids[side] = argv[8 + 3 * side];
  }
  load_request();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  while (open("/dev/null", O_RDONLY | O_CLOEXEC) < RESERVED);
  FILE *f = fopen("/proc/sys/kernel/pid_max", "re");
  int most = 0;
  if (!f || fscanf(f, "%d", &most) != 1) die("pid_max");
  fclose(f);
  for (int i = 0; i < slot_count; i += 1) slots[i] = (struct slot){.number = most - 100 - i, .hold = -1, .last = -1};

  long turn[MOST_SLOTS] = {0};
  double heard = now();
  while (started < generations || open_calls > 0) {
    reap();
    int before = open_calls;
    for (int i = 0; i < slot_count && started < generations; i += 1)
      if (!slots[i].running && open_calls < MOST_OPEN) start(i, turns[turn[i]++ % 5]);
    /* The last ones have nobody to take their number. */
    for (int i = 0; started >= generations && i < open_calls; i += 1)
      if (calls[i].kind == LATE && !calls[i].said && !slots[calls[i].slot].running) calls[i].said = 1, ask(calls[i].fd);
    /* Refused: a busy machine has no time for everybody. */
    for (int i = 0; i < open_calls; i += 1)
      if (calls[i].kind == STAY && now() - calls[i].since > 20) release_caller(&calls[i]);
    if (stalling(daemon)) usleep(500);
    else hear(1);
    if (open_calls != before) heard = now();
    if (now() - heard > 30) break;
  }
  kill(daemon, SIGCONT);
  for (int i = 0; i < slot_count; i += 1) let_go(&slots[i]);
  printf("{\"event\":\"storm\",\"started\":%ld,\"reused\":%ld,\"inFlight\":%ld,\"wrong\":%ld,\"stayed\":%ld,\"stayedAnswered\":%ld,"
         "\"goneAsked\":%ld,\"goneAnswered\":%ld,\"lateAsked\":%ld,\"lateAnswered\":%ld,\"leftOpen\":%d}\n",
         started, reused, in_flight, wrong, asked[STAY], answered[STAY], asked[EXIT] + asked[HAND], answered[EXIT] + answered[HAND], asked[LATE],
         answered[LATE], open_calls);
  return 0;
}
