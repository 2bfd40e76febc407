// SPDX-License-Identifier: Apache-2.0
/**
 * Attack A1: path and digest can be forged without a race by whoever may run the genuine program. The tests make the
 * forgeries, show that they work, and that what they win is labelled as claimed; the uid is not to be forged.
 */
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { accountNames } from '../../../attestors/unix/account-names.ts';
import { unixAttestor } from '../../../attestors/unix/unix-attestor.ts';
import { AttestationEngine } from '../../../src/attestation/engine.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Peer } from '../../../src/peer/peer.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { compile, isRoot, PeerBench, withGcc } from '../../support/peers.ts';

/** The forger runs as somebody else than the daemon where that can be arranged. */
const ids = isRoot ? { uid: 4242, gid: 4242 } : {};
const forger = isRoot ? 4242 : process.getuid?.();

async function selectorsOf(peer: Peer): Promise<Record<string, string>> {
  const engine = new AttestationEngine({
    attestors: [unixAttestor({ path: true, sha256: true, pathInContainers: false, users: accountNames() })],
    timeoutMs: 20_000,
    atOnce: 1,
    clock: systemClock,
    log: silentLogger,
  });
  const { selectors } = await engine.attest(peer.process, new AbortController().signal);
  return Object.fromEntries(selectors);
}

function genuineIn(bench: PeerBench): { genuine: string; sha256: string } {
  const genuine = join(bench.folder, 'genuine');
  copyFileSync('/bin/sleep', genuine);
  chmodSync(genuine, 0o755);
  return { genuine, sha256: createHash('sha256').update(readFileSync(genuine)).digest('hex') };
}

withGcc('A1: a process that swapped its image reads as the genuine program, in claimed selectors only', async () => {
  const bench = await PeerBench.open();
  const { genuine, sha256 } = genuineIn(bench);
  const program = compile('forged-image.c', bench.folder, ['-static']);
  const forged = await bench.start(program, [genuine], ids);
  forged.say('forge');
  await forged.heard('forged');
  const { peer } = await bench.connect(forged);
  const selectors = await selectorsOf(peer);
  expect(selectors).toMatchObject({
    [`unix:path:${genuine}`]: 'claimed',
    [`unix:sha256:${sha256}`]: 'claimed',
    [`unix:uid:${forger}`]: 'kernel',
  });
  expect(Object.keys(selectors).filter((name) => name.startsWith('unix:uid:'))).toEqual([`unix:uid:${forger}`]);
});

withGcc('A1: code preloaded into the genuine program reads as it, in claimed selectors only', async () => {
  const bench = await PeerBench.open();
  const { genuine, sha256 } = genuineIn(bench);
  const library = compile('preload.c', bench.folder, ['-shared', '-fPIC']);
  const wrap = ['env', `LD_PRELOAD=${library}`, `FORGE_SOCKET=${bench.path}`];
  await bench.start(wrap[0] as string, [...wrap.slice(1), genuine, '20'], ids);
  const { peer } = await bench.next(0);
  expect(await selectorsOf(peer)).toMatchObject({
    [`unix:path:${genuine}`]: 'claimed',
    [`unix:sha256:${sha256}`]: 'claimed',
    [`unix:uid:${forger}`]: 'kernel',
  });
});
