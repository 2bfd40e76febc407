// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const DAY = 86_400_000;
const dir = tempDir('config');
const read = async (yaml: string) => {
  const { config, problems, explained } = await inspect(dir, { yaml: `trust_domain: example.org\n${PLACES}${yaml}\n` });
  const shown = explained.find(({ key }) => key === 'lifecycle.announce')?.value;
  return { lifecycle: config?.lifecycle, shown, problems: problems.map(({ message }) => message) };
};

describe('lifecycle', () => {
  it('is 90 days of grace, three announcements, and ten minutes for what is legacy, unless told otherwise', async () => {
    const { lifecycle, shown } = await read('');
    expect(lifecycle).toEqual({ graceMs: 90 * DAY, announceMs: [30 * DAY, 7 * DAY, DAY], legacyMaxTtlMs: 600_000 });
    expect(shown).toBe('30d, 7d, 24h');
  });

  it('is told otherwise; announcements are put in order, each once, or switched off', async () => {
    const { lifecycle, problems } = await read(
      'lifecycle: { grace: 30d, announce: [1d, 14d, 1d], legacy_max_ttl: 5m }',
    );
    expect(problems).toEqual([]);
    expect(lifecycle).toEqual({ graceMs: 30 * DAY, announceMs: [14 * DAY, DAY], legacyMaxTtlMs: 300_000 });
    expect(await read('lifecycle: { announce: [] }')).toMatchObject({ lifecycle: { announceMs: [] }, shown: 'none' });
  });

  it.each([
    ['grace: 1h', /shorter than 24h/],
    ['legacy_max_ttl: 1s', /shorter than 10s/],
    ['announce: 30d', /must be a list/],
    ['announce: [30]', /announce\[0\].*is no duration/],
    ['announce: [[1d]]', /is no duration/],
    ['announce: [1d, 1s]', /announce\[1\].*is not between 1m and 3650d/],
    ['announced: [1d]', /is no key/],
  ])('I5: refuses %s', async (yaml, message) => {
    expect((await read(`lifecycle: { ${yaml} }`)).problems[0]).toMatch(message);
  });

  it('I9: refuses more than eight announcements', async () => {
    const many = Array.from({ length: 9 }, (_, at) => `${at + 1}d`).join(', ');
    expect((await read(`lifecycle: { announce: [${many}] }`)).problems).toEqual([
      expect.stringContaining('more than 8 durations'),
    ]);
  });
});
