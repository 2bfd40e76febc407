// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { Applies } from '../../../src/attestation/plugin.ts';
import { attestorOf, ID, INIT, look, processIn, selectorsOf } from '../../support/docker-looks.ts';
import { type FakeContainer, FakeEngine, type FakeImage, IMAGE } from '../../support/fake-engine.ts';

async function found(
  container: Partial<FakeContainer>,
  image?: FakeImage | 'gone',
  { wantEnv = true, uid = 0 } = {},
): Promise<Applies> {
  const engine = await FakeEngine.start({ [ID]: { pid: INIT, ...container } });
  if (image === 'gone') engine.images.clear();
  else if (image !== undefined) engine.images.set(IMAGE, image);
  const { attestor } = attestorOf(engine, { uid }, { wantEnv: () => wantEnv });
  return (await look(attestor)) as Applies;
}

const strengths = ({ selectors }: Applies): Record<string, string> =>
  Object.fromEntries(selectors.map(({ value, strength }) => [value, strength]));
const reasons = ({ leftOut }: Applies): string[] => leftOut.map(({ kind, reason }) => `${kind}: ${reason}`);

describe('the selectors of a container', () => {
  it('A1: are claimed where its image says the same, because its author is not who started it', async () => {
    const given = await found(
      { labels: { team: 'pay', base: 'debian', both: 'operator' }, env: ['PATH=/bin', 'STAGE=prod'] },
      { labels: { base: 'debian', both: 'image' }, env: ['PATH=/bin', 'STAGE=dev'] },
    );
    expect(strengths(given)).toMatchObject({
      'label:team:pay': 'authority',
      'label:base:debian': 'claimed',
      'label:both:operator': 'authority',
      'env:PATH=/bin': 'claimed',
      'env:STAGE=prod': 'authority',
    });
  });

  it('A1: are claimed where nobody can tell any more what its image said', async () => {
    const given = await found({ labels: { team: 'pay' }, env: ['A=b'] }, 'gone');
    expect(strengths(given)).toMatchObject({
      'label:team:pay': 'claimed',
      'env:A=b': 'claimed',
      [`image_config_digest:${IMAGE}`]: 'authority',
    });
    expect(reasons(given)).toContainEqual(expect.stringMatching(/^image_digest: the engine no longer has the image/));
  });

  it('name the digests under which registries have its image, each once', async () => {
    const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
    const digests = [
      `docker.io/web@${digest('2')}`,
      `mirror:5000/web@${digest('2')}`,
      `web@${digest('3')}`,
      'web@md5:1',
    ];
    const values = Object.keys(strengths(await found({}, { digests })));
    expect(values.filter((value) => value.startsWith('image_digest:'))).toEqual([
      `image_digest:${digest('2')}`,
      `image_digest:${digest('3')}`,
    ]);
    expect(reasons(await found({}))).toContain('image_digest: the image was made here, no registry has it');
  });

  it('have the hash of the running image, which podman of old gives without a prefix; a name is no hash', async () => {
    const bare = await found({ image: IMAGE.slice('sha256:'.length) });
    expect(Object.keys(strengths(bare))).toContain(`image_config_digest:${IMAGE}`);
    const named = await found({ image: 'web:1' });
    expect(reasons(named)).toContain('image_config_digest: the engine names no hash');
    expect(Object.keys(strengths(named))).toEqual(['image_id:web:1']);
  });

  it('have no environment while no entry names one', async () => {
    const engine = await FakeEngine.start({ [ID]: { pid: INIT, env: ['A=b'] } });
    let wanted = false;
    const { attestor } = attestorOf(engine, {}, { wantEnv: () => wanted });
    const without = (await look(attestor)) as Applies;
    expect(without.leftOut).toContainEqual({ kind: 'env', reason: expect.any(String), onDemand: true });
    expect(JSON.stringify(without)).not.toContain('A=b');
    const everything = (await attestor.attest(
      processIn(`/docker/${ID}`),
      new AbortController().signal,
      true,
    )) as Applies;
    expect(everything.selectors.map(({ value }) => value)).toContain('env:A=b');
    wanted = true;
    expect(await selectorsOf(attestor)).toContain('env:A=b');
    expect([...(attestor.secretKinds ?? [])]).toEqual(['env']);
  });

  it('A10: have no label that could be read as another one', async () => {
    const given = await found({ labels: { 'url:http': '//x', url: 'http://y' } });
    expect(Object.keys(strengths(given)).filter((value) => value.startsWith('label:'))).toEqual(['label:url:http://y']);
    expect(reasons(given)).toContain('label: 1 left out: with a colon in the key, which could pass for another');
  });

  it('have nothing that no entry could name, and say how much was left out but not what', async () => {
    const given = await found({
      labels: { long: 'x'.repeat(3_000), lines: 'a\nb', ok: '' },
      env: ['SECRET=\u001b[31m', 'NOVALUE', 'EMPTY='],
    });
    expect(Object.keys(strengths(given)).filter((value) => /^(label|env):/.test(value))).toEqual([
      'label:ok:',
      'env:EMPTY=',
    ]);
    expect(reasons(given)).toContain('label: 2 left out: too long or with control characters, which no entry can name');
    expect(JSON.stringify(given)).not.toContain('SECRET');
  });

  it('B7: take any name', async () => {
    const labels = JSON.parse('{"__proto__": "a", "constructor": "b"}') as Record<string, string>;
    expect(Object.keys(strengths(await found({ labels }, { labels: JSON.parse('{"__proto__": "a"}') })))).toEqual(
      expect.arrayContaining(['label:__proto__:a', 'label:constructor:b']),
    );
  });

  it('may be none', async () => {
    expect(strengths(await found({ labels: null, env: null, reference: '' }))).toEqual({
      [`image_config_digest:${IMAGE}`]: 'authority',
    });
  });
});
