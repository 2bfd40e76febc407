// SPDX-License-Identifier: Apache-2.0
/** Bundle maps, from the command line to the open streams of a real daemon. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { renderSpiffeBundle } from '../../src/bundle/document.ts';
import { readBundleMap } from '../../src/bundle/map.ts';
import { assayHere, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { emptyRegistry } from '../support/empty-registry.ts';
import { TestCa } from '../support/test-ca.ts';
import { type BundlesMessage, WorkloadClient } from '../support/workload-client.ts';

const OWN = 'spiffe://example.org';
const mine = [`unix:uid:${process.getuid?.() ?? 0}`];
const [a, b, next, c] = ['a.example', 'b.example', 'b.example', 'c.example'].map((name) => TestCa.create(name)) as [
  TestCa,
  TestCa,
  TestCa,
  TestCa,
];

let daemon: Daemon;
let client: WorkloadClient;
beforeAll(async () => {
  daemon = await Daemon.start();
  client = new WorkloadClient(daemon.workloadSocket);
});
afterEach(() => emptyRegistry(daemon.admin));
afterAll(async () => {
  client?.close();
  await daemon?.close();
});

const bundle = (ca: TestCa): string =>
  renderSpiffeBundle({ certificates: [ca.der], jwtKeys: [], sequence: 1, refreshHintSeconds: 1 });
const mapOf = (members: Record<string, TestCa>): string =>
  `{"trust_domains":{${Object.entries(members).map(([name, ca]) => `"${name}":${bundle(ca)}`)}}}`;
const run = (...args: string[]): Promise<CliResult> => assayHere([...args, '--admin-socket', daemon.adminSocket]);

function setMap(text: string, ...more: string[]): Promise<CliResult> {
  const file = join(daemon.folder, 'map.json');
  writeFileSync(file, text);
  return run('bundle', 'set', '--format', 'map', '--file', file, ...more);
}

/** What a message says of other trust domains. */
const others = ({ bundles }: BundlesMessage): Map<string, Buffer> =>
  new Map(Object.entries(bundles).filter(([id]) => id !== OWN));
const federate = (...federates_with: string[]) =>
  daemon.admin.createEntry({ spiffe_id: `${OWN}/f`, selectors: mine, federates_with });

describe('a bundle map', () => {
  it('BUN-17: reaches an open stream at once and whole: what it changes and what it adds in one message', async () => {
    expect(await setMap(mapOf({ 'a.example': a, 'b.example': b }))).toEqual({
      code: 0,
      out: 'a.example: 1 certificate\nb.example: 1 certificate\n',
      err: '',
    });
    await federate('b.example', 'c.example');
    const stream = client.fetchX509Bundles();
    expect(others(await stream.at(1))).toEqual(new Map([['spiffe://b.example', b.der]]));
    expect(await setMap(mapOf({ 'b.example': next, 'c.example': c }))).toEqual({
      code: 0,
      out: 'b.example: 1 certificate\nc.example: 1 certificate\ndeleted a.example\n',
      err: '',
    });
    expect(others(await stream.at(2))).toEqual(
      new Map([
        ['spiffe://b.example', next.der],
        ['spiffe://c.example', c.der],
      ]),
    );
    expect((await setMap(mapOf({ 'b.example': next, 'c.example': c }))).out).toBe(
      'b.example: unchanged\nc.example: unchanged\n',
    );
    stream.cancel();
  });

  it('BUN-17: that leaves out what an entry federates with is refused, and by mode takes it from the stream', async () => {
    await setMap(mapOf({ 'a.example': a, 'b.example': b }));
    await federate('a.example', 'b.example');
    const stream = client.fetchX509Bundles();
    expect([...others(await stream.at(1)).keys()].sort()).toEqual(['spiffe://a.example', 'spiffe://b.example']);
    const v2 = mapOf({ 'b.example': next });
    expect(await setMap(v2)).toMatchObject({ code: 1, out: '', err: expect.stringContaining('"a.example" is kept') });
    expect(await setMap(v2, '--mode', 'dissociate')).toMatchObject({ code: 0 });
    let at = 2;
    while (
      !others(await stream.at(at))
        .get('spiffe://b.example')
        ?.equals(next.der)
    )
      at += 1;
    expect(stream.received.slice(1).flatMap((message) => [...others(message).keys()])).not.toContain(
      'spiffe://a.example',
    );
    stream.cancel();
  });

  it('BUN-17: with one bad bundle changes nothing on the stream', async () => {
    await setMap(mapOf({ 'a.example': a, 'b.example': b }));
    await federate('a.example', 'b.example', 'c.example');
    const stream = client.fetchX509Bundles();
    await stream.at(1);
    const bad = mapOf({ 'b.example': next }).replace(/\}\}\s*$/, ',"c.example":{}}}');
    expect(await setMap(bad, '--mode', 'delete')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('trust_domains["c.example"] is refused: it has no `keys` array'),
    });
    await setMap(mapOf({ 'a.example': a, 'b.example': b, 'c.example': c }));
    expect(others(await stream.at(2)).get('spiffe://b.example')).toEqual(b.der);
    stream.cancel();
  });

  it('BUN-14, BUN-15, BUN-16: is listed with ours and all others, and comes back without ours', async () => {
    await setMap(mapOf({ 'a.example': a, __proto__x: b }));
    const { code, out, err } = await run('bundle', 'list', '--format', 'map', '-o', 'json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).not.toContain('spiffe_refresh_hint');
    expect([...readBundleMap(out).keys()]).toEqual(['__proto__x', 'a.example', 'example.org']);
    expect(await setMap(out)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/"example\.org" is refused: it is our own[\s\S]*take it out of the map/),
    });
    const without = out.replace(/,"example\.org":.*\}/, '}}');
    const again = await assayHere(
      ['bundle', 'set', '--format', 'map', '-o', 'json', '--admin-socket', daemon.adminSocket],
      {
        input: without,
      },
    );
    expect(JSON.parse(again.out)).toEqual({ set: [], unchanged: ['__proto__x', 'a.example'], deleted: [] });
  });

  it('BUN-14: that is empty drops all, and says so', async () => {
    await setMap(mapOf({ 'a.example': a }));
    expect(await setMap('{"trust_domains":{}}')).toEqual({
      code: 0,
      out: 'deleted a.example\n',
      err: 'the map is empty: no bundle is set by hand any more\n',
    });
  });
});
