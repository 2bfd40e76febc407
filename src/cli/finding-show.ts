// SPDX-License-Identifier: Apache-2.0
/** `assay finding show` and `close` */
import type { WireFinding } from '../api/admin/wire-finding.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printFields, printJson, when } from './print.ts';
import { evidenceText, findingJson } from './show-finding.ts';
import { required, usage } from './usage.ts';

type Options = AdminOptions & { readonly output: Format };

export async function findingShow(io: Io, options: Options, [text = '']: readonly string[]): Promise<number> {
  const { finding } = await withAdmin(io, options, (admin) => admin.call('GetFinding', { id: idOf(text) }));
  print(io, options.output, finding);
  return 0;
}

export async function findingClose(
  io: Io,
  options: Options & { readonly resolution?: string },
  [text = '']: readonly string[],
): Promise<number> {
  const request = { id: idOf(text), resolution: required(options.resolution, '--resolution') };
  const call = withAdmin(io, options, (admin) => admin.call('CloseFinding', request));
  const { finding } = await withFlagNames(['--resolution'], call);
  print(io, options.output, finding);
  return 0;
}

function idOf(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw usage('id', text, 'is no number of a finding', 'list them: assay finding list');
}

function print(io: Io, output: Format, finding: WireFinding): void {
  if (output === 'json') {
    printJson(io, { finding: findingJson(finding) });
    return;
  }
  const now = io.now();
  const closed = finding.closed_at === undefined ? undefined : when(Number(finding.closed_at), now);
  printFields(io, [
    ['id', finding.id],
    ['detector', finding.detector],
    ['identity', finding.identity],
    ['task', finding.task === '' ? undefined : finding.task],
    ['evidence', evidenceText(finding)],
    ['opened', when(Number(finding.opened_at), now)],
    ['last seen', when(Number(finding.last_seen_at), now)],
    ['count', finding.count],
    ['state', closed === undefined ? 'open' : `closed ${closed} by ${finding.closed_by}`],
    ['resolution', closed === undefined ? undefined : finding.resolution],
  ]);
}
