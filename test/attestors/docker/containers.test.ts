// SPDX-License-Identifier: Apache-2.0
/** Containers of every sort on a real engine, and what becomes of an open stream when one changes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it, jest } from '@jest/globals';
import { removeCgroup, TestCgroup } from '../../support/cgroups.ts';
import type { ContainerOptions } from '../../support/docker.ts';
import { DockerDaemon, pathsOf } from '../../support/docker-daemon.ts';
import { asRoot } from '../../support/peers.ts';
import { describeWithDocker } from '../../support/testbed.ts';

jest.setTimeout(120_000);
const NONE = 'PERMISSION_DENIED';
const PARENT = `/assay-test-parent-${process.pid}`;
let count = 0;
const label = () => `l${process.pid}-${count++}`;

describeWithDocker('a container', (docker) => {
  const room = DockerDaemon.forTests(docker.engine);
  afterAll(() => removeCgroup(PARENT));

  async function fewer(before: number): Promise<void> {
    const began = Date.now();
    while ((await room.streams()) >= before) {
      if (Date.now() > began + 20_000) throw new Error('the stream is still open');
      await sleep(20);
    }
  }

  const sorts: [string, ContainerOptions][] = [
    ['in the pid namespace of the machine', { hostConfig: { PidMode: 'host' } }],
    ['that is privileged', { hostConfig: { Privileged: true } }],
    ['in a cgroup of an operator’s choice', { hostConfig: { CgroupParent: PARENT } }],
    ['in a cgroup namespace of its own', { hostConfig: { CgroupnsMode: 'private' } }],
    ['on the network of the machine', { hostConfig: { NetworkMode: 'host' } }],
  ];
  it.each(sorts)('is known: one %s', async (_what, options) => {
    const app = label();
    await room.entry(app, `docker:label:app:${app}`);
    const container = await docker.run({ ...options, labels: { app } });
    expect(await room.givenIn(container)).toBe(app);
  });

  it('that was paused is known again afterwards', async () => {
    const app = label();
    await room.entry(app, `docker:label:app:${app}`);
    const container = await docker.run({ labels: { app } });
    const caller = await container.caller();
    const call = room.call(caller);
    await call.at(1);
    await container.pause();
    await room.entry(`${app}/more`, `docker:label:app:${app}`);
    await container.unpause();
    expect(pathsOf(await call.at(2))).toBe(`${app} ${app}/more`);
  });

  it('that was started again has another first process, and is known at once', async () => {
    const app = label();
    await room.entry(app, `docker:label:app:${app}`);
    const container = await docker.run({ labels: { app }, autoRemove: false });
    for (let i = 0; i < 3; i += 1) {
      expect(await room.givenIn(container)).toBe(app);
      await container.restart();
    }
    await container.stop();
    await container.start();
    expect(await room.givenIn(container)).toBe(app);
  });

  it('that stops takes its streams along within 2 s', async () => {
    const app = label();
    await room.entry(app, `docker:label:app:${app}`);
    const container = await docker.run({ labels: { app } });
    const caller = await container.caller();
    await room.call(caller).at(1);
    const before = await room.streams();
    await container.kill();
    await fewer(before);
  });

  asRoot('that an engine within it has made is known by the outer one', async () => {
    const app = label();
    await room.entry(app, `docker:label:app:${app}`);
    const container = await docker.run({ labels: { app } });
    const inner = TestCgroup.make(`/docker/${container.id}/docker/${'5e'.repeat(32)}`);
    const caller = await container.caller();
    inner.move(caller.pid);
    expect((await caller.look()).cgroup).toContain(inner.path);
    expect(await room.given(caller)).toBe(app);
    await caller.kill();
  });

  asRoot('A10: is left by a process that is moved out of it, and its stream ends within 2 s', async () => {
    const app = label();
    await room.entry(app, `docker:label:app:${app}`);
    const container = await docker.run({ labels: { app } });
    const caller = await container.caller();
    await room.call(caller).at(1);
    const before = await room.streams();
    TestCgroup.make(`/assay-test-out-${process.pid}`).move(caller.pid);
    await fewer(before);
    expect(await room.given(caller)).toBe(NONE);
    await caller.kill();
  });
});

describeWithDocker('a name in the cgroup tree', (docker) => {
  const room = DockerDaemon.forTests(docker.engine);

  asRoot.each([
    ['of a user’s making', 4301],
    ['of root’s making', 0],
  ])('A10: %s makes nobody a process of that container, and gives nothing less either', async (_what, owner) => {
    const app = label();
    await room.entry(app, `docker:label:app:${app}`);
    await room.entry(`${app}/uid`, 'unix:uid:4301');
    const container = await docker.run({ labels: { app } });
    const forged = TestCgroup.make(`/assay-forged-${owner}/docker-${container.id}.scope`, owner);
    // In no container, so that only the name could make it one.
    const other = await docker.run();
    const caller = await other.caller({ uid: 4301 });
    forged.move(caller.pid);
    expect(await room.given(caller)).toBe('UNAVAILABLE');
    expect(room.daemon.output).toMatch(/the process is not in container/);
    await caller.kill();
  });
});
