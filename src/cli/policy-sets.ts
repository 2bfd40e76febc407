// SPDX-License-Identifier: Apache-2.0
/** `assay policy apply`, `shadow`, `rollback`, `list` and `show`: the sets of the daemon. */
import type { WirePolicySet } from '../api/admin/wire-policy.ts';
import { type AdminClient, type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { readPolicyFolder } from './policy-folder.ts';
import { requireTested } from './policy-offline.ts';
import { type Format, instant, plain, printFields, printJson, printTable, when } from './print.ts';
import { policySetJson, tallyJson } from './show-policy.ts';
import { usage } from './usage.ts';

interface Options extends AdminOptions {
  readonly output: Format;
}

export async function policyApply(io: Io, options: Options, [folder = '']: readonly string[]): Promise<number> {
  const files = await tested(io, folder);
  const { set } = await withAdmin(io, options, (admin) => admin.call('ApplyPolicy', { files }));
  return show(io, options, set);
}

export async function policyShadow(
  io: Io,
  options: Options & { readonly end?: boolean },
  [folder]: readonly string[],
): Promise<number> {
  const end = options.end ?? false;
  if (end === (folder !== undefined))
    throw usage('assay policy shadow', undefined, 'needs a folder, or --end', 'write: assay policy shadow FOLDER');
  const files = folder === undefined ? [] : await tested(io, folder);
  const { set } = await withAdmin(io, options, (admin) => admin.call('ShadowPolicy', { files, end }));
  if (set !== null) return show(io, options, set);
  if (options.output === 'json') printJson(io, { set: null });
  else io.talk('nothing is tried beside the policies that decide\n');
  return 0;
}

export async function policyRollback(io: Io, options: Options, [hash = '']: readonly string[]): Promise<number> {
  const { set } = await withAdmin(io, options, (admin) => admin.call('RollbackPolicy', { hash }));
  return show(io, options, set);
}

export async function policyList(io: Io, options: Options & { readonly limit?: string }): Promise<number> {
  await withAdmin(io, options, async (admin) => {
    await printList<WirePolicySet>(io, {
      output: options.output,
      limit: options.limit,
      name: 'sets',
      heading: ['MODE', 'HASH', 'LOADED', 'BY'],
      cells: (set) => [set.mode, set.hash, instant(Number(set.loaded_at)), set.loaded_by],
      json: policySetJson,
      none: 'no policies: every task is denied',
      page: async (size, token) => {
        const { sets, next_page_token } = await admin.call('ListPolicies', { page_size: size, page_token: token });
        return { rows: sets, next: next_page_token };
      },
    });
    if (options.output !== 'json') await printTally(io, admin);
  });
  return 0;
}

export async function policyShow(io: Io, options: Options, [hash = '']: readonly string[]): Promise<number> {
  const { set, files } = await withAdmin(io, options, (admin) => admin.call('GetPolicy', { hash }));
  if (options.output === 'json') {
    const { tally } = await withAdmin(io, options, (admin) => admin.call('ListPolicies', { page_size: 1 }));
    printJson(io, { set: policySetJson(set), files, tally: set.mode === 'shadow' ? tallyJson(tally) : null });
    return 0;
  }
  print(io, set);
  for (const { name, text } of files) {
    io.out(`\n// ${name}\n`);
    for (const line of text.trimEnd().split('\n')) io.out(`${plain(line)}\n`);
  }
  return 0;
}

/** Where the set on trial would have decided otherwise. */
async function printTally(io: Io, admin: AdminClient): Promise<void> {
  const { tally } = await admin.call('ListPolicies', { page_size: 1 });
  if (tally.compared === '0') return;
  io.talk(`on trial: ${tally.differed} of ${tally.compared} decisions would differ\n`);
  if (tally.differences.length === 0) return;
  io.out('\n');
  printTable(
    io,
    ['AT', 'ACTION', 'LIVE', 'ON TRIAL', 'TARGET', 'INTENTS', 'PRINCIPAL'],
    tally.differences.map((one) => [
      instant(Number(one.at)),
      one.action,
      one.live,
      one.shadow,
      one.target,
      one.intents.join(' '),
      one.principal,
    ]),
  );
}

async function tested(io: Io, path: string) {
  const folder = await readPolicyFolder(path, io.now());
  requireTested(folder);
  return folder.files;
}

function show(io: Io, { output }: Options, set: WirePolicySet): number {
  if (output === 'json') printJson(io, { set: policySetJson(set) });
  else print(io, set);
  return 0;
}

function print(io: Io, set: WirePolicySet): void {
  printFields(io, [
    ['mode', set.mode],
    ['hash', set.hash],
    ['schema', set.schema_hash],
    ['loaded', `${when(Number(set.loaded_at), io.now())} by ${set.loaded_by}`],
    ['live until', set.left_at === undefined ? undefined : when(Number(set.left_at), io.now())],
  ]);
}
