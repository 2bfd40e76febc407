// SPDX-License-Identifier: Apache-2.0
/** What was remembered holds for as long as the engine's events are heard, and until one says otherwise. */
import { describe, expect, it } from '@jest/globals';
import { attestorOf, ID, INIT, look, OTHER, selectorsOf, until, watching } from '../../support/docker-looks.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

const web = { pid: INIT, labels: { app: 'web' } };

describe('an event of a container', () => {
  it.each(['create', 'start', 'die', 'destroy', 'rename', 'update', 'pause', 'remove', 'died', 'anything'])(
    'I1: is told of, and the container asked about anew: %s',
    async (action) => {
      const engine = await FakeEngine.start({ [ID]: web, [OTHER]: { pid: 9 } });
      const { attestor, told } = await watching(engine);
      await look(attestor);
      engine.containers.set(ID, { ...web, labels: { app: 'other' } });
      engine.tell(action, ID);
      await until(() => told.length > 0);
      expect(told).toEqual([ID]);
      expect(await selectorsOf(attestor)).toContain('label:app:other');
    },
  );

  it.each([
    'exec_create: sh -c "a: b"',
    'exec_start: x',
    'exec_die',
    'health_status: healthy',
    'attach',
    'top',
    'kill',
  ])('that says nothing of what it is costs nothing: %s', async (action) => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor, told } = await watching(engine);
    await look(attestor);
    const before = engine.asked.length;
    engine.tell(action, ID);
    engine.say(`${JSON.stringify({ Type: 'image', Action: 'pull', Actor: { ID: 'web:1' } })}\n\n`);
    engine.tell('start', OTHER);
    await until(() => told.length > 0);
    expect(told).toEqual([OTHER]);
    await look(attestor);
    expect(engine.asked.length).toBe(before);
  });

  it('is heard whatever pieces it comes in', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { told } = await watching(engine);
    const text = `${JSON.stringify({ Type: 'container', Action: 'die', Actor: { ID, Attributes: { a: 'é' } } })}\n`;
    engine.say(text.slice(0, 30));
    await new Promise((resolve) => setTimeout(resolve, 20));
    engine.say(`${text.slice(30)}${text}${text.slice(0, 5)}`);
    await until(() => told.length === 2);
    engine.say(text.slice(5));
    await until(() => told.length === 3);
  });

  it('I1: during a look makes sure that what it was told is not remembered', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor, told } = await watching(engine);
    let go: () => void = () => undefined;
    engine.hold = new Promise((resolve) => {
      go = resolve;
    });
    const early = selectorsOf(attestor);
    await until(() => engine.asked.length === 1);
    engine.containers.set(ID, { ...web, labels: { app: 'later' } });
    engine.tell('update', ID);
    await until(() => told.length === 1);
    const late = selectorsOf(attestor);
    go();
    expect(await early).toContain('label:app:web');
    expect(await late).toContain('label:app:later');
    expect(await selectorsOf(attestor)).toContain('label:app:later');
  });
});

describe('while the events are not heard', () => {
  it('I1: the engine is asked each time, and the answer is good for a second', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    engine.events = false;
    const { attestor } = attestorOf(engine);
    expect(await look(attestor)).toMatchObject({ restsOn: [ID], goodForMs: 1_000 });
    engine.containers.set(ID, { ...web, labels: { app: 'now' } });
    expect(await selectorsOf(attestor)).toContain('label:app:now');
    engine.containers.clear();
    expect(await look(attestor)).toMatchObject({ applies: false, restsOn: [ID], goodForMs: 1_000 });
  });

  it('I1: nothing that was remembered is believed, and who rests on it is told within 2 s', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor, told } = await watching(engine);
    await look(attestor);
    engine.events = false;
    const began = Date.now();
    engine.endEvents();
    engine.containers.set(ID, { ...web, labels: { app: 'meanwhile' } });
    await until(() => told.length > 0);
    expect(told).toEqual(['all']);
    expect(Date.now() - began).toBeGreaterThan(900);
    expect(await selectorsOf(attestor)).toContain('label:app:meanwhile');
    expect(await look(attestor)).toMatchObject({ goodForMs: 1_000 });
  });
});

describe('how the engine stands', () => {
  it('is good while its events are heard, poor while it only answers, bad while it does not', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor, log } = await watching(engine);
    expect(attestor.health?.()).toEqual({ status: 'ok', text: 'docker: its events are heard' });
    engine.events = false;
    engine.endEvents();
    await until(() => log.lines.length > 0);
    await look(attestor);
    expect(attestor.health?.()).toMatchObject({ status: 'warn', text: expect.stringMatching(/asked each time: /) });
    await engine.stop();
    await until(() => attestor.health?.().status === 'fail');
    expect(attestor.health?.().text).toMatch(/^docker: callers in containers are refused: /);
  });
});

describe('when the events are heard again', () => {
  it('I1: everything is looked at again, and remembered', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor, told, log } = await watching(engine);
    await look(attestor);
    await engine.stop();
    engine.containers.set(ID, { ...web, labels: { app: 'restarted' } });
    await until(() => log.lines.length > 0);
    await engine.start();
    await until(() => log.lines.length > 1);
    expect(told).toContain('all');
    expect(await selectorsOf(attestor)).toContain('label:app:restarted');
    const before = engine.paths.length;
    expect(await look(attestor)).not.toHaveProperty('goodForMs');
    expect(engine.paths.length).toBe(before);
    expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn the events of a container engine are not heard',
      'info the container engine is heard again',
    ]);
  });

  it('happens soon once the engine has answered anything', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    engine.events = false;
    const { attestor, told } = attestorOf(engine);
    // The pauses between tries have grown by then.
    await until(() => engine.paths.filter((path) => path.includes('/events')).length >= 4);
    engine.events = true;
    await look(attestor);
    await until(() => told.includes('all'));
    expect(engine.listeners).toBe(1);
  });

  it('is not kept from answering by a try that failed before', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    await engine.stop();
    const { attestor, log } = attestorOf(engine);
    await until(() => log.lines.length > 0);
    await engine.start();
    expect(await selectorsOf(attestor)).toContain('label:app:web');
  });

  it('ends what is under way when the attestor is closed', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    engine.hold = new Promise(() => undefined);
    const { attestor } = attestorOf(engine);
    const late = look(attestor);
    late.catch(() => undefined);
    await until(() => engine.asked.length > 0);
    await attestor.close?.();
    await expect(late).rejects.toThrow('the daemon stops');
  });

  it('stops when the attestor is closed', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor } = await watching(engine);
    await attestor.close?.();
    await until(() => engine.listeners === 0);
    const before = engine.paths.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(engine.paths.length).toBe(before);
  });
});
