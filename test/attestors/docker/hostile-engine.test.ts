// SPDX-License-Identifier: Apache-2.0
/** An engine that answers wrongly, too much, or never: the look fails, and nothing else happens. */
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { attestorOf, ID, INIT, look, OTHER, until, watching } from '../../support/docker-looks.ts';
import { FakeEngine, IMAGE } from '../../support/fake-engine.ts';

const web = { pid: INIT, labels: { app: 'web' } };
const good = { Id: ID, Image: IMAGE, State: { Running: true, Pid: INIT }, Config: { Image: 'web:1' } };
const SECRET = 'canary-5be1f2';

/** `answer` stands in for the answer about containers. */
async function answering(answer: (response: ServerResponse) => void, path = '/containers/'): Promise<FakeEngine> {
  const engine = await FakeEngine.start({ [ID]: web });
  engine.instead = (asked, _request, response) => {
    if (!asked.startsWith(path)) return false;
    answer(response);
    return true;
  };
  return engine;
}

const saying = (value: unknown) => (response: ServerResponse) =>
  response.end(typeof value === 'string' ? value : JSON.stringify(value));

describe('an answer about a container', () => {
  it.each<[string, unknown, RegExp]>([
    ['A10: of another container', { ...good, Id: OTHER }, /answers for another container/],
    ['without an id', { ...good, Id: undefined }, /another container/],
    ['that is no JSON', `{"Id": "${SECRET}`, /no JSON/],
    ['that is a list', [good], /container: it is not of the form/],
    ['without a state', { ...good, State: null }, /State: it is not/],
    ['with a word for a pid', { ...good, State: { Running: true, Pid: '500' } }, /State.Pid/],
    ['with a pid below nothing', { ...good, State: { Running: true, Pid: -1 } }, /State.Pid/],
    ['with half a pid', { ...good, State: { Running: true, Pid: 500.5 } }, /State.Pid/],
    ['that runs maybe', { ...good, State: { Running: 'yes', Pid: 500 } }, /State.Running/],
    ['with a list of labels', { ...good, Config: { Labels: ['a'] } }, /Config.Labels/],
    ['with a label of more than text', { ...good, Config: { Labels: { a: { b: SECRET } } } }, /Config.Labels/],
    ['with a variable that is none', { ...good, Config: { Env: [1] } }, /Config.Env/],
    ['I9: with very many labels', { ...good, Config: { Labels: many() } }, /Config.Labels: it has more than 4096/],
    ['I9: with very many variables', { ...good, Config: { Env: Object.keys(many()) } }, /Config.Env: it has more/],
    ['I9: that is too long', `{"Id": "${'x'.repeat(5 << 20)}"}`, /more than 4194304 bytes/],
  ])('fails the look: %s', async (_what, value, message) => {
    const { attestor, log } = attestorOf(await answering(saying(value)));
    const failure = await look(attestor).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure?.message).toMatch(message);
    expect(failure?.message).toMatch(/^docker: /);
    expect(JSON.stringify([failure?.message, failure?.stack, log.lines])).not.toContain(SECRET);
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['that breaks off', (response) => breakOff(response), /broke/],
    ['that breaks off at once', (response) => response.destroy(), /broke/],
    ['that is no HTTP', (response) => response.socket?.end('SSH-2.0-x\r\n\r\n'), /broke: HPE_/],
    [
      'I9: with endless headers',
      (response) => response.setHeader('x', 'y'.repeat(1 << 20)).end(),
      /HPE_HEADER_OVERFLOW/,
    ],
    ['that never comes', () => undefined, /does not answer within 300 ms/],
    ['that never ends', (response) => response.write('{"Id":'), /does not answer within 300 ms/],
    ['with status 500', (response) => response.writeHead(500).end(), /status 500/],
    ['with status 403', (response) => response.writeHead(403).end('{"message":"denied"}'), /status 403/],
    ['that sends elsewhere', (response) => response.writeHead(302, { location: '/x' }).end(), /status 302/],
    ['A10: with a 404 that speaks of no container', (response) => response.writeHead(404).end('page not found'), /404/],
  ])('fails the look: one %s', async (_what, answer, message) => {
    const { attestor } = attestorOf(await answering(answer), { requestMs: 300 });
    await expect(look(attestor)).rejects.toThrow(message);
  });

  it('that came badly is not remembered', async () => {
    const engine = await answering(saying('nothing'));
    const { attestor } = await watching(engine);
    await expect(look(attestor)).rejects.toThrow();
    engine.instead = undefined;
    expect(await look(attestor)).toMatchObject({ applies: true });
  });
});

describe('an answer about an image', () => {
  it.each([
    ['with a status of trouble', (response: ServerResponse) => response.writeHead(500).end(), /status 500/],
    ['that is malformed', saying({ Config: { Labels: 7 } }), /Config.Labels/],
  ])('fails the look: %s', async (_what, answer, message) => {
    const { attestor } = attestorOf(await answering(answer, '/images/'));
    await expect(look(attestor)).rejects.toThrow(message);
  });
});

describe('the version of the engine', () => {
  const versions = (engine: FakeEngine): string[] => [
    ...new Set(engine.paths.flatMap((path) => /^\/v(1\.\d+)\//.exec(path)?.[1] ?? [])),
  ];

  it.each([
    ['its own, where that is known here', '1.41', '1.41'],
    ['the newest known here, where its own is newer', '1.99', '1.51'],
  ])('is %s', async (_what, theirs, used) => {
    const engine = await FakeEngine.start({ [ID]: web });
    engine.apiVersion = theirs;
    await look(attestorOf(engine).attestor);
    expect(versions(engine)).toEqual([used]);
  });

  it('is what an operator wrote', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    await look(attestorOf(engine, { apiVersion: '1.30' }).attestor);
    expect(versions(engine)).toEqual(['1.30']);
  });

  it('is asked for where the first answer does not tell', async () => {
    const engine = await answering(saying({ ApiVersion: '1.38' }), '/version');
    engine.apiVersion = undefined;
    await look(attestorOf(engine).attestor);
    expect(versions(engine)).toEqual(['1.38']);
  });

  it.each([
    ['old', '1.23', /older than 1.24/],
    ['no version', '../../etc', /does not say which version/],
  ])('is refused when it is %s', async (_what, theirs, message) => {
    const engine = await FakeEngine.start({ [ID]: web });
    engine.apiVersion = theirs;
    await expect(look(attestorOf(engine).attestor)).rejects.toThrow(message);
    expect(engine.asked).toEqual([]);
  });

  it('is asked for anew when the engine comes back', async () => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor, log } = await watching(engine);
    await engine.stop();
    engine.apiVersion = '1.44';
    await until(() => log.lines.length > 0);
    await engine.start();
    await until(() => log.lines.length > 1);
    await look(attestor);
    expect(versions(engine)).toEqual(['1.41', '1.44']);
  });
});

describe('the events of the engine', () => {
  const filters = (path: string): unknown => JSON.parse(new URL(path, 'http://e').searchParams.get('filters') ?? '');

  it('are asked for from a little earlier on, those of containers that change them, and of podman all of containers', async () => {
    const engine = await FakeEngine.start();
    await watching(engine);
    const [asked = ''] = engine.paths.filter((path) => path.includes('/events'));
    const since = Number(new URL(asked, 'http://e').searchParams.get('since')) * 1_000;
    expect(since).toBeLessThan(Date.now() - 55_000);
    expect(since).toBeGreaterThan(Date.now() - 120_000);
    expect(filters(asked)).toMatchObject({ type: ['container'], event: expect.arrayContaining(['die', 'start']) });
    const podman = await FakeEngine.start();
    podman.podman = true;
    await watching(podman);
    expect(filters(podman.paths.find((path) => path.includes('/events')) ?? '')).toEqual({ type: ['container'] });
  });

  it.each([
    ['no JSON', 'nonsense\n'],
    ['no event', '[]\n'],
    ['one of nobody', '{"Type":"container","Action":"die"}\n'],
    ['one without an action', `{"Type":"container","Actor":{"ID":"${ID}"}}\n`],
    ['I9: one without an end', 'x'.repeat(2 << 20)],
  ])('begin anew, and everything is looked at again, after %s', async (_what, text) => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { told, log } = await watching(engine);
    engine.say(text);
    await until(() => told.includes('all'));
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  it('that never begin are given up, and tried again', async () => {
    const engine = await answering(() => undefined, '/events');
    const { attestor } = attestorOf(engine, { requestMs: 100 });
    await until(() => engine.paths.filter((path) => path.includes('/events')).length >= 2);
    expect(await look(attestor)).toMatchObject({ applies: true, goodForMs: 1_000 });
  });
});

function breakOff(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '1000' }).write('{"Id":');
  setTimeout(() => response.destroy(), 20);
}

function many(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}=`, 'v']));
}
