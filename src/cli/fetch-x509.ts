// SPDX-License-Identifier: Apache-2.0
/** `assay fetch x509`: one answer of the Workload API, checked as any client should, printed or written to files. */
import { status } from '@grpc/grpc-js';
import { fromStatus } from '../api/status.ts';
import { type WireX509Svids, WorkloadApi } from '../client/workload-api.ts';
import { readX509State } from '../client/x509-state.ts';
import { Failure } from '../lib/failure.ts';
import type { Io } from './io.ts';
import { plain, printJson } from './print.ts';
import { printX509, x509Json } from './show-x509.ts';
import { seconds } from './values.ts';
import { type WorkloadOptions, type WorkloadPlace, workloadPlace } from './workload-place.ts';
import { writeX509 } from './write-x509.ts';

interface Options extends WorkloadOptions {
  readonly write?: string;
  readonly timeout?: string;
}

const ANSWER_WITHIN_SECONDS = 10;

export async function fetchX509(io: Io, options: Options): Promise<number> {
  const timeout = options.timeout === undefined ? ANSWER_WITHIN_SECONDS : seconds(options.timeout, '--timeout');
  const place = await workloadPlace(io, options);
  const message = await firstAnswer(place, timeout);
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

async function firstAnswer(place: WorkloadPlace, timeoutSeconds: number): Promise<WireX509Svids> {
  const api = new WorkloadApi(place.endpoint);
  const call = api.fetchX509Svids();
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<WireX509Svids>((resolve, reject) => {
      timer = setTimeout(() => reject(noAnswer(place, timeoutSeconds)), timeoutSeconds * 1_000);
      call.once('data', resolve);
      call.once('error', reject);
      call.once('end', () =>
        reject(new Failure('unavailable', 'NO_ANSWER', 'the daemon ended the stream without an answer')),
      );
    });
  } catch (error) {
    if (error instanceof Failure) throw error;
    const failure = fromStatus(error as Parameters<typeof fromStatus>[0]);
    if (failure.kind === 'unavailable') throw (await place.whyNot()) ?? failure;
    if ((error as { code?: number }).code === status.PERMISSION_DENIED && failure.hint === undefined) {
      throw new Failure(failure.kind, failure.reason, failure.message, {
        hint: 'register this process: assay entry create',
        cause: error,
      });
    }
    throw failure;
  } finally {
    clearTimeout(timer);
    call.on('error', () => undefined);
    call.cancel();
    api.close();
  }
}

function noAnswer(place: WorkloadPlace, timeoutSeconds: number): Failure {
  return new Failure('unavailable', 'NO_ANSWER', `no answer from ${place.endpoint.uri} within ${timeoutSeconds} s`, {
    field: '--timeout',
    hint: 'look at the log of the daemon, or give it longer with --timeout',
  });
}
