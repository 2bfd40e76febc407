// SPDX-License-Identifier: Apache-2.0
/** How the helper stands, as one JSON document, and the two verdicts that probes ask for. */
import type { HelperStatus } from './helper.ts';
import type { TargetStatus } from './target.ts';

/**
 * As spiffe-helper (CheckLiveness, CheckReadiness): alive unless something could not be written, ready when everything was. And
 * two things more: what has ended makes it unready, and an answer after which nothing is asked again makes it not alive, where
 * spiffe-helper ends.
 */
export const isLive = ({ targets, feeds }: HelperStatus): boolean =>
  targets.every(({ state }) => state !== 'failed') && feeds.every(({ needed, state }) => !needed || state !== 'failed');

export const isReady = ({ targets }: HelperStatus, now: number): boolean =>
  targets.every((target) => target.state === 'written' && !hasEnded(target, now));

const hasEnded = ({ freshUntil }: TargetStatus, now: number): boolean => freshUntil !== undefined && freshUntil <= now;

/** What spiffe-helper's listener says, and no more: for whoever is not on this machine. */
export function briefHealth(status: HelperStatus, good: boolean): object {
  const x509 = status.targets.filter(({ name }) => name.endsWith('/x509'));
  const others = status.targets.filter(({ name }) => !name.endsWith('/x509'));
  const files = others.map((target) => [`${target.folder}/${target.files[0]}`, target.state] as const);
  return {
    status: good ? 'OK' : 'Service Unavailable',
    health: {
      file_write_statuses: {
        ...(x509.length === 0 ? {} : { x509_write_status: worst(x509) }),
        jwt_write_status: Object.assign(Object.create(null), Object.fromEntries(files)),
      },
    },
  };
}

export function fullHealth(status: HelperStatus, good: boolean, now: number): object {
  const { targets, feeds, actions, child } = status;
  return {
    ...briefHealth(status, good),
    daemon: {
      reachable: feeds.every(({ needed, state }) => state === 'current' || (!needed && state === 'failed')),
      streams: feeds.map(({ state, problem }) => ({ state, problem: problem ?? null })),
    },
    outputs: targets.map((target) => ({
      name: target.name,
      folder: target.folder,
      files: target.files,
      state: hasEnded(target, now) ? 'expired' : target.state,
      fresh_until: instant(target.freshUntil),
      last_write: instant(target.writtenAt),
      writes: target.writes,
      last_error: target.problem ?? null,
    })),
    actions: actions.map(({ name, done, lastAt, problem }) => ({
      name,
      done,
      last_done: instant(lastAt),
      last_error: problem ?? null,
    })),
    program:
      child === undefined ? null : { pid: child.pid ?? null, starts: child.starts, last_end: child.lastEnd ?? null },
  };
}

function worst(targets: readonly TargetStatus[]): TargetStatus['state'] {
  const states = new Set(targets.map(({ state }) => state));
  return (['failed', 'unwritten', 'written'] as const).find((state) => states.has(state)) ?? 'unwritten';
}

const instant = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
