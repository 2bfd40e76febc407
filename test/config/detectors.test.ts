// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');
const read = async (yaml: string) => {
  const { config, problems } = await inspect(dir, { yaml: `trust_domain: example.org\n${PLACES}${yaml}\n` });
  return { ...config, problems: problems.map(({ message }) => message) };
};

describe('detectors', () => {
  it('note what they find unless told otherwise', async () => {
    const { detectors } = await read('');
    expect(new Set(Object.values(detectors.actions))).toEqual(new Set(['note']));
    expect(detectors.unusedAfterMs).toBe(30 * 86_400_000);
  });

  it('are switched off one by one', async () => {
    const { detectors, problems } = await read('detectors: { static_secret: off, unused_after: 7d }');
    expect(problems).toEqual([]);
    expect(detectors.actions).toMatchObject({ 'static-secret': 'off', 'human-use': 'note' });
    expect(detectors.unusedAfterMs).toBe(7 * 86_400_000);
  });

  it.each(['suspend', 'require-approval'])('refuse %s, which no detector does yet', async (action) => {
    const { problems } = await read(`detectors: { static_secret: ${action} }`);
    expect(problems).toEqual([expect.stringContaining('is reserved for a detector that acts')]);
  });

  it('refuse a detector that is none', async () => {
    const { problems } = await read('detectors: { static_secrets: note }');
    expect(problems).toEqual([expect.stringContaining('detectors.static_secrets')]);
  });
});
