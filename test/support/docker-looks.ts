// SPDX-License-Identifier: Apache-2.0
/** The docker attestor beside a fake engine, and processes whose cgroups the test says. */
import { afterEach } from '@jest/globals';
import { type DockerAttestorOptions, dockerAttestor } from '../../attestors/docker/docker-attestor.ts';
import type { EngineOptions } from '../../attestors/docker/engine.ts';
import type { Applies, Attestation, Attestor, ProcessHandle } from '../../src/attestation/plugin.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { cgroupRelation } from '../../src/peer/cgroup-relation.ts';
import { parseCgroups } from '../../src/peer/proc-text.ts';
import { madeUpProcess } from './door.ts';
import type { FakeEngine } from './fake-engine.ts';
import { RecordingLogger } from './recording-logger.ts';

export const ID: string = '0123456789abcdef'.repeat(4);
export const OTHER: string = 'fedcba9876543210'.repeat(4);
/** The first process of the container `ID`. */
export const INIT = 500;
const never = new AbortController().signal;
const made = new Set<Attestor>();
afterEach(async () => {
  await Promise.all([...made].map((attestor) => attestor.close?.()));
  made.clear();
});

export interface Made {
  readonly attestor: Attestor;
  readonly log: RecordingLogger;
  /** What it told of: a container, or `all`. */
  readonly told: string[];
}

export function attestorOf(
  engines: FakeEngine | readonly FakeEngine[],
  engineOptions: Partial<EngineOptions> = {},
  options: Partial<DockerAttestorOptions> = {},
): Made {
  const log = new RecordingLogger();
  const all = [engines].flat() as readonly FakeEngine[];
  const attestor = dockerAttestor({
    ...options,
    engines: all.map(({ connect, podman }) => ({
      name: podman ? 'podman' : 'docker',
      uid: 0,
      connect,
      clock: systemClock,
      log,
      ...engineOptions,
    })),
  });
  made.add(attestor);
  const told: string[] = [];
  attestor.onChange?.((id) => told.push(id ?? 'all'));
  return { attestor, log, told };
}

/** Once its events are followed. */
export async function watching(
  engine: FakeEngine,
  ...rest: [Partial<EngineOptions>?, Partial<DockerAttestorOptions>?]
) {
  const attestor = attestorOf(engine, ...rest);
  await until(() => attestor.told.includes('all'));
  attestor.told.length = 0;
  return attestor;
}

/** `cgroups`: pid to its path in the unified hierarchy; `owners`: folder to uid, root's where not listed. */
export function processIn(
  path: string,
  cgroups: Readonly<Record<number, string>> = { [INIT]: `/docker/${ID}` },
  owners: Readonly<Record<string, number>> = {},
): ProcessHandle {
  const at = (cgroup: string) => parseCgroups(Buffer.from(`0::${cgroup}\n`));
  const mounts = { unified: '/cg', systemd: undefined, named: new Map() };
  return {
    ...madeUpProcess(),
    cgroups: async () => at(path),
    withinCgroupOf: async (leader, isNamed, authority) => {
      const theirs = cgroups[leader];
      if (theirs === undefined) return { within: false, reason: 'gone' };
      return cgroupRelation(at(path), at(theirs), isNamed, mounts, authority, (folder) => owners[folder.slice(3)] ?? 0);
    },
  };
}

export function look(attestor: Attestor, path = `/docker/${ID}`, process = processIn(path)): Promise<Attestation> {
  return attestor.attest(process, never);
}

export async function selectorsOf(attestor: Attestor, path?: string, process?: ProcessHandle): Promise<string[]> {
  const found = (await look(attestor, path, process)) as Applies;
  return found.selectors.map(({ value }) => value);
}

export async function until(reached: () => boolean): Promise<void> {
  const late = Date.now() + 20_000;
  while (!reached()) {
    if (Date.now() > late) throw new Error('not reached');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
