// SPDX-License-Identifier: Apache-2.0
/** What a plugin writes to its standard output and error, as lines of the daemon's log: cut to size, so many a second. */
import type { Readable } from 'node:stream';
import type { Clock } from '../attestation/plugin.ts';
import type { Logger } from '../telemetry/logger.ts';

const LONGEST_LINE = 512;
const LINES_A_SECOND = 50;
const CONTROL = /[\p{Cc}\p{Cf}]/gu;

/** `streams` are read to their end, whatever comes: a plugin that nobody reads would stand still. */
export function logOutput(name: string, streams: readonly Readable[], log: Logger, clock: Clock): void {
  let second = Number.NEGATIVE_INFINITY;
  let lines = 0;
  const say = (line: string): void => {
    const now = clock.monotonic();
    if (now - second >= 1_000) {
      second = now;
      lines = 0;
    }
    lines += 1;
    // guard: I9 test/plugins/plugin-output.test.ts
    if (lines > LINES_A_SECOND) return;
    // The words are its own: a field, and no part of our sentence.
    log.info({ attestor: name, line: line.replace(CONTROL, '\ufffd') }, 'plugin wrote');
  };
  for (const stream of streams) follow(stream, say);
}

function follow(stream: Readable, say: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('error', () => undefined);
  stream.on('data', (text: string) => {
    const [first = '', ...more] = text.split('\n');
    const parts = [rest + first, ...more];
    rest = (parts.pop() ?? '').slice(0, LONGEST_LINE);
    for (const line of parts) if (line.trim() !== '') say(line.slice(0, LONGEST_LINE));
  });
  stream.on('end', () => {
    if (rest.trim() !== '') say(rest);
  });
}
