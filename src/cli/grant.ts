// SPDX-License-Identifier: Apache-2.0
/** `assay grant request`, `list`, `show` and `revoke` */
import type { WireGrant } from '../api/admin/wire-grant.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, instant, printFields, printJson, relative, when } from './print.ts';
import { taskJson } from './show-task.ts';
import { required } from './usage.ts';
import { count, seconds, whenFlag } from './values.ts';

type Options = AdminOptions & { readonly output: Format };

interface RequestOptions extends Options {
  readonly identity?: string;
  readonly intent?: readonly string[];
  readonly purpose?: string;
  readonly for?: string;
  readonly from?: string;
  readonly maxTasks?: string;
  readonly maxTaskTtl?: string;
  readonly breakGlass?: boolean;
}

const MOST_TASKS = 10_000;
const FLAGS = ['--identity', '--intent', '--purpose', '--for', '--from', '--max-tasks', '--max-task-ttl'];

export async function grantRequest(io: Io, options: RequestOptions): Promise<number> {
  const { from, maxTasks, maxTaskTtl } = options;
  const request = {
    identity: required(options.identity, '--identity'),
    intents: required(options.intent, '--intent'),
    purpose: required(options.purpose, '--purpose'),
    for_ms: seconds(required(options.for, '--for'), '--for') * 1_000,
    from: from === undefined ? 0 : whenFlag(from, '--from', io.now()),
    max_tasks: maxTasks === undefined ? 0 : count(maxTasks, '--max-tasks', MOST_TASKS),
    max_task_ttl_ms: maxTaskTtl === undefined ? 0 : seconds(maxTaskTtl, '--max-task-ttl') * 1_000,
    break_glass: options.breakGlass ?? false,
  };
  const call = withAdmin(io, options, (admin) => admin.call('RequestGrant', request));
  const { grant } = await withFlagNames(FLAGS, call);
  show(io, options, grant);
  return 0;
}

export async function grantShow(io: Io, options: Options, [id = '']: readonly string[]): Promise<number> {
  const { grant } = await withAdmin(io, options, (admin) => admin.call('GetGrant', { id }));
  show(io, options, grant);
  return 0;
}

export async function grantRevoke(
  io: Io,
  options: Options & { readonly reason?: string },
  [id = '']: readonly string[],
): Promise<number> {
  const request = { id, reason: required(options.reason, '--reason') };
  const call = withAdmin(io, options, (admin) => admin.call('RevokeGrant', request));
  const { grant, tasks } = await withFlagNames(['--reason'], call);
  if (options.output === 'json') {
    printJson(io, { grant: grantJson(grant), ended: tasks.map(taskJson) });
    return 0;
  }
  io.out(`grant ${grant.id} is ${grant.state}\n`);
  for (const task of tasks) io.out(`ended ${task.id} (${task.identity})\n`);
  return 0;
}

export async function grantList(
  io: Io,
  options: Options & { readonly limit?: string; readonly state?: string; readonly identity?: string },
): Promise<number> {
  await withAdmin(io, options, (admin) =>
    printList<WireGrant>(io, {
      output: options.output,
      limit: options.limit,
      name: 'grants',
      heading: ['ID', 'IDENTITY', 'STATE', 'USED', 'OPENS', 'CLOSES', 'INTENTS', 'PURPOSE'],
      cells: (grant) => [
        grant.id,
        grant.identity,
        grant.state,
        `${grant.used}/${grant.max_tasks}`,
        relative(Number(grant.window_from), io.now()),
        relative(Number(grant.window_to), io.now()),
        grant.intents.join(' '),
        grant.purpose,
      ],
      json: grantJson,
      none: 'no grants',
      page: async (size, token) => {
        const { state, identity } = options;
        const call = admin.call('ListGrants', { state, identity, page_size: size, page_token: token });
        const { grants, next_page_token } = await withFlagNames(['--state', '--identity'], call);
        return { rows: grants, next: next_page_token };
      },
    }),
  );
  return 0;
}

function show(io: Io, options: Options, grant: WireGrant): void {
  if (options.output === 'json') printJson(io, { grant: grantJson(grant) });
  else printGrant(io, grant);
}

function grantJson(grant: WireGrant): object {
  const { id, identity, intents, purpose, max_tasks, used, requested_by, digest, state, break_glass } = grant;
  return {
    ...{ id, identity, intents, purpose, max_tasks, used, requested_by, digest, state, break_glass },
    window_from: instant(Number(grant.window_from)),
    window_to: instant(Number(grant.window_to)),
    max_task_ttl_seconds: Number(grant.max_task_ttl_ms) / 1_000,
    state_since: instant(Number(grant.state_since)),
    state_reason: grant.state_reason === '' ? null : grant.state_reason,
    created_at: instant(Number(grant.created_at)),
  };
}

function printGrant(io: Io, grant: WireGrant): void {
  const now = io.now();
  printFields(io, [
    ['id', grant.id],
    ['identity', grant.identity],
    ['purpose', grant.purpose],
    ...grant.intents.map((intent) => ['intent', intent] as const),
    ['state', `${grant.state}, since ${when(Number(grant.state_since), now)}`],
    ['reason', grant.state_reason === '' ? undefined : grant.state_reason],
    ['opens', when(Number(grant.window_from), now)],
    ['closes', when(Number(grant.window_to), now)],
    [
      'tasks',
      `${grant.used} of ${grant.max_tasks} have begun, ${Number(grant.max_task_ttl_ms) / 1_000} s each at most`,
    ],
    ['asked by', grant.requested_by],
    ['break-glass', grant.break_glass ? 'yes: somebody has to close the finding' : undefined],
    ['digest', grant.digest],
  ]);
}
