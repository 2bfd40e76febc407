// SPDX-License-Identifier: Apache-2.0
/** `assay watch`: one line for each update and each break, until interrupted. In JSON, one object a line. */
import { WorkloadStream } from '../client/workload-stream.ts';
import { readX509State, type X509State } from '../client/x509-state.ts';
import { systemClock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { systemRandom } from '../lib/random.ts';
import type { Io } from './io.ts';
import { instant, jsonText, plain, relative } from './print.ts';
import { x509Json } from './show-x509.ts';
import { type WorkloadOptions, type WorkloadPlace, workloadPlace } from './workload-place.ts';

export async function watch(io: Io, options: WorkloadOptions): Promise<number> {
  const place = await workloadPlace(io, options);
  const json = options.output === 'json';
  const print = (event: object, text: string): void =>
    io.out(json ? `${jsonText({ at: instant(io.now()), ...event })}\n` : `${instant(io.now())}  ${plain(text)}\n`);
  let quiet = false;
  // The stream's timers do not keep the process alive; the wait for an interrupt does.
  const alive = setInterval(() => undefined, 2 ** 30);
  const ended = Promise.withResolvers<number>();
  const stream = new WorkloadStream({
    fetch: (api) => api.fetchX509Svids(),
    endpoint: place.endpoint,
    clock: systemClock,
    random: systemRandom,
    onMessage(message) {
      quiet = true;
      try {
        const state = readX509State(message, io.now());
        print({ event: 'update', ...x509Json(state) }, inWords(state, io.now()));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        print({ event: 'refused', reason: error.reason, message: error.message }, `refused: ${error.message}`);
      }
    },
    onEnd({ code, text, retryInMs }) {
      const again = retryInMs === undefined ? 'this is final' : `again in ${Math.ceil(retryInMs / 1_000)}s`;
      print({ event: 'ended', code, message: text, retry_in_ms: retryInMs ?? null }, `ended: ${text} (${again})`);
      if (retryInMs === undefined) return ended.resolve(1);
      // Where there was no answer yet, why not is told in full, once, and waited for all the same.
      if (!quiet) void tellWhy(io, place);
      quiet = true;
    },
  });
  io.interrupted().addEventListener('abort', () => ended.resolve(0));
  const status = await ended.promise;
  clearInterval(alive);
  stream.close();
  return status;
}

async function tellWhy(io: Io, place: WorkloadPlace): Promise<void> {
  const why = await place.whyNot();
  if (why === undefined) return;
  io.talk(`assay: ${plain(why.message)}\n`);
  if (why.hint !== undefined) io.talk(`  next: ${plain(why.hint)}\n`);
}

function inWords(state: X509State, now: number): string {
  const svids = state.svids.map((svid) => {
    const hint = svid.hint === '' ? '' : ` (${svid.hint})`;
    return `${svid.spiffeId}${hint} serial ${svid.serial} ends ${relative(svid.notAfter, now)}`;
  });
  const bundles = [...state.bundles].map(([name, certificates]) => `${name}:${certificates.length}`);
  return `${svids.join(', ')}; bundles ${bundles.join(' ')}`;
}
