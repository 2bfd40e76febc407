// SPDX-License-Identifier: Apache-2.0
/** `detectors`: what each of them does with what it finds. */
import type { SettingsReader } from './reader.ts';
import { duration, oneOf, wholeNumber } from './settings.ts';

const DETECTORS = ['static-secret', 'new-binary', 'shared-credential', 'human-use', 'unused', 'standing'] as const;
/** Those that may do more than note. */
const ACTING = ['intent-mismatch', 'undeclared-intents', 'escalation-after-deny', 'replay-after-revocation'] as const;

/**
 * `note`: a finding is opened, and nothing is taken from anybody. `require-approval`: while it is open, people approve what the
 * identity begins and is given in tasks. `suspend`: the identity is suspended.
 */
export type DetectorAction = 'note' | 'require-approval' | 'suspend' | 'off';
export type ActingDetector = (typeof ACTING)[number];

export interface DetectorsConfig {
  readonly actions: Readonly<Record<(typeof DETECTORS)[number] | ActingDetector, DetectorAction>>;
  /** How often one identity is caught within `withinMs` before something is made of it. */
  readonly thresholds: Readonly<Record<ActingDetector, number>>;
  readonly withinMs: number;
  /** An identity that nobody was given for so long is unused. */
  readonly unusedAfterMs: number;
}

const DAY = 86_400_000;
const NOTES_ONLY = 'is for detectors that look at what tasks do, which this one is not';
const NOT_HERE = new Map([
  ['suspend', NOTES_ONLY],
  ['require-approval', NOTES_ONLY],
]);
const MINUTE = 60_000;
const ACTIONS: readonly DetectorAction[] = ['note', 'require-approval', 'suspend', 'off'];
/** Each is remembered (I9). */
const MOST_TIMES = 100;
const DEFAULT_TIMES: ReadonlyMap<ActingDetector, number> = new Map([['undeclared-intents', 5]]);

export function readDetectors(reader: SettingsReader): DetectorsConfig {
  const settingOf = (name: string): string => name.replaceAll('-', '_');
  const noting = (name: string): DetectorAction =>
    reader.read(`detectors.${settingOf(name)}`, oneOf<DetectorAction>('note', ['note', 'off'], NOT_HERE));
  const acting = (name: string): DetectorAction =>
    reader.read(`detectors.${settingOf(name)}`, oneOf<DetectorAction>('note', ACTIONS));
  const threshold = (name: ActingDetector): number => {
    const most = { min: 1, max: MOST_TIMES };
    return reader.read(`detectors.thresholds.${settingOf(name)}`, wholeNumber(DEFAULT_TIMES.get(name) ?? 1, most));
  };
  return {
    actions: Object.fromEntries([
      ...DETECTORS.map((name) => [name, noting(name)]),
      ...ACTING.map((name) => [name, acting(name)]),
    ]) as DetectorsConfig['actions'],
    thresholds: Object.fromEntries(ACTING.map((name) => [name, threshold(name)])) as DetectorsConfig['thresholds'],
    withinMs: reader.read('detectors.within', duration(10 * MINUTE, { min: MINUTE, max: DAY })),
    unusedAfterMs: reader.read('detectors.unused_after', duration(30 * DAY, { min: DAY, max: 3650 * DAY })),
  };
}
