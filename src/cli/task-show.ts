// SPDX-License-Identifier: Apache-2.0
/** `assay task show` and `end` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { printTask, taskJson } from './show-task.ts';
import { required } from './usage.ts';

type Options = AdminOptions & { readonly output: Format };

export async function taskShow(io: Io, options: Options, [id = '']: readonly string[]): Promise<number> {
  const { task } = await withAdmin(io, options, (admin) => admin.call('GetTask', { id }));
  if (options.output === 'json') printJson(io, { task: taskJson(task) });
  else printTask(io, task);
  return 0;
}

export async function taskEnd(
  io: Io,
  options: Options & { readonly reason?: string },
  [id = '']: readonly string[],
): Promise<number> {
  const request = { id, reason: required(options.reason, '--reason') };
  const call = withAdmin(io, options, (admin) => admin.call('EndTask', request));
  const { tasks } = await withFlagNames(['--reason'], call);
  if (options.output === 'json') printJson(io, { ended: tasks.map(taskJson) });
  else if (tasks.length === 0) io.talk(`task ${id} was over already\n`);
  for (const task of options.output === 'json' ? [] : tasks) io.out(`ended ${task.id} (${task.identity})\n`);
  return 0;
}
