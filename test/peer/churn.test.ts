// SPDX-License-Identifier: Apache-2.0
/** Attack A3: two uids connect and close as fast as they can; each says who it is, and the daemon must agree each time. */
import { expect, it } from '@jest/globals';
import { asRoot, isRoot, PeerBench } from '../support/peers.ts';

async function rush(
  ids: readonly ({ uid: number; gid: number } | object)[],
): Promise<{ wrong: string[]; count: number }> {
  const bench = await PeerBench.open();
  const wrong: string[] = [];
  let count = 0;
  bench.onAccept = ({ socket, peer }) => {
    socket.once('data', (bytes) => {
      count += 1;
      const { uid, pid } = peer.process;
      if (bytes.toString() !== `${uid}.${pid}`) wrong.push(`${bytes.toString()} was taken for ${uid}.${pid}`);
    });
  };
  const callers = await Promise.all(ids.map((id) => bench.caller(id)));
  for (const caller of callers) caller.say(`churn ${bench.path} 600 who`);
  await Promise.all(callers.map((caller) => caller.heard('churned', 60_000)));
  await bench.until(() => bench.connections === 0);
  return { wrong, count };
}

asRoot(
  'A3: two uids under churn are never taken for each other',
  async () => {
    const { wrong, count } = await rush([
      { uid: 4242, gid: 4242 },
      { uid: 4243, gid: 4243 },
      { uid: 4242, gid: 4242 },
    ]);
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(1_000);
  },
  120_000,
);

(isRoot ? asRoot : it)(
  'A3: nor are two processes of one uid',
  async () => {
    const { wrong, count } = await rush([{}, {}]);
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(500);
  },
  120_000,
);
