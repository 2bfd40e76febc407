// SPDX-License-Identifier: Apache-2.0
/** `assay task`: its commands and flags. */
import { addAdminFlags, addPageFlags, addWorkloadFlags, once } from './flags.ts';
import { collect, type Program } from './program.ts';

const RUN_RULES = `The task is held while this command runs, and is over when the program is, whichever way that comes. Until then the program and
what it starts find a Workload API in SPIFFE_ENDPOINT_SOCKET that issues credentials of the task alone, and the task's id in
ASSAY_TASK_ID. Where the task ends first (its time is over, an operator ends it, its identity is suspended), the program and
all of its process group get SIGTERM, and SIGKILL five seconds later, unless --keep is given.
Exit status: that of the program; 1 where the task did not begin or ended first; 127 if the program is not found, 126 if it
cannot be executed.`;

export function addTaskCommands(program: Program): void {
  const task = program.group(program.root, 'task', 'identities that are lent for a task, and taken back when it ends');
  const run = program.leaf(
    task,
    'run <cmd> [arg...]',
    'run a program in a task',
    {
      rules: RUN_RULES,
      example:
        'assay task run --purpose "ticket 4711" --intent tickets:read --intent crm:read=4711 --ttl 20m -- ./agent',
    },
    async () => (await import('./task-run.ts')).taskRun,
  );
  run
    .passThroughOptions()
    .option('--purpose <text>', 'what for, in words (required)', once)
    .option('--intent <intent>', 'TARGET:ACTION or TARGET:ACTION=RESOURCE (required; repeat)', collect)
    .option('--identity <spiffe-id>', 'which one is lent, where this process has several', once)
    .option('--parent <task>', 'a task that this process belongs to, of which this one is a part', once)
    .option('--grant <id>', 'begin it under what people approved beforehand, and ask nobody', once)
    .option('--ttl <duration>', 'how long at most; tasks.default_ttl unless told', once)
    .option('--keep', 'let the program go on when the task ends first');
  addWorkloadFlags(run);
  const list = program.leaf(
    task,
    'list',
    'list tasks, the newest first',
    'assay task list --state active',
    async () => {
      return (await import('./task-list.ts')).taskList;
    },
  );
  list
    .option('--state <state>', 'only those in this state: pending, active, ended, denied', once)
    .option('--identity <spiffe-id>', 'only those of this identity', once)
    .option('--parent <task>', 'only those right below this task', once);
  addAdminFlags(addPageFlags(list));
  const show = program.leaf(
    task,
    'show <id>',
    'show a task',
    'assay task show 01jdq3v8k2m5n7p9r1t3v5x7z9',
    async () => (await import('./task-show.ts')).taskShow,
  );
  addAdminFlags(show);
  const end = program.leaf(
    task,
    'end <id>',
    'end a task, all tasks below it, and whatever was issued in them',
    'assay task end 01jdq3v8k2m5n7p9r1t3v5x7z9 --reason "wrong customer"',
    async () => (await import('./task-show.ts')).taskEnd,
  );
  addAdminFlags(end.option('--reason <text>', 'why, for whoever meets it (required)', once));
  const watch = program.leaf(
    task,
    'watch',
    'follow what becomes of tasks, one line each, until interrupted',
    'assay task watch',
    async () => (await import('./task-watch.ts')).taskWatch,
  );
  addAdminFlags(watch.option('--identity <spiffe-id>', 'only those of this identity', once));
}
