// SPDX-License-Identifier: Apache-2.0
/** JWT-SVIDs a second over the socket, beside an empty unary call of the same client on the same connection. */
import * as grpc from '@grpc/grpc-js';
import type { Daemon } from '../test/support/daemon.ts';
import { WorkloadClient } from '../test/support/workload-client.ts';

export interface JwtRates {
  /** Calls a second. */
  readonly empty: number;
  readonly cached: number;
  readonly unseen: number;
}

const AT_ONCE = 32;
const ROUNDS = 3;

/** The three take turns, so that what else the machine does meets all of them. */
export async function jwtRates(daemon: Daemon, calls: number): Promise<JwtRates> {
  const client = new WorkloadClient(daemon.workloadSocket);
  let audience = 0;
  const kinds = {
    empty: () => emptyCall(client),
    cached: () => client.fetchJwt(['always the same']),
    unseen: () => {
      audience += 1;
      return client.fetchJwt([`audience ${audience}`]);
    },
  };
  for (const call of Object.values(kinds)) await timed(call, calls / 10);
  const spent = { empty: 0, cached: 0, unseen: 0 };
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [kind, call] of Object.entries(kinds)) spent[kind as keyof typeof spent] += await timed(call, calls);
  client.close();
  const rate = (ms: number): number => (ROUNDS * calls * 1_000) / ms;
  return { empty: rate(spent.empty), cached: rate(spent.cached), unseen: rate(spent.unseen) };
}

async function timed(call: () => Promise<unknown>, calls: number): Promise<number> {
  const began = performance.now();
  let left = calls;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return performance.now() - began;
}

/** grpc.health.v1: no message in, one byte or two out, and no look at the caller. */
function emptyCall(client: WorkloadClient): Promise<Buffer> {
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    client.client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      same,
      same,
      Buffer.alloc(0),
      new grpc.Metadata(),
      (error, answer) => (error === null ? resolve(answer as Buffer) : reject(error)),
    );
  });
}
