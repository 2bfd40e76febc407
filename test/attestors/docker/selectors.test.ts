// SPDX-License-Identifier: Apache-2.0
/** Each selector on a real engine: who has it, and who has not. */
import { afterAll, expect, it, jest } from '@jest/globals';
import { ask, BUSYBOX } from '../../support/docker.ts';
import { DockerDaemon, pathsOf } from '../../support/docker-daemon.ts';
import { FakeRegistry } from '../../support/fake-registry.ts';
import { describeWithDocker } from '../../support/testbed.ts';

jest.setTimeout(120_000);
const NONE = 'PERMISSION_DENIED';
const made: string[] = [];

function mine(name: string): string {
  const image = `local/assay-${name}-${process.pid}:1`;
  made.push(image);
  return image;
}

describeWithDocker('a caller in a container', (docker) => {
  const room = DockerDaemon.forTests(docker.engine);
  afterAll(async () => {
    for (const image of made) await docker.request('DELETE', `/images/${image}?force=1`).catch(() => undefined);
  });

  it('has the labels that the container was started with, and another container has its own', async () => {
    const [web, db] = await Promise.all([
      docker.run({ labels: { app: 'web', tier: 'front' } }),
      docker.run({ labels: { app: 'db' } }),
    ]);
    await room.entry('web', 'docker:label:app:web', 'docker:label:tier:front');
    await room.entry('db', 'docker:label:app:db');
    expect(await room.givenIn(web)).toBe('web');
    expect(await room.givenIn(db)).toBe('db');
    expect(await room.givenIn(web, { uid: 4242 })).toBe('web');
    expect(await room.givenIn(await docker.run({ labels: { app: 'webb', tier: 'front' } }))).toBe(NONE);
    expect(await room.givenIn(await docker.run({ labels: { app: 'web' } }))).toBe(NONE);
  });

  it('A1: has the labels of its image, as claimed ones', async () => {
    const image = mine('labels');
    await docker.commit(await docker.run(), image, ['LABEL team=pay']);
    await room.entry('pay', 'docker:label:team:pay');
    await room.entry('pay-root', 'docker:label:team:pay', 'unix:uid:0');
    expect(await room.givenIn(await docker.run({ image }))).toBe('pay-root');
    expect(await room.givenIn(await docker.run({ labels: { team: 'pay' } }))).toBe('pay pay-root');
  });

  it('has the environment that the container was started with, once an entry names a variable, on an open stream too', async () => {
    const blue = await docker.run({ env: { COLOUR: 'blue' } });
    await room.entry('any', 'unix:uid:4300');
    const caller = await blue.caller({ uid: 4300 });
    const call = room.call(caller);
    expect(pathsOf(await call.at(1))).toBe('any');
    const entry = await room.entry('blue', 'docker:env:COLOUR=blue');
    expect(pathsOf(await call.at(2))).toBe('any blue');
    expect(await room.givenIn(await docker.run({ env: { COLOUR: 'red' } }))).toBe(NONE);
    await room.forget(entry);
    expect(pathsOf(await call.at(3))).toBe('any');
  });

  it('has the reference that the container was started from', async () => {
    const image = mine('reference');
    await docker.commit(await docker.run(), image);
    await room.entry('reference', `docker:image_id:${image}`);
    expect(await room.givenIn(await docker.run({ image }))).toBe('reference');
    expect(await room.givenIn(await docker.run())).toBe(NONE);
  });

  it('has the hash of the image that it runs, whatever its tag means by now', async () => {
    const image = mine('hash');
    const [one, other] = [await docker.run(), await docker.run()];
    const old = await docker.commit(one, image, ['LABEL version=1']);
    const container = await docker.run({ image });
    const moved = await docker.commit(other, image, ['LABEL version=2']);
    expect(moved).not.toBe(old);
    await room.entry('old', `docker:image_config_digest:${old}`);
    await room.entry('moved', `docker:image_config_digest:${moved}`);
    expect(await room.givenIn(container)).toBe('old');
    expect(await room.givenIn(await docker.run({ image }))).toBe('moved');
    expect(await room.givenIn(other)).toBe(NONE);
  });

  it('has the digest under which a registry has its image', async () => {
    const image = mine('registry');
    await docker.commit(await docker.run(), image, [`LABEL made-by=${process.pid}`]);
    const registry = await FakeRegistry.serving(docker.engine, image, `assay-${process.pid}`);
    try {
      await room.entry('pulled', `docker:image_digest:${registry.digest}`);
      const container = await docker.run({ image });
      expect(await room.givenIn(container)).toBe(NONE);
      // The image that is here already: from now on the engine knows what the registry calls it.
      made.push(`${registry.name}:1`);
      const pull = `/images/create?fromImage=${encodeURIComponent(registry.name)}&tag=1`;
      expect((await ask(docker.engine.socket, 'POST', pull)).text).toContain(registry.digest);
      expect(await room.givenIn(await docker.run({ image: `${registry.name}:1` }))).toBe('pulled');
      expect(await room.givenIn(await docker.run({ image: BUSYBOX }))).toBe(NONE);
    } finally {
      await registry.close();
    }
  });
});
