// SPDX-License-Identifier: Apache-2.0
/** The first message of a stream of the Workload API, and what stood in its way in words. */
import { type ClientReadableStream, status } from '@grpc/grpc-js';
import { fromStatus } from '../api/status.ts';
import { WorkloadApi } from '../client/workload-api.ts';
import { Failure } from '../lib/failure.ts';
import type { WorkloadPlace } from './workload-place.ts';

const ANSWER_WITHIN_SECONDS = 10;

export async function firstAnswer<Message>(
  place: WorkloadPlace,
  fetch: (api: WorkloadApi) => ClientReadableStream<Message>,
  timeoutSeconds = ANSWER_WITHIN_SECONDS,
): Promise<Message> {
  const api = new WorkloadApi(place.endpoint);
  const call = fetch(api);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Message>((resolve, reject) => {
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
