// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { madeUpProcess } from '../../src/attestation/contract.ts';
import { PidfdChannel } from '../../src/peer/pidfd-channel.ts';
import { servedBy } from '../../src/peer/served-by.ts';
import type { LineProgram } from '../support/line-program.ts';
import { PeerBench } from '../support/peers.ts';

async function receiver(bench: PeerBench): Promise<{ program: LineProgram; path: string }> {
  const path = join(bench.folder, 'plugin.sock.pidfd');
  const program = await bench.start('python3', [join(import.meta.dirname, 'programs/serve.py'), path, 'seqpacket']);
  return { program, path };
}

it('hands over a duplicate of each caller’s pidfd, under a ticket of its own', async () => {
  const bench = await PeerBench.open();
  const [one, other] = [await bench.caller(), await bench.caller()];
  const [a, b] = [await bench.connect(one), await bench.connect(other)];
  const { program, path } = await receiver(bench);
  const channel = PidfdChannel.connect(path, (fd) => servedBy(fd).pid === program.pid);
  const sent = [a, b, a].map(({ peer }) => channel.send(peer.process));
  expect(new Set(sent).size).toBe(3);
  for (const [at, caller] of [one, other, one].entries()) {
    expect(await program.heard('message')).toMatchObject({ ticket: Number(sent[at]), pids: [caller.pid] });
  }
  channel.close();
});

it('A13: hands nothing to a server that is not the plugin', async () => {
  const bench = await PeerBench.open();
  const { path } = await receiver(bench);
  expect(() => PidfdChannel.connect(path, () => false)).toThrow(/somebody else/);
  expect(() => PidfdChannel.connect(join(bench.folder, 'absent'), () => true)).toThrow(/ENOENT/);
});

it('A3: hands over no descriptor of a process that is not held any more, or never was', async () => {
  const bench = await PeerBench.open();
  const caller = await bench.caller();
  const { peer } = await bench.connect(caller);
  const { path } = await receiver(bench);
  const channel = PidfdChannel.connect(path, () => true);
  await caller.end();
  await bench.until(() => bench.connections === 0);
  expect(() => channel.send(peer.process)).toThrow(/not held/);
  expect(() => channel.send(madeUpProcess())).toThrow(/not held/);
  channel.close();
});

it('I9: neither waits for a receiver that does not read, nor ends with one that has gone', async () => {
  const bench = await PeerBench.open();
  const { peer } = await bench.connect(await bench.caller());
  const { program, path } = await receiver(bench);
  program.say('stop-reading');
  await program.heard('stopped');
  const channel = PidfdChannel.connect(path, () => true);
  const flood = (): void => {
    for (let n = 0; n < 10_000; n += 1) channel.send(peer.process);
  };
  expect(flood).toThrow(/cannot be sent \((?:EAGAIN|ETOOMANYREFS)\)/);
  await program.end();
  expect(flood).toThrow(/cannot be sent \((?:EPIPE|ECONNRESET)\)/);
  channel.close();
});
