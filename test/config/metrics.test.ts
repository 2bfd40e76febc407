// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');
const read = async (yaml: string, env: readonly (readonly [string, string])[] = []) => {
  const whole = `trust_domain: example.org\n${PLACES}${yaml}\n`;
  const { config, problems } = await inspect(dir, { yaml: whole, env: new Map(env) });
  return { metrics: config.metrics, problems: problems.map(({ message }) => message) };
};

describe('metrics', () => {
  it('are read nowhere unless the file says where', async () => {
    expect(await read('')).toEqual({ metrics: undefined, problems: [] });
    const { problems } = await read('', [['ASSAY_METRICS_LISTEN', '127.0.0.1:9464']]);
    expect(problems).toHaveLength(1);
  });

  it.each([
    ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
    ['127.8.9.10:1', { host: '127.8.9.10', port: 1 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
  ])('are read at %s', async (text, listen) => {
    expect(await read(`metrics: { listen: "${text}" }`)).toEqual({ metrics: { listen }, problems: [] });
  });

  it.each(['0.0.0.0:9464', '[::]:9464', '192.0.2.1:9464', '[::ffff:192.0.2.1]:9464'])(
    'I10: are not read at %s unless that was said',
    async (text) => {
      const { metrics, problems } = await read(`metrics: { listen: "${text}" }`);
      expect([metrics, problems]).toEqual([undefined, [expect.stringContaining('is not on loopback')]]);
      const said = await read(`metrics: { listen: "${text}", insecure_beyond_loopback: true }`);
      expect([said.metrics?.listen.port, said.problems]).toEqual([9464, []]);
    },
  );

  it('refuse what is no address', async () => {
    expect((await read('metrics: { listen: localhost }')).problems).toHaveLength(1);
  });
});
