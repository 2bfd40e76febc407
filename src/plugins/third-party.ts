// SPDX-License-Identifier: Apache-2.0
/**
 * An attestor that others wrote, kept to the contract: what it declares is checked once and copied, each answer is
 * (`answer.ts`), its changes are told at a bounded pace, and its end is waited for only so long.
 */
import type { Attestation, Attestor, AttestorHealth, Clock, ProcessHandle, Strength } from '../attestation/plugin.ts';
import { Failure, quote } from '../lib/failure.ts';
import { readAnswer } from './answer.ts';
import { PLUGIN_BOUNDS } from './bounds.ts';
import { PacedChanges } from './paced-changes.ts';

/**
 * What others may claim. `kernel` is what the daemon itself asked the kernel, `bound` is what its launcher started: nobody
 * else can know either. `authority` is for whoever asks an authority that processes have no hand in.
 */
export type PluginStrength = 'authority' | 'claimed';

/** What an attestor says of itself. */
export type Declared = Required<Pick<Attestor, 'kinds' | 'secretKinds'>>;

export interface ThirdPartyRules {
  /** The key in the configuration. */
  readonly name: string;
  /** The most that this one may claim. */
  readonly strongest: PluginStrength;
  readonly clock: Clock;
}

/** Throws Failure `PLUGIN_INVALID` when it declares what it may not. */
export function thirdParty(attestor: Attestor, rules: ThirdPartyRules): Attestor {
  return new ThirdParty(attestor, rules);
}

class ThirdParty implements Attestor {
  readonly name: string;
  readonly kinds: ReadonlyMap<string, Strength>;
  readonly secretKinds: ReadonlySet<string>;
  readonly #attestor: Attestor;
  readonly #clock: Clock;

  constructor(attestor: Attestor, { name, strongest, clock }: ThirdPartyRules) {
    // guard: A13 test/plugins/third-party.test.ts — its name is the type of all its selectors
    if (attestor.name !== name) throw invalid(name, `calls itself ${quote(attestor.name)}`, `name it ${name}`);
    this.name = name;
    this.kinds = readKinds(name, attestor.kinds, strongest);
    // guard: I10 test/plugins/third-party.test.ts
    this.secretKinds = new Set(attestor.secretKinds);
    this.#attestor = attestor;
    this.#clock = clock;
  }

  async attest(process: ProcessHandle, signal: AbortSignal, everything?: boolean): Promise<Attestation> {
    return readAnswer(this.name, await this.#attestor.attest(process, signal, everything));
  }

  onChange(listener: (ground?: string) => void): () => void {
    if (this.#attestor.onChange === undefined) return () => undefined;
    const changes = new PacedChanges(listener, this.#clock);
    const undo = this.#attestor.onChange((ground) => changes.add(ground));
    return () => {
      changes.close();
      undo();
    };
  }

  restedOn(ground: string, resting: boolean): void {
    this.#attestor.restedOn?.(ground, resting);
  }

  health(): AttestorHealth {
    try {
      return readHealth(this.#attestor.health?.());
    } catch {
      return { status: 'warn', text: 'cannot say how it stands' };
    }
  }

  async close(): Promise<void> {
    let late: (() => void) | undefined;
    const waited = new Promise<void>((resolve) => {
      late = resolve;
    });
    const timer = this.#clock.after(PLUGIN_BOUNDS.closeMs, () => late?.());
    await Promise.race([this.#attestor.close?.(), waited]);
    timer.cancel();
  }
}

function readHealth(health: AttestorHealth | undefined): AttestorHealth {
  if (health === undefined) return { status: 'ok', text: 'runs inside the daemon' };
  const { status, text, hint } = health;
  const known = status === 'ok' || status === 'fail' ? status : 'warn';
  return { status: known, text: plain(text), ...(hint === undefined ? {} : { hint: plain(hint) }) };
}

/** As it is where that is fit for a terminal, quoted where not. */
function plain(text: unknown): string {
  return typeof text === 'string' && /^[^\p{Cc}\p{Cf}]{1,500}$/u.test(text) ? text : quote(text);
}

const KIND = /^[a-z0-9_.-]+$/;

/** A copy: what is declared later is not heard. */
function readKinds(name: string, kinds: unknown, strongest: PluginStrength): ReadonlyMap<string, Strength> {
  if (!(kinds instanceof Map) || kinds.size === 0 || kinds.size > PLUGIN_BOUNDS.kinds) {
    throw invalid(name, `declares no map of 1 to ${PLUGIN_BOUNDS.kinds} kinds`, 'declare each kind and its strength');
  }
  const declared = new Map<string, Strength>();
  for (const [kind, strength] of kinds as ReadonlyMap<unknown, unknown>) {
    if (typeof kind !== 'string' || kind.length > PLUGIN_BOUNDS.kindBytes || !KIND.test(kind))
      throw invalid(name, `declares the kind ${quote(kind)}`, 'use lower-case letters, digits, _ . and -');
    const allowed = strength === 'claimed' || (strength === 'authority' && strongest === 'authority');
    // guard: A13 test/plugins/third-party.test.ts
    if (!allowed) throw tooStrong(name, kind, strength, strongest);
    declared.set(kind, strength as Strength);
  }
  return declared;
}

function tooStrong(name: string, kind: string, strength: unknown, strongest: PluginStrength): Failure {
  const most = strongest === 'authority' ? 'authority or claimed' : 'claimed (attestors.*.strength)';
  return invalid(name, `declares ${kind} as ${quote(strength)}; it may be ${most}`, 'declare what it can vouch for');
}

function invalid(name: string, why: string, hint: string): Failure {
  return new Failure('failed-precondition', 'PLUGIN_INVALID', `attestors.${name}: the plugin ${why}`, {
    field: `attestors.${name}`,
    hint,
  });
}
