// SPDX-License-Identifier: Apache-2.0
/** `assay authority x509|jwt taint` and `revoke` on a real daemon with real streams, over a kill and a restart. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { splitCertificates } from '../../src/x509/parse.ts';
import { assayHere, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { WorkloadClient, type X509Message } from '../support/workload-client.ts';

const uid = process.getuid!();
let daemon: Daemon;
let client: WorkloadClient;
beforeAll(async () => {
  daemon = await Daemon.start();
  client = new WorkloadClient(daemon.workloadSocket);
  await daemon.admin.createEntry({ id: 'a', spiffe_id: 'spiffe://example.org/a', selectors: [`unix:uid:${uid}`] });
});
afterAll(async () => {
  client.close();
  await daemon.close();
});

const run = (...args: string[]): Promise<CliResult> => assayHere([...args, '--admin-socket', daemon.adminSocket]);
// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function json(...args: string[]): Promise<any> {
  const { code, out, err } = await run(...args, '-o', 'json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}
const leafOf = ({ svids }: X509Message): X509Certificate => new X509Certificate(svids[0]?.x509_svid as Buffer);
const rootsOf = ({ svids }: X509Message): X509Certificate[] =>
  splitCertificates(svids[0]?.bundle as Buffer).map((der) => new X509Certificate(der));

/** The id of the authority that signed before, and of the one that signs now. */
async function replaced(kind: 'x509' | 'jwt'): Promise<{ old: string; next: string; nextPem: string }> {
  const { authorities } = await json('authority', kind, 'show');
  const old = authorities.find(({ slot }: { slot: string }) => slot === 'active').id;
  await json('authority', kind, 'prepare');
  const { authority } = await json('authority', kind, 'activate', '--now');
  return { old, next: authority.id, nextPem: authority.pem };
}

describe('assay authority x509', () => {
  it('BUN-19: taints, on a stream that stays open and gets a new serial, and revokes; a kill in between forgets nothing', async () => {
    const stream = client.fetchX509Svid();
    const first = await stream.at(1);
    const { old, nextPem } = await replaced('x509');
    const next = new X509Certificate(nextPem);
    expect(rootsOf(await stream.at(2))).toHaveLength(2);

    const active = await run('authority', 'x509', 'taint', (await json('ca', 'show')).authorities[1].id);
    expect([active.code, active.err]).toEqual([1, expect.stringContaining('signs now')]);
    const early = await run('authority', 'x509', 'revoke', old);
    expect([early.code, early.err]).toEqual([1, expect.stringContaining(`assay authority x509 taint ${old}`)]);

    const { authority } = await json('authority', 'x509', 'taint', old);
    expect(authority).toMatchObject({ id: old, slot: 'old', tainted_at: expect.stringMatching(/Z$/) });
    const third = await stream.at(3);
    expect(leafOf(third).verify(next.publicKey)).toBe(true);
    expect(leafOf(third).serialNumber).not.toBe(leafOf(first).serialNumber);
    expect(leafOf(first).verify(next.publicKey)).toBe(false);
    expect(rootsOf(third)).toHaveLength(2);
    expect((await run('ca', 'show')).out).toMatch(/^tainted +\S+Z/m);

    await daemon.kill();
    await daemon.start();
    const { authorities, bundle_sequence: before } = await json('ca', 'show');
    expect(authorities.find(({ id }: { id: string }) => id === old).tainted_at).toBe(authority.tainted_at);
    const again = await run('authority', 'x509', 'taint', old);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('is tainted since')]);

    const later = client.fetchX509Svid();
    expect(rootsOf(await later.at(1))).toHaveLength(2);
    const refused = await run('ca', 'revoke', old);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('--force')]);
    expect(await json('ca', 'revoke', old, '--force')).toMatchObject({
      revoked: { id: old, key_held: false },
      bundle_sequence: before + 1,
    });
    const last = await later.at(2);
    expect(rootsOf(last).map((root) => root.fingerprint256)).toEqual([next.fingerprint256]);
    expect(leafOf(last).serialNumber).toBe(leafOf(await later.at(1)).serialNumber);
    const unknown = await run('ca', 'revoke', old, '--force');
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('assay authority x509 show')]);
    later.cancel();
  });

  it('does not take a taint without an id', async () => {
    expect((await run('authority', 'x509', 'taint')).code).toBe(2);
  });
});

describe('assay authority jwt', () => {
  it('taints, and the next token is signed anew; revokes, and the token from before is refused', async () => {
    const tokenOf = async (): Promise<string> => (await client.fetchJwt(['aud']))[0]?.svid as string;
    const before = await tokenOf();
    const { old, next } = await replaced('jwt');
    await json('authority', 'jwt', 'taint', old);
    const after = await tokenOf();
    expect(JSON.parse(Buffer.from(after.split('.')[0] as string, 'base64url').toString())['kid']).toBe(next);
    await client.validateJwt(before, 'aud');
    await json('authority', 'jwt', 'revoke', old, '--force');
    await expect(client.validateJwt(before, 'aud')).rejects.toThrow();
    await client.validateJwt(after, 'aud');
    expect((await json('authority', 'jwt', 'show')).authorities).toMatchObject([{ id: next, slot: 'active' }]);
  });
});
