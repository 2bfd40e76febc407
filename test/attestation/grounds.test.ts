// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { AttestationEngine } from '../../src/attestation/engine.ts';
import type { Attestation, Attestor, ProcessHandle } from '../../src/attestation/plugin.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { FakeClock } from '../support/fake-clock.ts';

const never = new AbortController().signal;
const caller = { pid: 100, uid: 1000, stillSame: () => ({ same: true }) } as unknown as ProcessHandle;

function engine(attestors: Attestor[]): { engine: AttestationEngine; clock: FakeClock } {
  const clock = new FakeClock();
  return {
    clock,
    engine: new AttestationEngine({ attestors, timeoutMs: 5_000, atOnce: 4, clock, log: silentLogger }),
  };
}

function attestor(name: string, answer: () => Attestation): Attestor {
  return { name, kinds: new Map([['label', 'authority']]), attest: async () => answer() };
}

describe('what an attestation rests on', () => {
  const resting = (restsOn: readonly string[], goodForMs?: number): Attestation => ({
    applies: true,
    selectors: [{ value: 'label:a', strength: 'authority' }],
    facts: {},
    leftOut: [],
    restsOn,
    ...(goodForMs === undefined ? {} : { goodForMs }),
  });
  const docker = (answer: () => Attestation, listeners: Set<(ground?: string) => void>): Attestor => ({
    ...attestor('docker', answer),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });

  it('carries the name of the attestor, and a ground for all of it', async () => {
    const { engine: it, clock } = engine([
      docker(() => resting(['c1', 'c2'], 700), new Set()),
      attestor('unix', () => ({ applies: true, selectors: [], facts: {}, leftOut: [] })),
      attestor('k8s', () => ({ applies: false, reason: 'no pod', restsOn: [], goodForMs: 900 })),
    ]);
    await clock.advance(50);
    const { restsOn, goodUntil } = await it.attest(caller, never);
    expect([restsOn, goodUntil]).toEqual([['docker', 'docker:c1', 'docker:c2', 'k8s'], 750]);
  });

  it('is told of by its name, until the engine closes', async () => {
    const listeners = new Set<(ground?: string) => void>();
    const { engine: it } = engine([docker(() => resting([]), listeners)]);
    const heard: string[] = [];
    const undo = it.onChange((ground) => heard.push(ground));
    for (const listener of listeners) listener('c1');
    for (const listener of listeners) listener();
    undo();
    for (const listener of listeners) listener('c2');
    expect(heard).toEqual(['docker:c1', 'docker']);
    await it.close();
    expect(listeners.size).toBe(0);
  });

  it('tells its attestor, and no other, that somebody rests on it', () => {
    const told: string[] = [];
    const watched = (name: string): Attestor => ({
      ...attestor(name, () => resting([])),
      restedOn: (ground, on) => told.push(`${name} ${ground} ${on}`),
    });
    const { engine: it } = engine([watched('docker'), watched('docker2'), attestor('unix', () => resting([]))]);
    for (const ground of ['docker:c1', 'docker2:a:b', 'docker', 'unix:x']) it.restedOn(ground, true);
    it.restedOn('docker:c1', false);
    expect(told).toEqual(['docker c1 true', 'docker2 a:b true', 'docker c1 false']);
  });
});
