// SPDX-License-Identifier: Apache-2.0
/** A real engine that stops, hangs and comes back while callers in its containers have streams open. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, jest } from '@jest/globals';
import { placeIn } from '../../support/cgroups.ts';
import { DockerDaemon, pathsOf } from '../../support/docker-daemon.ts';
import { endAll, InsideCaller } from '../../support/inside-caller.ts';
import { describeWithPrivateEngine } from '../../support/testbed.ts';

jest.setTimeout(180_000);
const UNAVAILABLE = 'UNAVAILABLE';

describeWithPrivateEngine('an engine of its own', (engine) => {
  const room = DockerDaemon.forTests(engine.engine);

  /** Until the daemon has noticed. */
  async function heard(words: RegExp): Promise<void> {
    const late = Date.now() + 60_000;
    while (!words.test(await doctor())) {
      if (Date.now() > late) throw new Error(`doctor says ${await doctor()}`);
      await sleep(100);
    }
  }

  async function doctor(): Promise<string> {
    const { checks } = await room.daemon.admin.call('GetDoctor', {});
    const found = (checks as { name: string; status: string; text: string }[]).find(
      ({ name }) => name === 'attestor docker',
    );
    return `${found?.status} ${found?.text}`;
  }

  it('is asked nothing for those it has spoken of; nobody else gets an identity while it is down or hangs', async () => {
    await room.entry('web', 'docker:label:app:web');
    await room.entry('host', 'unix:uid:4310');
    const container = await engine.docker.run({ labels: { app: 'web' }, autoRemove: false });
    // Not through the engine, which would take their lines with it when it stops.
    const place = placeIn(`/docker/${container.id}`);
    const caller = await InsideCaller.start(place, { uid: 4311 });
    const late = await InsideCaller.start(place, { uid: 4312 });
    const call = room.call(caller);
    expect(pathsOf(await call.at(1))).toBe('web');
    await heard(/ok .*events are heard/);

    // It hangs: what was remembered still holds, for its processes are where they were.
    await engine.pause();
    expect(await room.given(late)).toBe('web');
    await engine.resume();

    await engine.stop();
    await heard(/callers in containers are refused/);
    expect(await room.given(late)).toBe(UNAVAILABLE);
    expect(await room.given(await InsideCaller.start({ prefix: [] }, { uid: 4310 }))).toBe('host');
    // What was given stays good; nothing new comes once its events have not been heard for a second.
    await sleep(1_500);
    await room.entry('more', 'docker:label:app:web');
    await sleep(1_500);
    expect(call.messages.length).toBe(1);

    await engine.start();
    await heard(/ok .*events are heard/);
    expect(pathsOf(await call.at(2))).toBe('web more');
    expect(await room.given(late)).toBe('web more');
    // The cgroup goes with the container, if nobody is in it.
    await endAll();
  });

  it('is asked again about everything after a restart, as when a container was removed meanwhile', async () => {
    await room.entry('gone', 'docker:label:app:gone');
    const container = await engine.docker.run({ labels: { app: 'gone' }, autoRemove: false });
    expect(await room.givenIn(container)).toBe('gone');
    await engine.stop();
    await heard(/refused/);
    await engine.start();
    await heard(/ok /);
    expect(await room.givenIn(container)).toBe('gone');
    await container.remove();
  });
});

describeWithPrivateEngine(
  'an engine with a user namespace for its containers',
  (engine) => {
    const room = DockerDaemon.forTests(engine.engine);

    it('has containers whose callers are known, whoever they are there', async () => {
      await room.entry('mapped', 'docker:label:app:mapped');
      const container = await engine.docker.run({ labels: { app: 'mapped' } });
      expect(await room.givenIn(container)).toBe('mapped');
      expect(await room.givenIn(await engine.docker.run({ labels: { app: 'other' } }))).toBe('PERMISSION_DENIED');
    });
  },
  { usernsRemap: true },
);
