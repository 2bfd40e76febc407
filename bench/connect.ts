// SPDX-License-Identifier: Apache-2.0
/**
 * A client that connects anew each time, against any Workload API socket: ours, or another agent's to compare with.
 *
 *     tools/node/run bench/connect.ts --socket /run/spire/agent.sock [--count 2000]
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { WorkloadClient } from '../test/support/workload-client.ts';
import { ms, quantile } from './stats.ts';

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

const latency = (times: readonly number[]): Latency => ({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) });

/** One after the other. */
export async function timed(count: number, once: () => Promise<void>): Promise<Latency> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const from = performance.now();
    await once();
    times.push(performance.now() - from);
  }
  return latency(times);
}

/** From nothing to the first SVID in hand. */
export async function firstSvid(socket: string, count: number): Promise<Latency> {
  return timed(count, async () => {
    const client = new WorkloadClient(socket);
    const messages = client.fetchX509Svid();
    const message = await messages.at(1);
    if (message.svids.length === 0) throw new Error('no SVID came');
    messages.cancel();
    client.close();
  });
}

/**
 * From nothing to the first refusal: a method that does not exist. What is left of it is the connection and gRPC on
 * both sides, so the difference is ours: attesting, matching, minting, recording.
 */
export async function emptyCall(socket: string, count: number): Promise<Latency> {
  return timed(count, async () => {
    const client = new WorkloadClient(socket);
    const { code } = await client.stream('Nothing').status;
    if (code !== grpc.status.UNIMPLEMENTED) throw new Error(`expected UNIMPLEMENTED, got ${grpc.status[code]}`);
    client.close();
  });
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { socket: { type: 'string' }, count: { type: 'string', default: '2000' } } });
  if (values.socket === undefined) throw new Error('--socket PATH is required');
  const socket = resolve(values.socket);
  await firstSvid(socket, 100);
  const { p50, p99 } = await firstSvid(socket, Number(values.count));
  console.log(`connect to first SVID: p50 ${ms(p50)}, p99 ${ms(p99)} (${values.count} connections, one after another)`);
}
