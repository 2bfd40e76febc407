// SPDX-License-Identifier: Apache-2.0
/** A program with its identity beside a daemon that takes back the SVIDs of others, one by one. */
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { parseCrl } from '../../src/x509/crl-parse.ts';
import { Daemon } from '../support/daemon.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const ABREAST = 25;
/** On each of their connections. */
const STREAMS = 25;

/** Who follows FetchX509SVID. */
export interface Follower {
  /** Messages that it acted on. */
  readonly updates: number;
  /** It has its first SVID, and what is done with it is done. */
  readonly settled: boolean;
  readonly log: string;
  close(): Promise<void>;
}

export interface Beside<F extends Follower> {
  /** The executable that is attested as the follower. */
  readonly program: string;
  readonly start: (daemon: Daemon) => F;
  readonly config?: readonly string[];
  readonly revocations: number;
}

/** `seen` is asked twice: when the follower has settled, and when whoever follows the lists has heard of all revocations. */
export async function revokeBeside<F extends Follower, S>(
  { program, start, config = [], revocations }: Beside<F>,
  seen: (follower: F) => S,
): Promise<{ readonly before: S; readonly after: S }> {
  const daemon = await Daemon.start({ config: ['attestors: { unix: { path: true } }', ...config] });
  const bundles = new WorkloadClient(daemon.workloadSocket);
  let follower: F | undefined;
  try {
    // 1. The follower has its identity.
    for (const [name, path] of [
      ['followed', program],
      ['others', process.execPath],
    ])
      await daemon.admin.createEntry({
        spiffe_id: `spiffe://example.org/${name}`,
        selectors: [`unix:uid:${process.getuid?.()}`, `unix:path:${path}`],
      });
    const one = start(daemon);
    follower = one;
    await until(
      () => one.settled,
      () => one.log,
    );
    const before = seen(one);
    // 2. SVIDs are given to others.
    const serials = await given(daemon.workloadSocket, revocations);
    expect(new Set(serials).size).toBe(revocations);
    // 3. Each is taken back by itself.
    const lists = bundles.fetchX509Bundles();
    await revokeEach(daemon, serials);
    // 4. Whoever follows the lists has heard of all of them.
    const listed = (): number =>
      lists.received.at(-1)?.crl.reduce((sum, der) => sum + parseCrl(der).revoked.size, 0) ?? 0;
    await until(
      () => listed() === revocations,
      () => `${listed()} are in the lists`,
    );
    await sleep(1_000);
    lists.cancel();
    return { before, after: seen(one) };
  } finally {
    bundles.close();
    await follower?.close();
    await daemon.close();
  }
}

/** To workloads, one a stream, which then leave. */
async function given(socket: string, count: number): Promise<string[]> {
  const serials: string[] = [];
  for (let left = count; left > 0; left -= STREAMS) {
    const client = new WorkloadClient(socket);
    const streams = Array.from({ length: Math.min(left, STREAMS) }, () => client.fetchX509Svid());
    for (const stream of streams) {
      const { svids } = await stream.at(1);
      serials.push(new X509Certificate(svids[0]!.x509_svid).serialNumber.toLowerCase());
    }
    client.close();
  }
  return serials;
}

async function revokeEach(daemon: Daemon, serials: readonly string[]): Promise<void> {
  const due = [...serials];
  const lane = async (): Promise<void> => {
    for (let serial = due.pop(); serial !== undefined; serial = due.pop()) {
      const { count } = await daemon.admin.call('RevokeSvids', { serial, reason: 'a story' });
      expect(Number(count)).toBe(1);
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, lane));
}

async function until(holds: () => boolean, what: () => string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`it did not come to pass: ${what()}`);
    await sleep(20);
  }
}
