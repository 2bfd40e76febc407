// SPDX-License-Identifier: Apache-2.0
/**
 * Attack A5: an exec that leaves nothing different to look at. Without address randomisation the same file is laid out
 * the same way, start time and executable do not change, and the connection stays open because it is not close-on-exec.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect } from '@jest/globals';
import { parseStat } from '../../src/peer/proc-text.ts';
import { hasCompiler } from '../support/c-program.ts';
import type { LineProgram } from '../support/line-program.ts';
import { closed, compile, ended, PeerBench, withGcc } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('exec');
let program = '';
beforeAll(() => {
  if (hasCompiler) program = compile('caller.c', folder, ['-no-pie']);
});

const layoutOf = (caller: LineProgram): string => parseStat(readFileSync(`/proc/${caller.pid}/stat`, 'utf8')).layout;

describe.each([
  { how: 'with the process connector', connector: true },
  { how: 'with the sweep', connector: false },
])('an exec of the same file into the same layout, $how', ({ connector }) => {
  withGcc.each([
    ['an environment', ['--still']],
    ['no environment', ['--still', '--no-env']],
  ])('A5: is seen in time: %s', async (_what, flags) => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.start(program, flags);
    const { socket, peer } = await bench.connect(caller);
    // The sweep holds the image of a newcomer some milliseconds after the connect.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(peer.process.stillSame()).toEqual({ same: true });
    const before = layoutOf(caller);
    const end = ended(peer, 2_000);
    caller.say('again');
    await caller.heard('ready');
    expect(layoutOf(caller)).toBe(before);
    expect(await end).toBe('exec');
    await closed(socket, 2_000);
  });

  withGcc('a program that goes on is left alone', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.start(program, ['--still', '--no-env']);
    const { socket, peer } = await bench.connect(caller);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(peer.process.stillSame()).toEqual({ same: true });
    expect(socket.closed).toBe(false);
  });
});
