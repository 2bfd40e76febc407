// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  attestorOf,
  ID,
  INIT,
  look,
  OTHER,
  processIn,
  selectorsOf,
  until,
  watching,
} from '../../support/docker-looks.ts';
import { FakeEngine, IMAGE } from '../../support/fake-engine.ts';

const web = { pid: INIT, labels: { app: 'web' } };
const THIRD = '77'.repeat(32);

describe('a process in a container', () => {
  it('has what the engine says of that container', async () => {
    const engine = await FakeEngine.start({
      [ID]: { ...web, env: ['A=b'] },
      [OTHER]: { pid: 9, labels: { app: 'x' } },
    });
    const { attestor } = attestorOf(engine);
    expect(await look(attestor)).toMatchObject({
      applies: true,
      selectors: [
        { value: 'label:app:web', strength: 'authority' },
        { value: 'env:A=b', strength: 'authority' },
        { value: 'image_id:web:1', strength: 'authority' },
        { value: `image_config_digest:${IMAGE}`, strength: 'authority' },
      ],
      facts: { engine: 'docker', container: ID, name: 'web', reference: 'web:1', image: IMAGE },
      restsOn: [ID],
    });
  });

  it('has none of it while it is in a cgroup of no container, and nobody is asked', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor } = attestorOf(engine);
    expect(await look(attestor, '/user.slice/user-1000.slice/session-1.scope')).toEqual({
      applies: false,
      reason: 'its cgroup is of no container',
    });
    expect(engine.asked).toEqual([]);
  });

  it('of another runtime has none of it either, with the reason, and is looked at again should the engine come to know it', async () => {
    const { attestor } = await watching(await FakeEngine.start());
    expect(await look(attestor, `/kubepods/cri-containerd-${ID}.scope`)).toEqual({
      applies: false,
      reason: 'no engine knows the container 0123456789ab',
      restsOn: [ID],
    });
  });

  it('of an engine within a container is known by the outer container', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor } = await watching(engine);
    const found = await look(attestor, `/docker/${ID}/docker/${OTHER}`);
    expect(found).toMatchObject({ applies: true, facts: { container: ID }, restsOn: [OTHER, ID] });
    expect(engine.asked.slice(0, 2)).toEqual([`/containers/${OTHER}/json`, `/containers/${ID}/json`]);
  });

  it('that the same engine runs below another is in the inner one', async () => {
    const engine = await FakeEngine.start({ [ID]: web, [OTHER]: { pid: 9, labels: { app: 'inner' } } });
    const { attestor } = attestorOf(engine);
    const path = `/docker/${ID}/${OTHER}`;
    expect(await selectorsOf(attestor, path, processIn(path, { [INIT]: `/docker/${ID}`, 9: path }))).toContain(
      'label:app:inner',
    );
  });
});

describe('a name in the cgroup tree', () => {
  const forged = `/user.slice/user-1234.slice/docker-${ID}.scope`;

  it('A10: that the engine knows and that does not hold fails the look, and gives nothing less', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    for (const { attestor } of [attestorOf(engine), await watching(engine)]) {
      for (let i = 0; i < 2; i += 1)
        await expect(look(attestor, forged)).rejects.toThrow(/^docker: the process is not in container 0123456789ab: /);
    }
  });

  it('A10: holds for nobody while the first process is in no such cgroup, as when its number is a stranger’s', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor } = attestorOf(engine);
    await expect(look(attestor, forged, processIn(forged, { [INIT]: '/user.slice' }))).rejects.toThrow(
      /in no cgroup of that name/,
    );
  });

  it('A10: made inside a container does not make the process one of another container', async () => {
    const engine = await FakeEngine.start({ [ID]: web, [OTHER]: { pid: 9 } });
    const { attestor } = attestorOf(engine);
    const path = `/docker/${OTHER}/docker-${ID}.scope`;
    const process = processIn(path, { [INIT]: `/docker/${ID}`, 9: `/docker/${OTHER}` });
    await expect(look(attestor, path, process)).rejects.toThrow(/not in container 0123456789ab/);
  });

  it('A10: of a container that does not run holds for nobody', async () => {
    const engine = await FakeEngine.start({ [ID]: { ...web, running: false }, [OTHER]: { pid: 0 } });
    const { attestor } = attestorOf(engine);
    await expect(look(attestor)).rejects.toThrow(/it does not run/);
    await expect(look(attestor, `/docker/${OTHER}`)).rejects.toThrow(/it does not run/);
  });

  it('I9: may not be one of very many', async () => {
    const engine = await FakeEngine.start();
    const { attestor } = attestorOf(engine);
    const path = Array.from({ length: 9 }, (_, i) => `/${String(i).repeat(64)}`).join('');
    await expect(look(attestor, path)).rejects.toThrow('its cgroup names more than 8 containers');
    expect(engine.asked).toEqual([]);
  });
});

describe('the engine', () => {
  it('is not asked about a container that it was asked about before', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor } = await watching(engine);
    await look(attestor);
    const before = engine.paths.length;
    for (let i = 0; i < 1_000; i += 1) await look(attestor);
    expect(engine.paths.length).toBe(before);
  });

  it('is not asked twice about what it does not know', async () => {
    const engine = await FakeEngine.start();
    const { attestor } = await watching(engine);
    for (let i = 0; i < 3; i += 1) await look(attestor);
    expect(engine.asked).toEqual([`/containers/${ID}/json`]);
  });

  it('is asked once by all who look at one container at the same time', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    for (const { attestor } of [await watching(engine), attestorOf(engine)]) {
      engine.asked.length = 0;
      await Promise.all(Array.from({ length: 100 }, () => look(attestor)));
      expect(engine.asked).toEqual([`/containers/${ID}/json`, `/images/${IMAGE}/json`]);
    }
  });

  it('is asked again when a remembered container has another first process by now', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor } = await watching(engine);
    await look(attestor);
    engine.containers.set(ID, { ...web, pid: 501, labels: { app: 'again' } });
    const process = processIn(`/docker/${ID}`, { 501: `/docker/${ID}` });
    expect(await selectorsOf(attestor, '', process)).toContain('label:app:again');
  });

  it('that does not know a container is followed by the next', async () => {
    const [docker, podman] = [await FakeEngine.start({ [ID]: web }), await FakeEngine.start({ [OTHER]: { pid: 9 } })];
    podman.podman = true;
    const { attestor } = attestorOf([docker, podman]);
    const path = `/machine.slice/libpod-${OTHER}.scope/container`;
    const process = processIn(path, { 9: path });
    expect(await look(attestor, path, process)).toMatchObject({ facts: { engine: 'podman', container: OTHER } });
    expect(await look(attestor)).toMatchObject({ facts: { engine: 'docker', container: ID } });
    const unknown = await look(attestor, `/docker/${THIRD}`);
    expect(unknown).toMatchObject({ applies: false, reason: 'no engine knows the container 777777777777' });
  });

  it('that is down fails those in containers, and nobody else', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor, log } = await watching(engine);
    await look(attestor);
    await engine.stop();
    await until(() => log.lines.length > 0);
    await expect(look(attestor)).rejects.toThrow();
    expect(await look(attestor, '/init.scope')).toMatchObject({ applies: false });
    await engine.start();
    expect(await selectorsOf(attestor)).toContain('label:app:web');
  });

  it('that is down while another one is up fails those whom the other does not know', async () => {
    const [docker, podman] = [await FakeEngine.start(), await FakeEngine.start({ [ID]: web })];
    const { attestor } = attestorOf([docker, podman]);
    await docker.stop();
    await expect(look(attestor)).rejects.toThrow();
  });

  it('is not waited for by whoever is no longer interested', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor } = attestorOf(engine);
    engine.hold = new Promise(() => undefined);
    const abort = new AbortController();
    const late = attestor.attest(processIn(`/docker/${ID}`), abort.signal);
    abort.abort(new Error('too late'));
    await expect(late).rejects.toThrow('too late');
  });
});
