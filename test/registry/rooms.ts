// SPDX-License-Identifier: Apache-2.0
/** A registry over a real store in a folder of its own, on a clock that stands. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import type { Limits } from '../../src/config/config.ts';
import { LIMITS } from '../../src/config/limits.ts';
import type { Strength } from '../../src/identity/strength.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { Registry } from '../../src/registry/registry.ts';
import type { EntryRules } from '../../src/registry/rules.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { tempDir } from '../support/temp-dir.ts';

export const NODE = 'spiffe://td/spire/agent/assay/0011223344556677';
export const OPERATOR = { uid: 0, pid: 1 };
export const DAY = 86_400_000;
export const HOUR = 3_600_000;

const defaults = Object.fromEntries(LIMITS.map((row) => [row.field, row.fallback])) as unknown as Limits;

const kindsOf = (...pairs: [string, Strength][]) => new Map<string, Strength>(pairs);
const KINDS = new Map([
  ['unix', kindsOf(['uid', 'kernel'], ['gid', 'kernel'], ['path', 'claimed'], ['sha256', 'claimed'])],
  ['docker', kindsOf(['image_id', 'authority'], ['env', 'claimed'])],
]);

export function rulesWith(limits: Partial<Limits> = {}, caTtlMs = DAY): EntryRules {
  return {
    trustDomain: TrustDomain.parse('td'),
    nodeId: NODE,
    limits: { ...defaults, ...limits },
    caTtlMs: () => caTtlMs,
    graceMs: 90 * DAY,
    kinds: () => KINDS,
  };
}

export interface Room {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: FakeClock;
  /** Closes both and opens them over the same data. */
  reopen(): Promise<Room>;
}

const top = tempDir('registry');
const open: Room[] = [];

afterAll(async () => {
  for (const { registry, store } of open) {
    registry.close();
    await store.close();
  }
});

export function openRoom(limits: Partial<Limits> = {}, clock = new FakeClock()): Promise<Room> {
  return openRoomIn(mkdtempSync(join(top, 'data-')), limits, clock);
}

async function openRoomIn(dataDir: string, limits: Partial<Limits>, clock: FakeClock): Promise<Room> {
  const store = await openSqliteStore({ dataDir, clock, log: new RecordingLogger(), synchronous: 'OFF' });
  const { trustDomain, nodeId, ...rules } = rulesWith(limits);
  const registry = await Registry.load({
    store,
    trustDomain,
    nodeId,
    limits: rules.limits,
    rules,
    clock,
    random: systemRandom,
  });
  const room: Room = {
    registry,
    store,
    clock,
    reopen: async () => {
      registry.close();
      await store.close();
      return openRoomIn(dataDir, limits, clock);
    },
  };
  open.push(room);
  return room;
}

/** A caller's attested selectors, with the strengths that the attestors here give. */
export function callerWith(...selectors: string[]): ReadonlyMap<string, Strength> {
  return new Map(
    selectors.map((selector) => {
      const [type = '', kind = ''] = selector.split(':');
      return [selector, KINDS.get(type)?.get(kind) ?? 'claimed'];
    }),
  );
}
