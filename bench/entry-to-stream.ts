// SPDX-License-Identifier: Apache-2.0
/** From an entry's creation to its SVID on a stream that was open already. */
import type { Daemon } from '../test/support/daemon.ts';
import { WorkloadClient } from '../test/support/workload-client.ts';
import { quantile } from './stats.ts';

export interface EntryToStream {
  /** From the operator's request to the SVID in the workload's hands. */
  readonly fromRequest: { readonly p50: number; readonly p99: number };
  /** From the answer "committed"; 0 when the SVID came first. */
  readonly fromCommit: { readonly p50: number; readonly p99: number };
}

export async function entryToStream(daemon: Daemon, count: number): Promise<EntryToStream> {
  const client = new WorkloadClient(daemon.workloadSocket);
  const selectors = [`unix:uid:${process.getuid?.()}`];
  const stream = client.fetchX509Svid();
  await stream.at(1);
  const fromRequest: number[] = [];
  const fromCommit: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const spiffeId = `spiffe://example.org/bench/late/${i}`;
    const seen = stream.received.length;
    const asked = performance.now();
    const created = daemon.admin.createEntry({ spiffe_id: spiffeId, selectors }).then((entry) => {
      return { id: entry['id'] as string, at: performance.now() };
    });
    const arrived = await change(stream, seen, (ids) => ids.includes(spiffeId));
    const committed = await created;
    fromRequest.push(arrived - asked);
    fromCommit.push(Math.max(0, arrived - committed.at));
    await daemon.admin.call('DeleteEntry', { id: committed.id });
    await change(stream, seen, (ids) => !ids.includes(spiffeId));
  }
  stream.cancel();
  client.close();
  return { fromRequest: quantiles(fromRequest), fromCommit: quantiles(fromCommit) };
}

/** When the first message after the `seen`-th came that fits; the next one is waited for at once. */
async function change(
  stream: ReturnType<WorkloadClient['fetchX509Svid']>,
  seen: number,
  fits: (ids: readonly string[]) => boolean,
): Promise<number> {
  let after = seen;
  for (;;) {
    after += 1;
    const message = await stream.at(after);
    if (after === stream.received.length && fits(message.svids.map((svid) => svid.spiffe_id))) return performance.now();
  }
}

const quantiles = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99) });
