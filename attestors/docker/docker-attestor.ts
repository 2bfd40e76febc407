// SPDX-License-Identifier: Apache-2.0
/**
 * Which container a process is in, and what its engine says of that. The id in a cgroup's name is a hint (attack A10): the
 * engine is asked about it, and the process has to be in the cgroup of the first process that the engine names. A hint
 * that an engine knows and that does not hold fails the look. An id that no engine knows is passed over: inner containers
 * of an engine within a container, and those of other runtimes.
 *
 * What the engine says is remembered while its events are heard, so a look at a known container asks nobody. /proc/PID/mountinfo
 * is never read: a process chooses its own mounts.
 */
import { type ContainerHint, containerHints, isContainerPath } from '../../src/attestation/container-hints.ts';
import {
  type Applies,
  type Attestation,
  type Attestor,
  AttestorError,
  type AttestorHealth,
  type CgroupRelation,
  type ProcessHandle,
} from '../../src/attestation/plugin.ts';
import { Engine, type EngineOptions, type Found, type Known } from './engine.ts';
import { KINDS, say } from './findings.ts';

export interface DockerAttestorOptions {
  /** In the order in which they are asked. */
  readonly engines: readonly EngineOptions[];
  /** Does anybody want the environment now? Asked at each look; without it, always. */
  readonly wantEnv?: () => boolean;
}

const ROOT = 0;
/** Engines within engines within engines; a made-up path may name some sixty. */
const MOST_HINTS = 8;
/** An answer whose changes nobody tells of. */
const UNWATCHED_MS = 1_000;

export function dockerAttestor(options: DockerAttestorOptions): Attestor {
  const engines = options.engines.map((engine) => new Engine(engine));
  const wantEnv = options.wantEnv ?? (() => true);
  return {
    name: 'docker',
    kinds: KINDS,
    secretKinds: new Set(['env']),
    attest: (process, signal, everything = false) => attest(process, signal, engines, () => everything || wantEnv()),
    onChange: (listener) => {
      const undo = engines.map((engine) => engine.onChange(listener));
      return () => {
        for (const one of undo) one();
      };
    },
    health: () => worst(engines.map((engine) => engine.health)),
    close: async () => {
      for (const engine of engines) engine.close();
    },
  };
}

async function attest(
  process: ProcessHandle,
  signal: AbortSignal,
  engines: readonly Engine[],
  wantEnv: () => boolean,
): Promise<Attestation> {
  const hints = containerHints(await process.cgroups());
  if (hints.length === 0) return { applies: false, reason: 'its cgroup is of no container' };
  // guard: I9 test/attestors/docker/docker-attestor.test.ts
  if (hints.length > MOST_HINTS) throw new AttestorError(`its cgroup names more than ${MOST_HINTS} containers`);
  const restsOn: string[] = [];
  let watched = true;
  // The innermost first: that is the one it is in.
  for (const hint of hints.toReversed()) {
    restsOn.push(hint.id);
    for (const engine of engines) {
      if (!maySpeakOf(engine, hint)) continue;
      const found = await engine.find(hint.id, signal);
      watched &&= found.watched;
      if (found.known === undefined) continue;
      const known = await proven(process, hint, engine, found, signal);
      return { ...applies(known, engine, wantEnv()), ...grounds(restsOn, watched) };
    }
  }
  const names = hints.map(({ id }) => short(id)).join(', ');
  return { applies: false, reason: `no engine knows the container ${names}`, ...grounds(restsOn, watched) };
}

/** A rootless engine is asked about what that user's own manager started, so that it holds up nobody else. */
function maySpeakOf({ uid }: Engine, { path }: ContainerHint): boolean {
  // guard: A13 test/attestors/docker/rootless.test.ts
  return uid === ROOT || path.startsWith(`/user.slice/user-${uid}.slice/user@${uid}.service/`);
}

/** What the engine says, once the process has been found in that container. */
async function proven(
  process: ProcessHandle,
  hint: ContainerHint,
  engine: Engine,
  { known, remembered }: Found,
  signal: AbortSignal,
): Promise<Known> {
  const relation = await whereIs(process, known as Known, engine);
  if (relation.within) return known as Known;
  if (remembered) {
    // It may have been started again since, with another first process, and the event is still on its way.
    engine.forget(hint.id);
    const again = await engine.find(hint.id, signal);
    if (again.known !== undefined) return proven(process, hint, engine, { ...again, remembered: false }, signal);
  }
  // guard: A10 test/attestors/docker/docker-attestor.test.ts — never a lesser identity for a forged name
  throw new AttestorError(`${engine.name}: the process is not in container ${short(hint.id)}: ${relation.reason}`);
}

async function whereIs(process: ProcessHandle, { container }: Known, engine: Engine): Promise<CgroupRelation> {
  const { id, running, pid } = container;
  // guard: A10 test/attestors/docker/docker-attestor.test.ts
  if (!running || pid === 0) return { within: false, reason: 'it does not run' };
  return process.withinCgroupOf(pid, (path) => isContainerPath(path, id), engine.uid);
}

function applies(known: Known, engine: Engine, wantEnv: boolean): Applies {
  const { selectors, leftOut } = say(known, { wantEnv, rootless: engine.uid !== ROOT });
  const { id, name, image, reference } = known.container;
  return {
    applies: true,
    selectors,
    facts: { engine: engine.name, container: id, name, reference, ...(image === undefined ? {} : { image }) },
    leftOut,
  };
}

function grounds(restsOn: readonly string[], watched: boolean): { restsOn: readonly string[]; goodForMs?: number } {
  // guard: I1 test/attestors/docker/events.test.ts
  if (!watched) return { restsOn, goodForMs: UNWATCHED_MS };
  return { restsOn };
}

function worst(all: readonly AttestorHealth[]): AttestorHealth {
  const status = (['fail', 'warn', 'ok'] as const).find((one) => all.some((health) => health.status === one)) ?? 'ok';
  return { status, text: all.map(({ text }) => text).join('; ') };
}

function short(id: string): string {
  return id.slice(0, 12);
}
