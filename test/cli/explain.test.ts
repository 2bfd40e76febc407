// SPDX-License-Identifier: Apache-2.0
/** `assay explain` with a daemon, about real processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assayHere, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const uid = process.getuid!();
let daemon: Daemon;
let child: ChildProcess;
beforeAll(async () => {
  daemon = await Daemon.start();
  child = spawn('/bin/sleep', ['600']);
  await once(child, 'spawn');
  await daemon.admin.createEntry({ id: 'me', spiffe_id: 'spiffe://example.org/me', selectors: [`unix:uid:${uid}`] });
  await daemon.admin.createEntry({
    id: 'not',
    spiffe_id: 'spiffe://example.org/not',
    selectors: [`unix:uid:${uid + 1}`],
  });
});
afterAll(async () => {
  child.kill('SIGKILL');
  await daemon.close();
});

const explain = (...args: string[]): Promise<CliResult> =>
  assayHere(['explain', '--admin-socket', daemon.adminSocket, ...args]);

describe('assay explain', () => {
  it('says of a process what it is, what it gets and what it nearly gets', async () => {
    const { code, out } = await explain('--pid', String(child.pid));
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`process +pid ${child.pid}, uid ${uid}, gid \\d+\n`));
    expect(out).toMatch(/gets +spiffe:\/\/example.org\/me \(entry me\)/);
    expect(out).toMatch(new RegExp(`kernel +unix:uid:${uid}\n`));
    expect(out).toMatch(/claimed +unix:sha256:[0-9a-f]{64}\n/);
    expect(out).toMatch(new RegExp(`lacks unix:uid:${uid + 1}: it has unix:uid:${uid}\n`));
  });

  it('has the same as JSON', async () => {
    const { out } = await explain('--pid', String(child.pid), '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({
      process: { pid: child.pid, uid },
      refusal: null,
      attestors: [{ name: 'unix', outcome: 'applies', reason: null }],
      matches: [{ entry_id: 'me', refusal: null }],
      nearest: [
        { entry_id: 'not', lacks: [{ selector: `unix:uid:${uid + 1}`, found: [`unix:uid:${uid}`], why: null }] },
      ],
    });
  });

  it('has the reason that the refused call itself carries, as metadata and as an ErrorInfo', async () => {
    await daemon.admin.call('SuspendIdentity', { spiffe_id: 'spiffe://example.org/me', reason: 'a test' });
    const { code, out } = await explain('--pid', String(child.pid), '-o', 'json');
    const { refusal } = JSON.parse(out) as { refusal: { reason: string } };
    const client = new WorkloadClient(daemon.workloadSocket);
    const { metadata } = await client.fetchX509Svid().status;
    client.close();
    await daemon.admin.call('ResumeIdentity', { spiffe_id: 'spiffe://example.org/me' });
    expect([code, refusal.reason, metadata.get('assay-reason')]).toEqual([1, 'SUSPENDED', ['SUSPENDED']]);
    const [details] = metadata.get('grpc-status-details-bin');
    expect((details as Buffer).includes('google.rpc.ErrorInfo')).toBe(true);
    expect((details as Buffer).includes('\n\tSUSPENDED')).toBe(true);
  });

  it('says of an identity who gets it and who holds it', async () => {
    const client = new WorkloadClient(daemon.workloadSocket);
    const stream = client.fetchX509Svid();
    await stream.at(1);
    const { code, out } = await explain('--spiffe-id', 'spiffe://example.org/me');
    stream.cancel();
    client.close();
    expect(code).toBe(0);
    expect(out).toMatch(/entry me: whoever has all of\n/);
    expect(out).toMatch(new RegExp(`held now by pid ${process.pid} \\(uid ${uid}\\)`));
  });

  it.each([
    ['a process that is not there', ['--pid', '4194304'], 1, /there is no process 4194304/],
    ['no number', ['--pid', 'x'], 2, /--pid: "x" is no process number/],
    ['an identity that is not there', ['--spiffe-id', 'spiffe://example.org/none'], 1, /there is no identity/],
    ['neither', [], 2, /either this or --spiffe-id is given, and not both/],
    ['both', ['--pid', '1', '--spiffe-id', 'spiffe://example.org/me'], 2, /not both/],
  ])('refuses %s', async (_name, args, status, text) => {
    const { code, out, err } = await explain(...args);
    expect([code, out]).toEqual([status, '']);
    expect(err).toMatch(text);
  });

  it('leaves nothing open', async () => {
    const others = Array.from({ length: 5 }, () => spawn('/bin/sleep', ['60']));
    await Promise.all(others.map((other) => once(other, 'spawn')));
    await explain('--pid', String(child.pid));
    const before = descriptors();
    for (const { pid } of others) expect((await explain('--pid', String(pid))).code).toBe(0);
    const after = descriptors();
    for (const other of others) other.kill('SIGKILL');
    expect(after).toEqual(before);
  });
});

/** Of the daemon, by kind; without sockets, which our own clients close when they like. */
function descriptors(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${daemon.pid}/fd`)) {
    const target = readlinkSync(`/proc/${daemon.pid}/fd/${fd}`);
    if (!target.startsWith('socket:')) counts[target] = (counts[target] ?? 0) + 1;
  }
  return counts;
}
