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

  it.each(['suspend', 'require-approval'])('refuse %s for what looks at processes', async (action) => {
    const { problems } = await read(`detectors: { static_secret: ${action} }`);
    expect(problems).toEqual([expect.stringContaining('is for detectors that look at what tasks do')]);
  });

  it.each(['intent_mismatch', 'undeclared_intents', 'escalation_after_deny', 'replay_after_revocation'])(
    'that look at tasks act where they are told to: %s',
    async (name) => {
      for (const action of ['note', 'require-approval', 'suspend', 'off']) {
        const { detectors, problems } = await read(`detectors: { ${name}: ${action} }`);
        expect([problems, detectors.actions]).toMatchObject([[], { [name.replaceAll('_', '-')]: action }]);
      }
    },
  );

  it('make something of one sight, and of five refusals within ten minutes', async () => {
    const { detectors } = await read('');
    const once = { 'intent-mismatch': 1, 'escalation-after-deny': 1, 'replay-after-revocation': 1 };
    expect(detectors.thresholds).toEqual({ ...once, 'undeclared-intents': 5 });
    expect(detectors.withinMs).toBe(600_000);
    const other = await read('detectors: { within: 1h, thresholds: { undeclared_intents: 3 } }');
    expect([other.detectors.thresholds['undeclared-intents'], other.detectors.withinMs]).toEqual([3, 3_600_000]);
  });

  it.each(['0', '101'])('I9: refuse a threshold of %s', async (times) => {
    const { problems } = await read(`detectors: { thresholds: { intent_mismatch: ${times} } }`);
    expect(problems).toEqual([expect.stringContaining('detectors.thresholds.intent_mismatch')]);
  });

  it('refuse a detector that is none', async () => {
    const { problems } = await read('detectors: { static_secrets: note }');
    expect(problems).toEqual([expect.stringContaining('detectors.static_secrets')]);
  });
});
