// SPDX-License-Identifier: Apache-2.0
/** What a caller hears while the daemon cannot answer for sure: UNAVAILABLE, which every client takes as "come back". */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Callers } from '../support/callers.ts';
import { Daemon } from '../support/daemon.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const uid = process.getuid?.() ?? 0;
const SECRETS = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets';
const DIGEST = `unix:sha256:${'0'.repeat(64)}`;

let daemon: Daemon;
let callers: Callers;

beforeAll(async () => {
  daemon = await Daemon.start({ config: ['limits: { attestation_timeout: 200ms }'] });
  callers = new Callers();
  // Longer than can be hashed in that time, and still below limits.digest_file_bytes.
  truncateSync(join(callers.folder, 'node'), 510 << 20);
  await daemon.admin.createEntry({ spiffe_id: 'spiffe://example.org/a', selectors: [`unix:uid:${uid}`] });
});

afterAll(async () => {
  await callers?.close();
  await daemon?.close();
});

/** What a caller that comes back after UNAVAILABLE, as clients do, is given in the end. */
async function served(): Promise<string[]> {
  for (;;) {
    const caller = callers.call(daemon.workloadSocket);
    try {
      return (await caller.at(1)).svids.map((svid) => svid.spiffe_id);
    } catch {
      expect((await caller.end).code).toBe(grpc.status.UNAVAILABLE);
    } finally {
      await caller.kill();
    }
  }
}

describe('a caller hears UNAVAILABLE', () => {
  it('WEP-13, WAPI-37, SDS-17: when an attestor does not answer in time, and gets its SVID once it can', async () => {
    const { id } = await daemon.admin.createEntry({
      spiffe_id: 'spiffe://example.org/b',
      selectors: [`unix:uid:${uid}`, DIGEST],
    });
    const refused = callers.call(daemon.workloadSocket);
    const { code, message } = await refused.end;
    expect(code).toBe(grpc.status.UNAVAILABLE);
    expect(message).not.toContain(DIGEST);
    expect(refused.messages).toEqual([]);
    const secrets = callers.call(daemon.workloadSocket, { method: SECRETS, headers: {} });
    expect((await secrets.end).code).toBe(grpc.status.UNAVAILABLE);
    await daemon.admin.call('DeleteEntry', { id });
    expect(await served()).toEqual(['spiffe://example.org/a']);
  });

  it('WEP-13, I7: when the daemon stops under its stream, and when there is none', async () => {
    const other = await Daemon.start();
    const client = new WorkloadClient(other.workloadSocket);
    await other.admin.createEntry({ spiffe_id: 'spiffe://example.org/a', selectors: [`unix:uid:${uid}`] });
    const stream = client.fetchX509Svid();
    await stream.at(1);
    await other.stop();
    expect((await stream.status).code).toBe(grpc.status.UNAVAILABLE);
    expect((await client.fetchX509Svid().status).code).toBe(grpc.status.UNAVAILABLE);
    client.close();
    await other.close();
  });
});
