// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { containerHints, isBelowPod, isContainerPath } from '../../src/attestation/container-hints.ts';
import { parseCgroups } from '../../src/peer/proc-text.ts';

const ID = '0123456789abcdef'.repeat(4);
const OTHER = 'fedcba9876543210'.repeat(4);
const UID = '6bd3e5f1-8f5e-4b4b-9d2a-0a4e2b6c7d8e';
const UNDERSCORED = UID.replaceAll('-', '_');
const hints = (...paths: string[]) =>
  containerHints(parseCgroups(Buffer.from(paths.map((path, i) => `${i}::${path}\n`).join(''))));

describe('a container’s id', () => {
  it.each([
    ['docker, cgroupfs', `/docker/${ID}`],
    ['docker, systemd', `/system.slice/docker-${ID}.scope`],
    ['podman', `/machine.slice/libpod-${ID}.scope`],
    ['podman, below its scope', `/machine.slice/libpod-${ID}.scope/container`],
    ['ECS', `/ecs/0123456789abcdef0123456789abcdef/${ID}`],
  ])('is found: %s', (_name, path) => {
    expect(hints(path).map(({ id, podUid }) => [id, podUid])).toEqual([[ID, undefined]]);
  });

  it.each([
    ['kubelet with cgroupfs', `/kubepods/besteffort/pod${UID}/${ID}`],
    [
      'kubelet with systemd',
      `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UNDERSCORED}.slice/docker-${ID}.scope`,
    ],
    ['containerd with systemd', `/kubepods.slice/kubepods-pod${UNDERSCORED}.slice/cri-containerd-${ID}.scope`],
    ['CRI-O', `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UNDERSCORED}.slice/crio-${ID}.scope`],
    [
      'containerd in its own slice',
      `/system.slice/containerd.service/kubepods-besteffort-pod${UNDERSCORED}.slice:cri-containerd:${ID}`,
    ],
  ])('is found with its pod: %s', (_name, path) => {
    expect(hints(path).map(({ id, podUid }) => [id, podUid])).toEqual([[ID, UID]]);
  });

  it.each([
    ['a supervisor of podman', `/machine.slice/libpod-conmon-${ID}.scope`],
    ['a supervisor of CRI-O', `/system.slice/crio-conmon-${ID}.scope`],
    ['a session', '/user.slice/user-1000.slice/session-1.scope'],
    ['an id with a digit too many', `/docker/${ID}0`],
    ['an id in capitals', `/docker/${ID.toUpperCase()}`],
    ['an id inside a word', `/docker/x${ID}`],
    ['an id with a line break', `/docker/${ID} x`],
  ])('is not found: %s', (_name, path) => {
    expect(hints(path)).toEqual([]);
  });

  it('is found once however many hierarchies name it, the outermost container first', () => {
    const nested = `/docker/${ID}/docker/${OTHER}`;
    expect(hints(nested, nested, '/').map(({ id, path }) => [id, path])).toEqual([
      [ID, `/docker/${ID}`],
      [OTHER, nested],
    ]);
  });
});

describe('a path', () => {
  it('is the container’s own only if its last folder names it', () => {
    expect(isContainerPath(`/docker/${ID}`, ID)).toBe(true);
    expect(isContainerPath(`/docker/${ID}/below`, ID)).toBe(false);
    expect(isContainerPath(`/docker/${OTHER}`, ID)).toBe(false);
    expect(isContainerPath('/', ID)).toBe(false);
  });

  it('is below a pod if a folder of it names it', () => {
    expect(isBelowPod(`/kubepods/pod${UID}/${ID}`, UID)).toBe(true);
    expect(isBelowPod(`/kubepods/pod${UID}0/${ID}`, UID)).toBe(false);
  });
});
