// SPDX-License-Identifier: Apache-2.0
/** `assay fetch x509`: one answer of the Workload API, checked as any client should, printed or written to files. */
import { readX509State } from '../client/x509-state.ts';
import { firstAnswer } from './first-answer.ts';
import type { Io } from './io.ts';
import { plain, printJson } from './print.ts';
import { printX509, x509Json } from './show-x509.ts';
import { seconds } from './values.ts';
import { type WorkloadOptions, workloadPlace } from './workload-place.ts';
import { writeX509 } from './write-x509.ts';

interface Options extends WorkloadOptions {
  readonly write?: string;
  readonly timeout?: string;
}

export async function fetchX509(io: Io, options: Options): Promise<number> {
  const timeout = options.timeout === undefined ? undefined : seconds(options.timeout, '--timeout');
  const place = await workloadPlace(io, options);
  const message = await firstAnswer(place, (api) => api.fetchX509Svids(), timeout);
  const state = readX509State(message, io.now());
  const files = options.write === undefined ? undefined : await writeX509(options.write, state);
  if (options.output === 'json') {
    printJson(io, files === undefined ? x509Json(state) : { ...x509Json(state), files });
    return 0;
  }
  printX509(io, state);
  for (const file of files ?? []) io.out(`wrote   ${plain(file)}\n`);
  return 0;
}
