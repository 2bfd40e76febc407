// SPDX-License-Identifier: Apache-2.0
/**
 * Who was started by `assay exec`, under which SPIFFE ID (attack A12). The daemon bound the process over the launcher's own
 * connection, and watches it; whatever it starts counts where the rule says so, by a cgroup of the daemon's. It says who
 * was allowed to start the program, and nothing of what others of the same uid do to it: hence *bound*.
 */
import type {
  Attestation,
  Attestor,
  Facts,
  FoundSelector,
  Grounds,
  ProcessHandle,
  Strength,
} from '../../src/attestation/plugin.ts';

/** What the daemon knows of launches. */
export interface Launches {
  launchOf(process: ProcessHandle, signal: AbortSignal): Promise<Launched | NotLaunched>;
  /** Calls with the id of each launch that began, changed or ended. Returns the undo. */
  onChange(listener: (id: string) => void): () => void;
}

export interface NotLaunched {
  readonly reason: string;
  readonly id?: string;
}

export interface Launched {
  readonly id: string;
  readonly spiffeId: string;
  readonly program: string | undefined;
  readonly child: boolean;
}

const KINDS: ReadonlyMap<string, Strength> = new Map([
  ['spiffe_id', 'bound'],
  // guard: A1 test/attestors/launcher/launcher-attestor.test.ts — the path of an executable can be forged
  ['program', 'claimed'],
]);

export function launcherAttestor(launches: Launches): Attestor {
  return {
    name: 'launcher',
    kinds: KINDS,
    attest: (process, signal) => attest(process, signal, launches),
    onChange: (listener) => launches.onChange(listener),
  };
}

async function attest(process: ProcessHandle, signal: AbortSignal, launches: Launches): Promise<Attestation> {
  const found = await launches.launchOf(process, signal);
  if ('reason' in found) return { applies: false, reason: found.reason, ...grounds(found.id) };
  const { id, spiffeId, program, child } = found;
  const selectors: FoundSelector[] = [{ value: `spiffe_id:${spiffeId}`, strength: 'bound' }];
  const facts: Record<string, Facts[string]> = { launch: id, spiffe_id: spiffeId, child };
  if (program !== undefined) {
    selectors.push({ value: `program:${program}`, strength: 'claimed' });
    facts['program'] = program;
  }
  const leftOut =
    program === undefined ? [{ kind: 'program', reason: 'the program has no path, or none for certain' }] : [];
  return { applies: true, selectors, facts, leftOut, ...grounds(id) };
}

/** Its end, and the start of its program, are told of by its id. A child that is moved is no longer the same process. */
function grounds(id: string | undefined): Grounds {
  return id === undefined ? {} : { restsOn: [id] };
}
