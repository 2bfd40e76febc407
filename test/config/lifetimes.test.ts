// SPDX-License-Identifier: Apache-2.0
/** I5, I6: what ca.ttl and svid.x509_ttl say about each other. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cappedTtlMs, LEAST_CA_TTL_MS, LEAST_SHORT_CA_TTL_MS, longestSvidTtlMs } from '../../src/config/lifetimes.ts';
import { activateAt, prepareAt, refreshHintSeconds } from '../../src/rotation/schedule.ts';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const dir = tempDir('config');
const read = (yaml: string) => inspect(dir, { yaml: `${PLACES}${yaml}\n` });

describe('lifetimes', () => {
  it('I5: the longest SVID fits into what remains of its CA when the next one signs, and no longer one does', () => {
    fc.assert(
      fc.property(fc.integer({ min: LEAST_SHORT_CA_TTL_MS, max: 400 * DAY }), (ttl) => {
        const active = { since: 0, until: ttl };
        const left = ttl - activateAt(active, { since: prepareAt(active), until: prepareAt(active) + ttl });
        expect(left).toBeGreaterThanOrEqual(longestSvidTtlMs(ttl));
        expect(left).toBeLessThan(longestSvidTtlMs(ttl) + 1_000);
      }),
    );
  });

  it('I6: the least ca.ttl has the least refresh hint that consumers are to be given (BUN-05)', () => {
    expect(refreshHintSeconds([LEAST_CA_TTL_MS])).toBe(60);
    expect(refreshHintSeconds([LEAST_SHORT_CA_TTL_MS])).toBe(1);
  });

  it('I5: a TTL that was stored before ca.ttl was lowered is cut to a sixth of it, in whole seconds', () => {
    expect(cappedTtlMs(4 * HOUR, HOUR)).toBe(10 * MINUTE);
    expect(cappedTtlMs(5 * MINUTE, HOUR)).toBe(5 * MINUTE);
    expect(cappedTtlMs(HOUR, 100_000)).toBe(16_000);
  });

  it('I5: an x509_ttl over a sixth of ca.ttl is refused, naming the ca.ttl needed', async () => {
    const [problem] = (await read('svid: { x509_ttl: 5h }')).problems;
    expect(problem).toMatchObject({ field: 'svid.x509_ttl (assay.yaml:3)', value: '"5h"' });
    expect(problem?.hint).toBe('set ca.ttl to 30h or more, or svid.x509_ttl to 4h or less');
  });

  it('I5: exactly a sixth passes', async () => {
    expect((await read('svid: { x509_ttl: 4h }')).problems).toEqual([]);
  });

  it('I5: a default gives way to a shorter CA', async () => {
    const { config, problems, explained } = await read('ca: { ttl: 2h }');
    expect(problems).toEqual([]);
    expect(config.svid.x509TtlMs).toBe(1_200_000);
    expect(explained.find(({ key }) => key === 'svid.x509_ttl')?.source).toBe('a sixth of ca.ttl');
  });

  it('I6: a ca.ttl under 15m needs insecure_short_ca', async () => {
    const [problem] = (await read('ca: { ttl: 14m59s }')).problems;
    expect(problem?.field).toBe('ca.ttl (assay.yaml:3)');
    expect(problem?.hint).toContain('ca.insecure_short_ca: true');
    expect((await read('ca: { ttl: 15m }')).problems).toEqual([]);
    expect((await read('ca: { ttl: 17s, insecure_short_ca: true }')).problems).toMatchObject([
      { field: 'ca.ttl (assay.yaml:3)', message: expect.stringContaining('is shorter than 18s, the least allowed') },
    ]);
    expect((await read('ca: { ttl: 18s, insecure_short_ca: true }')).config.svid.x509TtlMs).toBe(3_000);
  });
});
