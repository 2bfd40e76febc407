// SPDX-License-Identifier: Apache-2.0
/** Follows the log as it grows. */
import type { WireEvent } from '../api/admin/wire-audit.ts';
import type { Io } from './io.ts';
import { type Format, jsonText, plain } from './print.ts';
import { eventCells, eventJson } from './show-event.ts';

/** Between two looks of a follower. */
const LOOK_MS = 500;

export async function followEvents(
  eventsFrom: (seq: number) => AsyncIterable<WireEvent>,
  from: number,
  stop: AbortSignal,
  seen: (event: WireEvent) => void,
): Promise<void> {
  let next = from;
  while (!stop.aborted) {
    await pause(LOOK_MS, stop);
    for await (const event of eventsFrom(next)) {
      seen(event);
      next = Number(event.seq) + 1;
      if (stop.aborted) break;
    }
  }
}

/** One a line, in either format: whoever follows reads line by line. */
export function printEvent(io: Io, output: Format, event: WireEvent): void {
  if (output === 'json') io.out(`${jsonText(eventJson(event))}\n`);
  else io.out(`${eventCells(event).map(plain).join('  ').trimEnd()}\n`);
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener('abort', done);
  });
}
