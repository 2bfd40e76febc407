// SPDX-License-Identifier: Apache-2.0
/**
 * What a task adds: from nothing to the first SVID in hand by way of a task of one's own, beside the same without one, by the same
 * client on the same daemon.
 */
import { TaskClient } from '../test/support/task-stream.ts';
import { WorkloadClient } from '../test/support/workload-client.ts';
import { type Latency, timed } from './connect.ts';

/** `workload`: path of the workload socket. */
export function firstSvidInTask(workload: string, count: number): Promise<Latency> {
  return timed(count, async () => {
    const client = new TaskClient(workload);
    const stream = client.run();
    const { active } = await stream.at(1);
    if (active === undefined) throw new Error('the task is not active');
    const within = new WorkloadClient(active.socket.replace('unix://', ''));
    const messages = within.fetchX509Svid();
    const { svids } = await messages.at(1);
    if (svids[0]?.spiffe_id !== active.spiffe_id) throw new Error('another SVID came');
    messages.cancel();
    within.close();
    stream.cancel();
    client.close();
  });
}
