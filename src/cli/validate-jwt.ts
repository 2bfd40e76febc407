// SPDX-License-Identifier: Apache-2.0
/** `assay validate jwt`: whose token is this, asked of the daemon with the bundles that this very process may verify with. */
import type { WireStruct, WireValue } from '../client/workload-api.ts';
import type { Io } from './io.ts';
import { printFields, printJson } from './print.ts';
import { usage } from './usage.ts';
import { askWorkloadApi, type CallOptions } from './workload-call.ts';

interface Options extends CallOptions {
  readonly audience?: string;
  readonly token?: string;
}

/** Above what the daemon takes. */
const MOST_BYTES = 64 * 1024;

export async function validateJwt(io: Io, options: Options): Promise<number> {
  const { audience } = options;
  if (audience === undefined)
    throw usage('--audience', undefined, 'is required', 'give the name by which the token has to mean this service');
  // Arguments of a command can be read by every process of the machine: standard input cannot.
  const given = options.token ?? (await io.readInput(MOST_BYTES)).toString('utf8').trim();
  const request = { audience, svid: given };
  const valid = await askWorkloadApi(io, options, (api, deadline) => api.validateJwtSvid(request, deadline));
  const claims = toPlain({ structValue: valid.claims ?? { fields: {} } });
  if (options.output === 'json') printJson(io, { spiffe_id: valid.spiffe_id, claims });
  else
    printFields(io, [
      ['spiffe id', valid.spiffe_id],
      ...Object.entries(claims as object).map(([name, value]): [string, string] => [name, JSON.stringify(value)]),
    ]);
  return 0;
}

function toPlain(value: WireValue): unknown {
  if (value.structValue !== undefined) return Object.fromEntries(members(value.structValue));
  if (value.listValue !== undefined) return value.listValue.values.map(toPlain);
  return value.stringValue ?? value.numberValue ?? value.boolValue ?? null;
}

function members({ fields }: WireStruct): [string, unknown][] {
  return Object.entries(fields).map(([name, value]) => [name, toPlain(value)]);
}
