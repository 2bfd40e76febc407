// SPDX-License-Identifier: Apache-2.0
/** How the authority is, in one fact that `assay health`, `ca show` and the metrics share. */

import { formatDuration } from '../lib/duration.ts';
import { Failure } from '../lib/failure.ts';
import { lastUseOf } from '../rotation/schedule.ts';
import type { Trouble } from '../rotation/scheduler.ts';
import type { AuthorityRecord } from '../store/records.ts';
import { type Holds, inSlot, lifeOf, unannouncedActive } from './slots.ts';

export interface AuthorityHealth {
  /** ok; warning: issuing works and something needs a look; failing: nothing can be issued. */
  readonly state: 'ok' | 'warning' | 'failing';
  /** Why, one sentence each; empty when ok. */
  readonly reasons: readonly string[];
}

export interface HealthFacts {
  readonly records: readonly AuthorityRecord[];
  readonly sequence: number;
  /** Kinds of authority that there are. */
  readonly kinds: number;
  readonly holds: Holds;
  readonly now: number;
  readonly trouble: Trouble | undefined;
  readonly clockRefusal: Failure | undefined;
}

export function healthOf(facts: HealthFacts): AuthorityHealth {
  const failing = [...signing(facts), ...(facts.clockRefusal === undefined ? [] : [facts.clockRefusal.message])];
  const warnings = [...announcement(facts), ...successor(facts), ...rotation(facts)];
  const state = failing.length > 0 ? 'failing' : warnings.length > 0 ? 'warning' : 'ok';
  return { state, reasons: [...failing, ...warnings] };
}

function signing({ records, holds, now }: HealthFacts): string[] {
  const active = inSlot(records, 'active');
  if (active === undefined || !holds(active.id)) return ['no authority has a key to sign with'];
  if (now >= active.notAfter) return [`the active authority ${active.id} expired at ${time(active.notAfter)}`];
  return [];
}

/** The first bundles ever, one for each kind of authority, have nobody to surprise. */
function announcement({ records, sequence, kinds, holds, now }: HealthFacts): string[] {
  const active = unannouncedActive(records, now);
  const isFirst = records.length === 1 && sequence <= kinds;
  if (active === undefined || !holds(active.id) || isFirst) return [];
  return [
    `the active authority ${active.id} signs since ${time(active.activatedAt ?? now)} unannounced: ` +
      `whoever last fetched the bundle before ${time(active.preparedAt)} refuses its SVIDs`,
  ];
}

function successor({ records, now }: HealthFacts): string[] {
  const active = inSlot(records, 'active');
  if (active === undefined || now < lastUseOf(lifeOf(active))) return [];
  return [`the active authority ends at ${time(active.notAfter)} and has no successor`];
}

function rotation({ trouble, now }: HealthFacts): string[] {
  if (trouble === undefined) return [];
  // Only a Failure's words are public; anything else is in the log.
  const why = trouble.error instanceof Failure ? trouble.error.message : 'see the log';
  return [`rotation has failed ${trouble.failures} times in ${formatDuration(now - trouble.since)}: ${why}`];
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
