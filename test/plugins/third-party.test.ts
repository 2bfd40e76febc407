// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { madeUpProcess } from '../../src/attestation/contract.ts';
import { AttestationEngine } from '../../src/attestation/engine.ts';
import type { Attestation, Attestor, Strength } from '../../src/attestation/plugin.ts';
import { PLUGIN_BOUNDS } from '../../src/plugins/bounds.ts';
import { type PluginStrength, thirdParty } from '../../src/plugins/third-party.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const never = new AbortController().signal;

const given = (some: Partial<Attestor> = {}): Attestor => ({
  name: 'mine',
  kinds: new Map<string, Strength>([['team', 'authority']]),
  attest: async () => ({ applies: false, reason: 'no team' }),
  ...some,
});
const taken = (some: Partial<Attestor> = {}, strongest: PluginStrength = 'authority', clock = new FakeClock()) =>
  thirdParty(given(some), { name: 'mine', strongest, clock });
const kinds = (...list: [string, unknown][]) => ({ kinds: new Map(list) as Attestor['kinds'] });

describe('an attestor of others', () => {
  it.each<[string, Partial<Attestor>]>([
    ['under another name', { name: 'unix' }],
    ['without kinds', kinds()],
    ['whose kinds are no map', { kinds: [['team', 'authority']] as never }],
    ['with a kind that is no word', kinds(['unix:uid', 'claimed'])],
    ['with a kind without end', kinds(['x'.repeat(65), 'claimed'])],
    ['with too many kinds', kinds(...Array.from({ length: 65 }, (_, at): [string, string] => [`k${at}`, 'claimed']))],
    ['that claims what only the kernel says', kinds(['uid', 'kernel'])],
    ['that claims what only the launcher knows', kinds(['id', 'bound'])],
    ['with a strength that there is not', kinds(['id', 'sure'])],
  ])('A13: is refused %s', (_what, some) => {
    expect(() => taken(some)).toThrow(expect.objectContaining({ reason: 'PLUGIN_INVALID', field: 'attestors.mine' }));
  });

  it('A13: claims no more than the configuration grants', () => {
    expect(() => taken({}, 'claimed')).toThrow(/may be claimed/);
    expect(taken(kinds(['team', 'claimed']), 'claimed').kinds.get('team')).toBe('claimed');
  });

  it('A13: declares once: what it adds later counts for nothing', () => {
    const map = new Map<string, Strength>([['team', 'claimed']]);
    const attestor = taken({ kinds: map });
    map.set('uid', 'kernel').set('team', 'authority');
    expect([...attestor.kinds]).toEqual([['team', 'claimed']]);
  });

  it('A13: speaks under its own name alone; what it did not declare is dropped with an error, one a second', async () => {
    const log = new RecordingLogger();
    const clock = new FakeClock();
    const answer: Attestation = {
      applies: true,
      selectors: [
        { value: 'unix:uid:0', strength: 'authority' },
        { value: 'uid:0', strength: 'authority' },
        { value: 'team:payments', strength: 'kernel' },
        { value: 'team:orders', strength: 'authority' },
      ],
      facts: {},
      leftOut: [],
    };
    const engine = new AttestationEngine({
      attestors: [taken({ attest: async () => answer })],
      timeoutMs: 5_000,
      atOnce: 4,
      clock,
      log,
    });
    for (let looks = 0; looks < 5; looks += 1) {
      const { selectors } = await engine.attest(madeUpProcess(), never);
      expect([...selectors.keys()]).toEqual(['mine:team:orders']);
    }
    expect(log.lines).toMatchObject([{ level: 'error', fields: { attestor: 'mine', kind: 'unix' } }]);
  });

  it('I10: has kinds whose values nobody is shown', () => {
    expect(taken({ secretKinds: new Set(['team']) }).secretKinds).toEqual(new Set(['team']));
  });

  it('A13: fails the look with an answer out of bounds, and with an error of its own', async () => {
    await expect(
      taken({ attest: async () => undefined as never }).attest(madeUpProcess(), never),
    ).rejects.toMatchObject({ reason: 'PLUGIN_ANSWER' });
    const thrown = taken({
      attest: () => {
        throw new Error('not even a promise');
      },
    });
    await expect(thrown.attest(madeUpProcess(), never)).rejects.toThrow('not even a promise');
  });

  it('is not waited for without end when it closes', async () => {
    const clock = new FakeClock();
    const closing = taken({ close: () => new Promise(() => undefined) }, 'authority', clock).close?.();
    await clock.advance(PLUGIN_BOUNDS.closeMs);
    await closing;
  });

  it('says how it stands in words fit for a terminal, whatever it says', () => {
    const health = (text: unknown) => taken({ health: () => ({ status: 'ok', text: text as string }) }).health?.();
    expect(health('all teams known')).toEqual({ status: 'ok', text: 'all teams known' });
    expect(health('\u001b[2J')?.text).not.toContain('\u001b');
    const broken = taken({
      health: () => {
        throw new Error('no');
      },
    });
    expect(broken.health?.()).toMatchObject({ status: 'warn' });
    expect(taken().health?.()).toMatchObject({ status: 'ok' });
  });
});

describe('its changes', () => {
  function watched() {
    let tell: (ground?: string) => void = () => undefined;
    const clock = new FakeClock();
    const heard: (string | undefined)[] = [];
    const attestor = taken(
      {
        onChange: (listener) => {
          tell = listener;
          return () => undefined;
        },
      },
      'authority',
      clock,
    );
    const undo = attestor.onChange?.((ground) => heard.push(ground));
    return { tell: (ground?: unknown) => tell(ground as string), clock, heard, undo };
  }

  it('I9: are told at once, and those that follow together', async () => {
    const { tell, clock, heard } = watched();
    for (let n = 0; n < 1_000; n += 1) tell(`g${n % 3}`);
    expect(heard).toEqual(['g0']);
    await clock.advance(PLUGIN_BOUNDS.changesEveryMs);
    expect(heard).toEqual(['g0', 'g1', 'g2', 'g0']);
    await clock.advance(60_000);
    expect([heard.length, clock.pending]).toEqual([4, 0]);
  });

  it('I9: are told as a change of everything when they are too many, too long or no text', async () => {
    for (const flood of [
      (tell: (ground?: unknown) => void) => {
        for (let n = 0; n < 5_000; n += 1) tell(`g${n}`);
      },
      (tell: (ground?: unknown) => void) => tell('x'.repeat(PLUGIN_BOUNDS.textBytes + 1)),
      (tell: (ground?: unknown) => void) => tell({}),
    ]) {
      const { tell, clock, heard } = watched();
      tell('first');
      flood(tell);
      await clock.advance(PLUGIN_BOUNDS.changesEveryMs);
      expect(heard).toEqual(['first', undefined]);
    }
  });

  it('are told no more after the undo', async () => {
    const { tell, clock, heard, undo } = watched();
    tell('a');
    tell('b');
    undo?.();
    tell('c');
    await clock.advance(60_000);
    expect([heard, clock.pending]).toEqual([['a'], 0]);
  });
});
