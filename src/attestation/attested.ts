// SPDX-License-Identifier: Apache-2.0
/** What all attestors together said of one process: the union of their selectors, and what it rests on. */
import type { Failure } from '../lib/failure.ts';
import type { Attestation, Attestor, Facts, Grounds, LeftOut, Strength } from './plugin.ts';

export interface Attested {
  /** `type:value` to its strength. */
  readonly selectors: ReadonlyMap<string, Strength>;
  /** By attestor; the object has no prototype. */
  readonly facts: Readonly<Record<string, Facts>>;
  /** What did not apply or was left out, in words for an operator. */
  readonly notes: readonly Note[];
  /** When the last attestor had answered, milliseconds UTC. */
  readonly at: number;
  /** `attestor:ground`, and `attestor` for a change of everything it said; what `onChange` tells of. */
  readonly restsOn: readonly string[];
  /** Not to be relied on from this instant of the monotonic clock on, in milliseconds; undefined: until something changes. */
  readonly goodUntil: number | undefined;
}

export interface Note {
  readonly attestor: string;
  readonly reason: string;
  readonly kind?: string;
  /** Another look would give this kind, should an entry name it by then. */
  readonly onDemand?: boolean;
}

/** What one attestor said to an operator who asked. */
export type Examined = { readonly attestor: string; readonly tookMs: number } & (
  | { readonly attested: Attested }
  | { readonly failure: Failure }
);

/** `began`: of the monotonic clock; `at`: UTC; both in milliseconds. */
export interface LookTimes {
  readonly began: number;
  readonly at: number;
}

export interface Answer {
  readonly attestor: Attestor;
  readonly attestation: Attestation;
}

const STRENGTHS: readonly Strength[] = ['kernel', 'authority', 'bound', 'claimed'];

/** A selector that its attestor may not give. */
export interface Dropped {
  readonly attestor: string;
  readonly kind: string;
  readonly strength: Strength;
}

export function union(
  answers: readonly Answer[],
  { began, at }: LookTimes,
  dropped: (selector: Dropped) => void,
): Attested {
  const selectors = new Map<string, Strength>();
  const facts: Record<string, Facts> = Object.create(null);
  const notes: Note[] = [];
  const restsOn: string[] = [];
  let goodForMs = Infinity;
  for (const { attestor, attestation } of answers) {
    const { name } = attestor;
    restsOn.push(...groundsOf(name, attestation));
    goodForMs = Math.min(goodForMs, attestation.goodForMs ?? Infinity);
    if (!attestation.applies) {
      notes.push({ attestor: name, reason: attestation.reason });
      continue;
    }
    for (const { value, strength } of attestation.selectors) {
      const kind = value.slice(0, value.indexOf(':'));
      const declared = attestor.kinds.get(kind);
      // guard: A13 test/attestation/engine.test.ts — an attestor speaks for what it declared, at most that strongly
      if (declared === undefined || !weakerOrSame(strength, declared)) {
        dropped({ attestor: name, kind, strength });
        continue;
      }
      selectors.set(`${name}:${value}`, strength);
    }
    facts[name] = attestation.facts;
    notes.push(...attestation.leftOut.map((left: LeftOut) => ({ attestor: name, ...left })));
  }
  return { selectors, facts, notes, at, restsOn, goodUntil: goodForMs === Infinity ? undefined : began + goodForMs };
}

function weakerOrSame(strength: Strength, declared: Strength): boolean {
  return STRENGTHS.indexOf(strength) >= STRENGTHS.indexOf(declared);
}

/** A change of this ground, or of everything that the attestor said. */
export function groundOf(attestor: string, ground: string | undefined): string {
  return ground === undefined ? attestor : `${attestor}:${ground}`;
}

/** The attestor's own name for it; undefined for another's, and for everything that it said. */
export function groundWithin(attestor: string, ground: string): string | undefined {
  return ground.startsWith(`${attestor}:`) ? ground.slice(attestor.length + 1) : undefined;
}

function groundsOf(attestor: string, { restsOn }: Grounds): string[] {
  if (restsOn === undefined) return [];
  return [groundOf(attestor, undefined), ...restsOn.map((ground) => groundOf(attestor, ground))];
}
