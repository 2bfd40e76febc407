// SPDX-License-Identifier: Apache-2.0
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { logOutput } from '../../src/plugins/plugin-output.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

function followed() {
  const [stream, log, clock] = [new PassThrough(), new RecordingLogger(), new FakeClock()];
  logOutput('mine', [stream], log, clock);
  const lines = (): string[] => log.lines.map(({ fields }) => (fields as { line: string }).line);
  return { stream, log, clock, lines };
}

describe('what a plugin writes', () => {
  it('is logged line by line, however it comes', async () => {
    const { stream, lines } = followed();
    for (const part of ['o', 'ne\ntw', 'o\n\n', 'three']) stream.write(part);
    await settled();
    expect(lines()).toEqual(['one', 'two']);
    stream.end();
    await settled();
    expect(lines()).toEqual(['one', 'two', 'three']);
  });

  it('I9: is cut to size, also where a line has no end', async () => {
    const { stream, lines } = followed();
    for (let n = 0; n < 100; n += 1) stream.write('x'.repeat(10_000));
    stream.write('\ny\n');
    await settled();
    expect(lines().map((line) => line.length)).toEqual([512, 1]);
  });

  it('I9: is so many lines a second', async () => {
    const { stream, lines, clock } = followed();
    stream.write('a\n'.repeat(10_000));
    await settled();
    expect(lines().length).toBe(50);
    await clock.advance(1_000);
    stream.write('b\n');
    await settled();
    expect(lines().at(-1)).toBe('b');
  });

  it('repaints no terminal', async () => {
    const { stream, lines } = followed();
    stream.write('\u001b[2Jgone\u202e\n');
    await settled();
    expect(lines()).toEqual(['\ufffd[2Jgone\ufffd']);
  });
});
