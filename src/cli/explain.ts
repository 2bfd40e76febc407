// SPDX-License-Identifier: Apache-2.0
/** `assay explain`: why a process gets what it gets, or who gets an identity and who cannot. 1 when it is refused. */
import type { WireIdentityExplained, WireProcessExplained } from '../api/admin/wire.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import {
  identityExplainedJson,
  printIdentityExplained,
  printProcessExplained,
  processExplainedJson,
} from './show-explained.ts';
import { usage } from './usage.ts';

export interface ExplainOptions extends AdminOptions {
  readonly output: Format;
  readonly pid?: string;
  readonly spiffeId?: string;
}

export async function explain(io: Io, options: ExplainOptions): Promise<number> {
  const { pid, spiffeId } = options;
  if ((pid === undefined) === (spiffeId === undefined))
    throw usage('--pid', undefined, 'either this or --spiffe-id is given, and not both', 'assay explain --pid 4242');
  if (pid !== undefined) return explainProcess(io, options, pid);
  const explained = await withAdmin(io, options, (admin) =>
    admin.call('ExplainIdentity', { spiffe_id: spiffeId ?? '' }),
  );
  showIdentity(io, options.output, explained);
  return explained.identity.state === 'active' ? 0 : 1;
}

async function explainProcess(io: Io, options: ExplainOptions, pid: string): Promise<number> {
  if (!/^[1-9]\d{0,9}$/.test(pid))
    throw usage('--pid', pid, 'is no process number', 'give the number that "ps" prints');
  const explained = await withAdmin(io, options, (admin) => admin.call('ExplainProcess', { pid }));
  showProcess(io, options.output, explained);
  return explained.refusal === undefined ? 0 : 1;
}

function showProcess(io: Io, output: Format, explained: WireProcessExplained): void {
  if (output === 'json') printJson(io, processExplainedJson(explained));
  else printProcessExplained(io, explained);
}

function showIdentity(io: Io, output: Format, explained: WireIdentityExplained): void {
  if (output === 'json') printJson(io, identityExplainedJson(explained));
  else printIdentityExplained(io, explained);
}
