// SPDX-License-Identifier: Apache-2.0
/** An attestor in a process of its own: asked over gRPC, supervised, kept to the contract like any other of others. */
import type { Attestor, Clock } from '../attestation/plugin.ts';
import { Failure } from '../lib/failure.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type PluginSource, Supervisor } from './supervisor.ts';
import { type PluginStrength, thirdParty } from './third-party.ts';

export interface ExternalOptions {
  readonly name: string;
  readonly config: unknown;
  readonly strength: PluginStrength;
}

export interface ExternalTools {
  readonly clock: Clock;
  readonly log: Logger;
  /** That a look may take (`limits.attestation_timeout`). */
  readonly answerMs: number;
}

/** Rejects with a Failure that names the attestor when it cannot be started, or declares what it may not. */
export async function externalAttestor(
  { name, config, strength }: ExternalOptions,
  source: PluginSource,
  tools: ExternalTools,
): Promise<Attestor> {
  const listeners = new Set<(ground?: string) => void>();
  const changed = (ground: unknown): void => {
    for (const listener of [...listeners]) listener(ground as string);
  };
  const supervisor = await Supervisor.start({ ...tools, name, source, config, changed }).catch(named(name));
  const { kinds, secretKinds } = supervisor.session.configured;
  const attestor: Attestor = {
    name,
    kinds,
    secretKinds,
    // `session` throws while there is none, and a look fails by a rejection.
    attest: async (process, signal, everything = false) => {
      return (await supervisor.session.attest(process, everything, signal)) as Awaited<ReturnType<Attestor['attest']>>;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    health: () => supervisor.health,
    close: () => supervisor.close(),
  };
  try {
    return thirdParty(attestor, { name, strongest: strength, clock: tools.clock });
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

function named(name: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Failure) || error.message.startsWith('attestors.')) throw error;
    throw new Failure(error.kind, error.reason, `attestors.${name}: ${error.message}`, {
      field: `attestors.${name}`,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  };
}
