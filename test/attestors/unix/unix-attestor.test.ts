// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { AccountNames } from '../../../attestors/unix/account-names.ts';
import { type UnixAttestorOptions, unixAttestor } from '../../../attestors/unix/unix-attestor.ts';
import type { Attestation, Digest, Executable, ProcessHandle, Unreadable } from '../../../src/attestation/plugin.ts';
import { Failure } from '../../../src/lib/failure.ts';
import { asRoot, PeerBench } from '../../support/peers.ts';

const now = new AbortController().signal;
const users: AccountNames = {
  user: (uid) => new Map([[1000, 'ana']]).get(uid),
  group: (gid) =>
    new Map([
      [1000, 'ana'],
      [24, 'cdrom'],
    ]).get(gid),
};
const options: UnixAttestorOptions = { path: true, sha256: true, pathInContainers: false, users };
const exe: Executable = {
  readable: true,
  path: '/usr/bin/pay',
  pathReason: undefined,
  containerPath: undefined,
  device: 1n,
  inode: 2n,
  mountId: 3n,
  birthTimeNs: 4n,
};
const digest: Digest = { readable: true, sha256: 'ab'.repeat(32) };

function handle(
  some: { exe?: Executable | Unreadable; digest?: Digest | Unreadable; groups?: number[] } = {},
): ProcessHandle {
  return {
    uid: 1000,
    gid: 1000,
    status: async () => ({ uid: 1000, gid: 1000, groups: some.groups ?? [24, 4242] }),
    exe: async () => some.exe ?? exe,
    digest: async () => some.digest ?? digest,
  } as unknown as ProcessHandle;
}
type Applies = Extract<Attestation, { applies: true }>;

async function attest(process = handle(), change: Partial<UnixAttestorOptions> = {}): Promise<Applies> {
  return (await unixAttestor({ ...options, ...change }).attest(process, now)) as Applies;
}
const valuesOf = ({ selectors }: Applies): string[] => selectors.map(({ value }) => value);

describe('the unix attestor', () => {
  it('spells every selector as SPIRE does, and says how strong each is', async () => {
    expect((await attest()).selectors).toEqual([
      { value: 'uid:1000', strength: 'kernel' },
      { value: 'user:ana', strength: 'kernel' },
      { value: 'gid:1000', strength: 'kernel' },
      { value: 'group:ana', strength: 'kernel' },
      { value: 'supplementary_gid:24', strength: 'kernel' },
      { value: 'supplementary_group:cdrom', strength: 'kernel' },
      { value: 'supplementary_gid:4242', strength: 'kernel' },
      { value: 'path:/usr/bin/pay', strength: 'claimed' },
      { value: `sha256:${'ab'.repeat(32)}`, strength: 'claimed' },
    ]);
  });

  it('leaves a name out that the machine does not know, with the reason', async () => {
    expect((await attest()).leftOut).toEqual([
      { kind: 'supplementary_group', reason: 'gid 4242 is not in /etc/group' },
    ]);
  });

  it('leaves path and digest out where they may not be read; the rest stands', async () => {
    const unreadable: Unreadable = { readable: false, reason: 'not for this daemon' };
    const attested = await attest(handle({ exe: unreadable, digest: unreadable, groups: [] }));
    expect(valuesOf(attested)).toEqual(['uid:1000', 'user:ana', 'gid:1000', 'group:ana']);
    expect(attested.leftOut).toEqual([
      { kind: 'path', reason: 'not for this daemon' },
      { kind: 'sha256', reason: 'not for this daemon' },
    ]);
  });

  it('A6: leaves an ambiguous path out, with the reason, and keeps the digest', async () => {
    const attested = await attest(handle({ exe: { ...exe, path: undefined, pathReason: 'ambiguous' } }));
    expect(valuesOf(attested)).toContain(`sha256:${'ab'.repeat(32)}`);
    expect(attested.leftOut).toContainEqual({ kind: 'path', reason: 'ambiguous' });
  });

  it('A6: gives what a container calls its file only where the operator says so', async () => {
    const contained = { ...exe, path: undefined, pathReason: 'another mount namespace', containerPath: '/app' };
    expect((await attest(handle({ exe: contained }))).leftOut).toContainEqual({
      kind: 'path',
      reason: 'another mount namespace',
    });
    expect(valuesOf(await attest(handle({ exe: contained }), { pathInContainers: true }))).toContain('path:/app');
  });

  it('A11: computes no digest that nobody wants', async () => {
    let asked = false;
    const process = handle();
    process.digest = async () => {
      asked = true;
      return digest;
    };
    const attested = await attest(process, { wantSha256: () => false });
    expect(asked).toBe(false);
    expect(attested.leftOut).toContainEqual({
      kind: 'sha256',
      reason: 'no entry names a sha256 selector',
      onDemand: true,
    });
  });

  it('says what is switched off', async () => {
    const attested = await attest(handle(), { path: false, sha256: false });
    expect(attested.leftOut).toEqual(
      expect.arrayContaining([
        { kind: 'path', reason: 'attestors.unix.path is off' },
        { kind: 'sha256', reason: 'attestors.unix.sha256 is off' },
      ]),
    );
  });

  it('fails when something that applies fails: never a lesser identity', async () => {
    const process = handle();
    process.digest = () => Promise.reject(new Failure('unavailable', 'CALLER_UNREADABLE', 'stuck'));
    await expect(attest(process)).rejects.toMatchObject({ reason: 'CALLER_UNREADABLE' });
  });

  it('attests a real process', async () => {
    const bench = await PeerBench.open();
    const { peer } = await bench.connect(await bench.caller());
    const path = realpathSync(process.execPath);
    const values = valuesOf(await attest(peer.process));
    expect(values).toEqual(
      expect.arrayContaining([
        `uid:${process.getuid?.()}`,
        `gid:${process.getgid?.()}`,
        `path:${path}`,
        `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`,
      ]),
    );
  });

  asRoot('gives supplementary groups in the order of the kernel', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    caller.say('setgroups 24 1000 7');
    await caller.heard('done');
    const { peer } = await bench.connect(caller);
    expect(valuesOf(await attest(peer.process)).filter((value) => value.startsWith('supplementary_gid'))).toEqual([
      'supplementary_gid:7',
      'supplementary_gid:24',
      'supplementary_gid:1000',
    ]);
  });
});
