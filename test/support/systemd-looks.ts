// SPDX-License-Identifier: Apache-2.0
/** The systemd attestor beside a fake manager. */
import { afterEach } from '@jest/globals';
import { type SystemdAttestorOptions, systemdAttestor } from '../../attestors/systemd/systemd-attestor.ts';
import { madeUpProcess } from '../../src/attestation/contract.ts';
import type { Applies, Attestation, Attestor } from '../../src/attestation/plugin.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { FakeManager } from './fake-manager.ts';
import { RecordingLogger } from './recording-logger.ts';

const never = new AbortController().signal;
const made = new Set<Attestor>();
afterEach(async () => {
  await Promise.all([...made].map((attestor) => attestor.close?.()));
  made.clear();
});

export interface MadeSystemd {
  readonly attestor: Attestor;
  readonly log: RecordingLogger;
  /** What it told of: a unit, or `all`. */
  readonly told: string[];
}

export function attestorOf(manager: FakeManager, options: Partial<SystemdAttestorOptions> = {}): MadeSystemd {
  const log = new RecordingLogger();
  const attestor = systemdAttestor({
    connect: manager.connect,
    uid: 0,
    clock: systemClock,
    log,
    distrust: () => undefined,
    ...options,
  });
  made.add(attestor);
  const told: string[] = [];
  attestor.onChange?.((unit) => told.push(unit ?? 'all'));
  return { attestor, log, told };
}

export function look(attestor: Attestor, pid: number): Promise<Attestation> {
  return attestor.attest(madeUpProcess({ pid }), never);
}

export async function valuesOf(attestor: Attestor, pid: number): Promise<readonly string[]> {
  return ((await look(attestor, pid)) as Applies).selectors.map(({ value }) => value);
}
