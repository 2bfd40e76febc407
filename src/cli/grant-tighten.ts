// SPDX-License-Identifier: Apache-2.0
/** `assay grant tighten`: what of a grant was used, and the commands for one that is no larger. Changes nothing. */
import type { WireGrant } from '../api/admin/wire-grant.ts';
import type { WireTask } from '../api/admin/wire-task.ts';
import { type RanTask, type Tightened, tighten } from '../grants/tighten.ts';
import { formatDuration } from '../lib/duration.ts';
import { type AdminClient, type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, printJson, printTable } from './print.ts';

const PAGE = 500;

interface Proposal {
  readonly grant: WireGrant;
  readonly tasks: readonly RanTask[];
  readonly tight: Tightened | undefined;
}

export async function grantTighten(
  io: Io,
  options: AdminOptions & { readonly output: Format },
  [id = '']: readonly string[],
): Promise<number> {
  const proposal = await withAdmin(io, options, async (admin): Promise<Proposal> => {
    const { grant } = await admin.call('GetGrant', { id });
    const tasks = await ranUnder(admin, grant, io.now());
    const { intents, max_tasks: maxTasks } = grant;
    const windowMs = Number(grant.window_to) - Number(grant.window_from);
    const granted = { intents, windowMs, maxTasks, maxTaskTtlMs: Number(grant.max_task_ttl_ms) };
    return { grant, tasks, tight: tighten(granted, tasks) };
  });
  if (options.output === 'json') printJson(io, proposalJson(proposal));
  else print(io, proposal);
  return 0;
}

/** Newest first: none began before the grant was asked for. */
async function ranUnder(admin: AdminClient, { id, identity, created_at }: WireGrant, now: number): Promise<RanTask[]> {
  const found: RanTask[] = [];
  for (let token = ''; ; ) {
    const { tasks, next_page_token } = await admin.call('ListTasks', { identity, page_size: PAGE, page_token: token });
    for (const task of tasks) if (task.grant === id && task.state !== 'denied') found.push(await ran(admin, task, now));
    token = next_page_token;
    if (token === '' || Number(tasks.at(-1)?.created_at) < Number(created_at)) return found;
  }
}

async function ran(admin: AdminClient, task: WireTask, now: number): Promise<RanTask> {
  const { events } = await admin.call('ListEvents', { task: task.id, kind: 'issue.', page_size: 1 });
  const overAt = task.state === 'ended' ? Number(task.state_since) : now;
  return { intents: task.intents, beganAt: Number(task.created_at), overAt, used: events.length > 0 };
}

function commands({ grant, tight }: Proposal): readonly string[] {
  const revoke = `assay grant revoke ${grant.id} --reason ${word(tight ? 'replaced by a smaller one' : 'not used')}`;
  if (tight === undefined) return [revoke];
  if (!tight.isLess) return [];
  const words = [
    ...['assay', 'grant', 'request', '--identity', grant.identity],
    ...tight.intents.flatMap((intent) => ['--intent', intent]),
    ...['--purpose', grant.purpose, '--for', formatDuration(tight.windowMs)],
    ...['--max-tasks', String(tight.maxTasks), '--max-task-ttl', formatDuration(tight.maxTaskTtlMs)],
  ];
  return [words.map(word).join(' '), revoke];
}

/** For a POSIX shell. */
function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function proposalJson(proposal: Proposal): object {
  const { grant, tasks, tight } = proposal;
  return {
    grant: grant.id,
    tasks: { began: tasks.length, given_credentials: tasks.filter(({ used }) => used).length },
    intents: tight?.of.map(({ intent, tasks: count, instead }) => ({ intent, tasks: count, instead })) ?? null,
    proposed: tight && {
      intents: tight.intents,
      window_seconds: tight.windowMs / 1_000,
      max_tasks: tight.maxTasks,
      max_task_ttl_seconds: tight.maxTaskTtlMs / 1_000,
    },
    is_less: tight?.isLess ?? true,
    commands: commands(proposal),
  };
}

function print(io: Io, proposal: Proposal): void {
  const { grant, tasks, tight } = proposal;
  const used = tasks.filter((task) => task.used).length;
  io.out(`${tasks.length} tasks began under ${grant.id}, ${used} of them were given credentials\n`);
  if (tight !== undefined) {
    printTable(
      io,
      ['INTENT', 'TASKS', 'ENOUGH'],
      tight.of.map(({ intent, tasks: count, instead }) => [intent, String(count), instead.join(' ') || '-']),
    );
    const windowMs = Number(grant.window_to) - Number(grant.window_from);
    io.out(`window ${formatDuration(windowMs)}, enough ${formatDuration(tight.windowMs)}\n`);
    io.out(`tasks ${grant.max_tasks}, enough ${tight.maxTasks}\n`);
    const most = formatDuration(Number(grant.max_task_ttl_ms));
    io.out(`each lasts ${most} at most, enough ${formatDuration(tight.maxTaskTtlMs)}\n`);
  }
  const next = commands(proposal);
  if (next.length === 0) io.out('nothing of it is too much\n');
  else
    io.talk(
      `what is enough is asked for, signed by people as any other, with:\n${next.map((one) => `  ${one}\n`).join('')}`,
    );
}
