// SPDX-License-Identifier: Apache-2.0
/** One question to the Workload API, and what stood in the way of its answer in words. */
import { status } from '@grpc/grpc-js';
import { fromStatus } from '../api/status.ts';
import { WorkloadApi } from '../client/workload-api.ts';
import { Failure } from '../lib/failure.ts';
import type { Io } from './io.ts';
import { seconds } from './values.ts';
import { type WorkloadOptions, workloadPlace } from './workload-place.ts';

export interface CallOptions extends WorkloadOptions {
  readonly timeout?: string;
}

const ANSWER_WITHIN_SECONDS = 10;

/** `ask` is given the deadline, milliseconds UTC. */
export async function askWorkloadApi<Answer>(
  io: Io,
  options: CallOptions,
  ask: (api: WorkloadApi, deadline: number) => Promise<Answer>,
): Promise<Answer> {
  const timeout = options.timeout === undefined ? ANSWER_WITHIN_SECONDS : seconds(options.timeout, '--timeout');
  const place = await workloadPlace(io, options);
  const api = new WorkloadApi(place.endpoint);
  try {
    return await ask(api, io.now() + timeout * 1_000);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if ((error as { code?: number }).code === status.DEADLINE_EXCEEDED)
      throw new Failure('unavailable', 'NO_ANSWER', `no answer from ${place.endpoint.uri} within ${timeout} s`, {
        field: '--timeout',
        hint: 'look at the log of the daemon, or give it longer with --timeout',
      });
    const failure = fromStatus(error as Parameters<typeof fromStatus>[0]);
    if (failure.kind === 'unavailable') throw (await place.whyNot()) ?? failure;
    throw failure;
  } finally {
    api.close();
  }
}
