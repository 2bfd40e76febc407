// SPDX-License-Identifier: Apache-2.0
/** `detectors`: what each of them does with what it finds. */
import type { SettingsReader } from './reader.ts';
import { duration, oneOf } from './settings.ts';

const DETECTORS = [
  'static-secret',
  'new-binary',
  'shared-credential',
  'replay-after-revocation',
  'human-use',
  'unused',
  'standing',
] as const;

/** `note`: a finding is opened, and nothing is taken from anybody. */
export type DetectorAction = 'note' | 'off';

export interface DetectorsConfig {
  readonly actions: Readonly<Record<(typeof DETECTORS)[number], DetectorAction>>;
  /** An identity that nobody was given for so long is unused. */
  readonly unusedAfterMs: number;
}

const DAY = 86_400_000;
const TO_COME = new Map([
  ['suspend', 'is reserved for a detector that acts, which this version does not have'],
  ['require-approval', 'is reserved for a detector that acts, which this version does not have'],
]);

export function readDetectors(reader: SettingsReader): DetectorsConfig {
  const action = (name: string): DetectorAction =>
    reader.read(`detectors.${name.replaceAll('-', '_')}`, oneOf<DetectorAction>('note', ['note', 'off'], TO_COME));
  return {
    actions: Object.fromEntries(DETECTORS.map((name) => [name, action(name)])) as DetectorsConfig['actions'],
    unusedAfterMs: reader.read('detectors.unused_after', duration(30 * DAY, { min: DAY, max: 3650 * DAY })),
  };
}
