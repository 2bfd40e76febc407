// SPDX-License-Identifier: Apache-2.0
/**
 * `assay task run`: begins a task, runs a program in it, and ends it with the program. The program finds the task's own
 * Workload API in SPIFFE_ENDPOINT_SOCKET, so that any SPIFFE client gets what belongs to the task and nothing else.
 */
import { ENDPOINT_VARIABLE } from '../client/endpoint.ts';
import { Failure } from '../lib/failure.ts';
import { findProgram } from './exec-program.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { instant, plain, relative } from './print.ts';
import { TaskChild } from './task-child.ts';
import { type ActiveTask, type EndedTask, type PendingTask, TaskLease } from './task-client.ts';
import { required } from './usage.ts';
import { seconds } from './values.ts';
import { type WorkloadOptions, workloadPlace } from './workload-place.ts';

interface Options extends WorkloadOptions {
  readonly identity?: string;
  readonly parent?: string;
  readonly grant?: string;
  readonly purpose?: string;
  readonly intent?: readonly string[];
  readonly ttl?: string;
  readonly keep?: boolean;
}

/** By which a program may know its task. */
const TASK_VARIABLE = 'ASSAY_TASK_ID';
/** Which of them a refusal may speak of. */
const FLAGS = ['--identity', '--parent', '--grant', '--purpose', '--intent', '--ttl'];

export async function taskRun(io: Io, options: Options, [command = '', ...args]: readonly string[]): Promise<number> {
  const asked = {
    identity: options.identity ?? '',
    parent: options.parent ?? '',
    grant: options.grant ?? '',
    purpose: required(options.purpose, '--purpose'),
    intents: required(options.intent, '--intent'),
    ttl_ms: options.ttl === undefined ? 0 : seconds(options.ttl, '--ttl') * 1_000,
  };
  const program = await findProgram(command, io.env.get('PATH'));
  const place = await workloadPlace(io, options);
  const begun = Promise.withResolvers<ActiveTask>();
  const lease = new TaskLease(place, asked, {
    pending: (task) => tellPending(io, task),
    active: begun.resolve,
  });
  const interrupted = io.interrupted();
  const giveUp = (): void => lease.close();
  interrupted.addEventListener('abort', giveUp, { once: true });
  try {
    const first = await Promise.race([begun.promise, withFlagNames(FLAGS, lease.ended)]);
    if ('end' in first) throw neverBegan(first);
    interrupted.removeEventListener('abort', giveUp);
    io.talk(
      `assay: task ${first.task_id} as ${plain(first.spiffe_id)}, ends ${relative(Number(first.deadline), io.now())}\n`,
    );
    const child = new TaskChild(program, [command, ...args], {
      ...Object.fromEntries(io.env),
      [ENDPOINT_VARIABLE]: first.socket,
      [TASK_VARIABLE]: first.task_id,
    });
    return await untilOver(io, lease, first, child, options.keep === true);
  } finally {
    lease.close();
  }
}

/** Whichever comes first, the end of the program or of the task. */
async function untilOver(io: Io, lease: TaskLease, task: ActiveTask, child: TaskChild, keep: boolean): Promise<number> {
  const lost = lease.ended.then(
    (ended) => inWords(ended),
    (error: unknown) => `lost: ${error instanceof Error ? error.message : String(error)}`,
  );
  const first = await Promise.race([child.exited, lost]);
  if (typeof first === 'number') {
    child.release();
    await lease.end(task.task_id, first !== 0, `exit status ${first}`).catch(() => undefined);
    // What it left behind has no task any more.
    if (!keep) await child.kill();
    return first;
  }
  io.talk(`assay: task ${task.task_id} is over (${plain(first)})${keep ? '' : '; its program is ended'}\n`);
  if (!keep) await child.kill();
  const status = await child.exited;
  child.release();
  return status === 0 ? 1 : status;
}

function tellPending(io: Io, { task_id, because, needs, deadline }: PendingTask): void {
  io.talk(`assay: task ${task_id} waits for ${plain(needs)}, until ${instant(Number(deadline))}\n`);
  for (const why of because) io.talk(`  because: ${plain(why)}\n`);
  io.talk(`  whoever may decide: assay approve ${task_id}\n`);
}

function inWords({ end, reason }: EndedTask): string {
  return `${end}: ${reason}`;
}

function neverBegan(task: EndedTask): Failure {
  return new Failure('permission-denied', 'TASK_NOT_BEGUN', `task ${task.task_id} did not begin: ${inWords(task)}`, {
    field: 'task',
    value: task.task_id,
    hint: `an operator sees why: assay task show ${task.task_id}`,
  });
}
