// SPDX-License-Identifier: Apache-2.0
/**
 * Which script an interpreter runs, for programs that share one: the file on its command line. The process wrote that line,
 * or may have written over it since, and it is the process's own folder that the name is looked up in: everything here is
 * *claimed* (attack A1), and tells apart the honest programs of one uid. It costs several looks, and is looked for only
 * while an entry names it.
 */
import type {
  Attestation,
  Attestor,
  Facts,
  FoundSelector,
  LeftOut,
  ProcessHandle,
  Strength,
} from '../../src/attestation/plugin.ts';

export interface ScriptAttestorOptions {
  readonly path: boolean;
  readonly sha256: boolean;
  /** Does anybody want this kind now? Asked at each look; without it, always. */
  readonly isWanted?: (kind: Kind) => boolean;
}

type Kind = 'path' | 'sha256';

const KINDS: ReadonlyMap<Kind, Strength> = new Map([
  // guard: A1 test/attestors/script/script-attestor.test.ts
  ['path', 'claimed'],
  // guard: A1 test/attestors/script/script-attestor.test.ts
  ['sha256', 'claimed'],
]);

export function scriptAttestor(options: ScriptAttestorOptions): Attestor {
  return {
    name: 'script',
    kinds: KINDS,
    attest: (process, signal, everything = false) => {
      const isWanted = (kind: Kind): boolean => everything || options.isWanted?.(kind) !== false;
      return attest(process, signal, { ...options, isWanted });
    },
  };
}

async function attest(
  process: ProcessHandle,
  signal: AbortSignal,
  options: Required<ScriptAttestorOptions>,
): Promise<Attestation> {
  const selectors: FoundSelector[] = [];
  const leftOut: LeftOut[] = [];
  const facts: Record<string, Facts[string]> = Object.create(null);
  const give = (kind: Kind, value: string): void => {
    selectors.push({ value: `${kind}:${value}`, strength: 'claimed' });
    facts[kind] = value;
  };
  for (const kind of ['path', 'sha256'] as const) {
    if (!options[kind]) {
      leftOut.push({ kind, reason: `attestors.script.${kind} is off` });
      continue;
    }
    if (!options.isWanted(kind)) {
      leftOut.push({ kind, reason: `no entry names a script:${kind} selector`, onDemand: true });
      continue;
    }
    const found = kind === 'path' ? await process.script(signal) : await process.scriptDigest(signal);
    if (!found.readable) leftOut.push({ kind, reason: found.reason });
    else give(kind, 'path' in found ? found.path : found.sha256);
  }
  return { applies: true, selectors, facts, leftOut };
}
