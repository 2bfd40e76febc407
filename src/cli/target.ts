// SPDX-License-Identifier: Apache-2.0
/** `assay target`: put, list, show, retire. */
import type { WireTarget } from '../api/admin/wire-target.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, instant, printFields, printJson, relative, when } from './print.ts';
import { required } from './usage.ts';
import { whenFlag } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
}

interface PutOptions extends Options {
  readonly env?: string;
  readonly impact?: string;
  readonly intent?: readonly string[];
  readonly irrevocable?: readonly string[];
  readonly audience?: readonly string[];
  readonly owner?: string;
  readonly thirdParty?: boolean;
  readonly reviewBy?: string;
  readonly expires?: string;
}

export async function targetPut(io: Io, options: PutOptions, [name = '']: readonly string[]): Promise<number> {
  const { reviewBy, expires } = options;
  const target = {
    name,
    owner: options.owner ?? '',
    environment: required(options.env, '--env'),
    impact: required(options.impact, '--impact'),
    intents: required(options.intent, '--intent'),
    irrevocable: options.irrevocable ?? [],
    audiences: options.audience ?? [],
    third_party: options.thirdParty ?? false,
    review_by: reviewBy === undefined ? undefined : whenFlag(reviewBy, '--review-by', io.now()),
    expires_at: expires === undefined ? undefined : whenFlag(expires, '--expires', io.now()),
  };
  const call = withAdmin(io, options, (admin) => admin.call('PutTarget', { target }));
  const flags = ['--env', '--impact', '--intent', '--irrevocable', '--audience', '--owner', '--review-by', '--expires'];
  return show(io, options, (await withFlagNames(flags, call)).target);
}

export async function targetList(io: Io, options: Options & { readonly limit?: string }): Promise<number> {
  await withAdmin(io, options, (admin) =>
    printList<WireTarget>(io, {
      output: options.output,
      limit: options.limit,
      name: 'targets',
      heading: ['NAME', 'STATE', 'ENV', 'IMPACT', 'OWNER', 'EXPIRES', 'INTENTS'],
      cells: (target) => [
        target.name,
        stateOf(target, io.now()),
        target.environment,
        target.impact,
        target.owner,
        relative(Number(target.expires_at), io.now()),
        target.intents.join(' '),
      ],
      json: targetJson,
      none: 'no targets',
      page: async (size, token) => {
        const { targets, next_page_token } = await admin.call('ListTargets', { page_size: size, page_token: token });
        return { rows: targets, next: next_page_token };
      },
    }),
  );
  return 0;
}

export async function targetShow(io: Io, options: Options, [name = '']: readonly string[]): Promise<number> {
  const { targets } = await withAdmin(io, options, (admin) => admin.call('ListTargets', { name }));
  return show(io, options, targets[0] as WireTarget);
}

export async function targetRetire(
  io: Io,
  options: Options & { readonly reason?: string },
  [name = '']: readonly string[],
): Promise<number> {
  const request = { name, reason: required(options.reason, '--reason') };
  const call = withAdmin(io, options, (admin) => admin.call('RetireTarget', request));
  return show(io, options, (await withFlagNames(['--reason'], call)).target);
}

export function targetJson(target: WireTarget): object {
  const time = (at: string | undefined): string | null => (at === undefined ? null : instant(Number(at)));
  return {
    name: target.name,
    owner: target.owner,
    orphaned: target.orphaned,
    environment: target.environment,
    impact: target.impact,
    intents: target.intents,
    irrevocable: target.irrevocable,
    audiences: target.audiences,
    third_party: target.third_party,
    review_by: time(target.review_by),
    expires_at: time(target.expires_at),
    created_at: instant(Number(target.created_at)),
    created_by: target.created_by,
    retired_at: time(target.retired_at),
    retired_by: target.retired_by === '' ? null : target.retired_by,
    retire_reason: target.retire_reason === '' ? null : target.retire_reason,
    revision: Number(target.revision),
  };
}

function show(io: Io, { output }: Options, target: WireTarget): number {
  if (output === 'json') {
    printJson(io, { target: targetJson(target) });
    return 0;
  }
  const now = io.now();
  const time = (at: string | undefined): string | undefined => (at === undefined ? undefined : when(Number(at), now));
  printFields(io, [
    ['target', target.name],
    ['state', stateOf(target, now)],
    ['reason', target.retire_reason === '' ? undefined : target.retire_reason],
    ['owner', target.orphaned ? `${target.owner}, who has left` : target.owner],
    ['env', target.environment],
    ['impact', target.impact],
    ...target.intents.map((one): [string, string] => [
      'intent',
      target.irrevocable.includes(one) ? `${one}, which cannot be taken back` : one,
    ]),
    ...target.audiences.map((one): [string, string] => ['audience', one]),
    ['third party', target.third_party ? `yes, to be reviewed ${time(target.review_by)}` : undefined],
    ['expires', time(target.expires_at)],
    ['created', `${time(target.created_at)} by ${target.created_by}`],
    ['revision', target.revision],
  ]);
  return 0;
}

function stateOf({ retired_at, orphaned, review_by, expires_at }: WireTarget, now: number): string {
  if (retired_at !== undefined) return 'retired';
  if (orphaned) return 'orphaned';
  if (Number(expires_at) <= now) return 'expired';
  if (review_by !== undefined && Number(review_by) <= now) return 'review due';
  return 'active';
}
