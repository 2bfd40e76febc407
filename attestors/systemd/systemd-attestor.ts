// SPDX-License-Identifier: Apache-2.0
/**
 * Which unit of the system manager a process is in, in SPIRE's spelling (doc/plugin_agent_workloadattestor_systemd.md). It is the
 * manager's answer for the pid, while the pidfd shows that the number is the caller's own; never a name in the cgroup tree,
 * which whoever owns a part of it may choose (attack A10).
 *
 * A process of a user's own manager is in a unit of the system manager too, `user@UID.service`, and that is all that is said
 * of it: its own units are that user's word.
 */
import type {
  Attestation,
  Attestor,
  AttestorHealth,
  FoundSelector,
  LeftOut,
  ProcessHandle,
  Strength,
} from '../../src/attestation/plugin.ts';
import { Selector } from '../../src/identity/selector.ts';
import { type ManagerOptions, SystemManager, type UnitFacts } from './system-manager.ts';

export interface SystemdAttestorOptions extends ManagerOptions {
  /** Why somebody else than root could change the file, in words; undefined when nobody could. */
  readonly distrust: (path: string) => string | undefined;
}

const KINDS: ReadonlyMap<string, Strength> = new Map([
  ['id', 'authority'],
  ['fragment_path', 'authority'],
]);

export function systemdAttestor(options: SystemdAttestorOptions): Attestor {
  return new SystemdAttestor(options);
}

class SystemdAttestor implements Attestor {
  readonly name = 'systemd';
  readonly kinds = KINDS;
  readonly #manager: SystemManager;
  readonly #distrust: SystemdAttestorOptions['distrust'];
  readonly #known = new WeakMap<ProcessHandle, UnitFacts>();

  constructor(options: SystemdAttestorOptions) {
    this.#manager = new SystemManager(options);
    this.#distrust = options.distrust;
  }

  async attest(process: ProcessHandle, signal: AbortSignal): Promise<Attestation> {
    // From here on a process that is moved elsewhere is no longer the same one, so the manager need not be asked again.
    // guard: A10 test/attestors/systemd/systemd-attestor.test.ts
    await process.cgroups();
    const facts = await this.#unitOf(process, signal);
    if (facts === undefined) return no('it is in no unit of the system manager');
    // Slices hold other units (systemd.slice(5)): the process was put there by somebody else than the manager.
    if (facts.id.endsWith('.slice')) return no(`it is in no unit of the system manager but the slice ${facts.id}`);
    return this.#applies(facts);
  }

  onChange(listener: (ground?: string) => void): () => void {
    return this.#manager.onChange(listener);
  }

  health(): AttestorHealth {
    return this.#manager.health;
  }

  async close(): Promise<void> {
    this.#manager.close();
  }

  async #unitOf(process: ProcessHandle, signal: AbortSignal): Promise<UnitFacts | undefined> {
    const known = this.#known.get(process);
    if (known !== undefined && this.#manager.stands(known)) return known;
    const facts = await this.#manager.unitOf(process.pid, signal);
    if (facts !== undefined) this.#known.set(process, facts);
    return facts;
  }

  #applies({ id, fragmentPath }: UnitFacts): Attestation {
    const selectors: FoundSelector[] = [{ value: `id:${id}`, strength: 'authority' }];
    const leftOut: LeftOut[] = [];
    const unfit = this.#whyNoFragment(fragmentPath);
    if (unfit === undefined) selectors.push({ value: `fragment_path:${fragmentPath}`, strength: 'authority' });
    else leftOut.push({ kind: 'fragment_path', reason: unfit });
    const facts = unfit === undefined ? { unit: id, fragment_path: fragmentPath } : { unit: id };
    return { applies: true, selectors, facts, leftOut, restsOn: [id] };
  }

  #whyNoFragment(path: string): string | undefined {
    if (path === '') return 'the unit has no file';
    try {
      Selector.parse(`systemd:fragment_path:${path}`);
    } catch {
      return 'no entry could name the path of the unit’s file';
    }
    // guard: A10 test/attestors/systemd/systemd-attestor.test.ts — whoever can write the file says what the unit is
    return this.#distrust(path);
  }
}

function no(reason: string): Attestation {
  return { applies: false, reason, restsOn: [] };
}
