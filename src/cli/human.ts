// SPDX-License-Identifier: Apache-2.0
/** `assay human`: add, list, show, update, deactivate, and `human key` add and remove. */
import { readFile } from 'node:fs/promises';
import type { WireHuman, WireHumanChange } from '../api/admin/wire-people.ts';
import { Failure, quote } from '../lib/failure.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, printJson, printTable } from './print.ts';
import { identityJson } from './show-entry.ts';
import { humanJson, printHuman, showHuman } from './show-human.ts';
import { required, usage } from './usage.ts';
import { sequence } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
}

const SAID = ['--email', '--uid', '--team'];
/** Of a public key file; the private ones are longer, and not for here. */
const KEY_FILE_BYTES = 8_192;

export async function humanAdd(
  io: Io,
  options: Options & { readonly email?: string; readonly uid?: readonly string[]; readonly team?: readonly string[] },
  [name = '']: readonly string[],
): Promise<number> {
  const uids = (options.uid ?? []).map((uid) => sequence(uid, '--uid'));
  const request = { name, email: options.email, uids, teams: options.team ?? [] };
  const call = withAdmin(io, options, (admin) => admin.call('AddHuman', request));
  return show(io, options, (await withFlagNames(SAID, call)).human);
}

export async function humanList(io: Io, options: Options & { readonly limit?: string }): Promise<number> {
  await withAdmin(io, options, (admin) =>
    printList<WireHuman>(io, {
      output: options.output,
      limit: options.limit,
      name: 'humans',
      heading: ['NAME', 'STATE', 'UIDS', 'TEAMS', 'KEYS'],
      cells: ({ name, active, uids, teams, keys }) => [
        name,
        active ? 'active' : 'has left',
        uids.join(' ') || '-',
        teams.join(' ') || '-',
        String(keys.length),
      ],
      json: humanJson,
      none: 'no people',
      page: async (size, token) => {
        const { humans, next_page_token } = await admin.call('ListHumans', { page_size: size, page_token: token });
        return { rows: humans, next: next_page_token };
      },
    }),
  );
  return 0;
}

export async function humanShow(io: Io, options: Options, [name = '']: readonly string[]): Promise<number> {
  const { humans } = await withAdmin(io, options, (admin) => admin.call('ListHumans', { name }));
  return show(io, options, humans[0] as WireHuman);
}

export async function humanUpdate(
  io: Io,
  options: Options & { readonly email?: string; readonly uid?: readonly string[]; readonly team?: readonly string[] },
  [name = '']: readonly string[],
): Promise<number> {
  const { email, uid, team } = options;
  const fields = Object.entries({ email, uids: uid, teams: team }).flatMap(([field, said]) =>
    said === undefined ? [] : [field],
  );
  if (fields.length === 0)
    throw usage('--team', undefined, 'nothing to change is named', `name one of ${SAID.join(', ')}`);
  const uids = withoutEmpty(uid).map((one) => sequence(one, '--uid'));
  const request = { name, fields, email, uids, teams: withoutEmpty(team) };
  const call = withAdmin(io, options, (admin) => admin.call('UpdateHuman', request));
  return showChange(io, options, await withFlagNames(SAID, call));
}

/** One empty `--team` or `--uid` clears them all. */
function withoutEmpty(said: readonly string[] = []): readonly string[] {
  return said.length === 1 && said[0] === '' ? [] : said;
}

export async function humanDeactivate(
  io: Io,
  options: Options & { readonly reason?: string },
  [name = '']: readonly string[],
): Promise<number> {
  const request = { name, reason: required(options.reason, '--reason') };
  const call = withAdmin(io, options, (admin) => admin.call('DeactivateHuman', request));
  return showChange(io, options, await withFlagNames(['--reason'], call));
}

function showChange(io: Io, { output }: Options, { human, suspended, suspended_count }: WireHumanChange): number {
  if (output === 'json') {
    printJson(io, {
      human: humanJson(human),
      suspended: suspended.map(identityJson),
      suspended_count: Number(suspended_count),
    });
    return 0;
  }
  printHuman(io, human);
  if (!human.active || suspended.length > 0) io.talk(`${suspended_count} identities were theirs and are suspended\n`);
  if (suspended.length === 0) return 0;
  printTable(
    io,
    ['SUSPENDED', 'WAS', 'DEPUTY', 'NEXT'],
    suspended.map(({ spiffe_id, owner, deputy }) => [
      spiffe_id,
      owner,
      deputy === '' ? '-' : deputy,
      deputy === '' ? 'assay identity renew --owner' : 'assay identity renew',
    ]),
  );
  return 0;
}

export async function humanKeyAdd(
  io: Io,
  options: Options & { readonly file?: string },
  [name = '']: readonly string[],
): Promise<number> {
  const file = required(options.file, '--file');
  const request = { name, key: await lineOf(file) };
  const call = withAdmin(io, options, (admin) => admin.call('AddHumanKey', request));
  return show(io, options, (await withFlagNames([], call)).human);
}

export async function humanKeyRemove(
  io: Io,
  options: Options,
  [name = '', fingerprint = '']: readonly string[],
): Promise<number> {
  const { human } = await withAdmin(io, options, (admin) => admin.call('RemoveHumanKey', { name, fingerprint }));
  return show(io, options, human);
}

function show(io: Io, { output }: Options, human: WireHuman): number {
  return showHuman(io, output, human);
}

async function lineOf(file: string): Promise<string> {
  try {
    return (await readFile(file)).subarray(0, KEY_FILE_BYTES).toString('utf8').trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure('invalid-argument', 'HUMAN_KEY_INVALID', `--file ${quote(file)} cannot be read: ${code}`, {
      field: '--file',
      value: file,
      hint: 'name a .pub file',
      cause,
    });
  }
}
