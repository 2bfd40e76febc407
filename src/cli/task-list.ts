// SPDX-License-Identifier: Apache-2.0
/** `assay task list` */
import type { WireTask } from '../api/admin/wire-task.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, relative } from './print.ts';
import { stateText, taskJson } from './show-task.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly limit?: string;
  readonly state?: string;
  readonly identity?: string;
  readonly parent?: string;
}

export async function taskList(io: Io, options: Options): Promise<number> {
  await withAdmin(io, options, (admin) =>
    printList<WireTask>(io, {
      output: options.output,
      limit: options.limit,
      name: 'tasks',
      heading: ['ID', 'IDENTITY', 'STATE', 'SINCE', 'DEADLINE', 'UID', 'INTENTS', 'PURPOSE'],
      cells: (task) => [
        task.id,
        task.identity,
        stateText(task),
        relative(Number(task.state_since), io.now()),
        relative(Number(task.deadline), io.now()),
        String(task.uid),
        task.intents.join(' '),
        task.purpose,
      ],
      json: taskJson,
      none: 'no tasks',
      page: async (size, token) => {
        const { state, identity, parent } = options;
        const call = admin.call('ListTasks', { state, identity, parent, page_size: size, page_token: token });
        const { tasks, next_page_token } = await withFlagNames(['--state', '--identity', '--parent'], call);
        return { rows: tasks, next: next_page_token };
      },
    }),
  );
  return 0;
}
