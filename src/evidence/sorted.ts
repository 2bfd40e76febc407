// SPDX-License-Identifier: Apache-2.0
/** What each event of an evidence is there for. What is of no matter to the task has no place in it. */
import type { Evidence, EvidenceEvent } from './format.ts';
import { Row } from './row.ts';
import type { Verdict } from './verdict.ts';

export interface SortedEvents {
  /** What became of the task. */
  readonly task: readonly Row[];
  /** `approval.*` and `vote.*` of the task. */
  readonly approval: readonly Row[];
  /** What became of the grant that it began under, up to there. */
  readonly grant: readonly Row[];
  /** `approval.*` and `vote.*` of no task: of that grant. */
  readonly grantApproval: readonly Row[];
  /** Of the task; of one that was erased nothing but its header is there. */
  readonly issued: readonly EvidenceEvent[];
  readonly revoked: readonly Row[];
  readonly undelivered: readonly Row[];
  readonly humans: readonly Row[];
  /** Of tasks right below it: how each came to be. */
  readonly children: readonly Row[];
  /** Of the task, of kinds that this program knows nothing of. */
  readonly other: readonly EvidenceEvent[];
}

export const ISSUED: ReadonlySet<string> = new Set(['issue.x509', 'issue.jwt', 'issue.wit']);

type Place = keyof SortedEvents;

export function sortEvents({ task, events }: Evidence, verdict: Verdict): SortedEvents {
  const byPlace = Map.groupBy(events, (event) => placeOf(event, task));
  const rows = (place: Place): readonly Row[] => (byPlace.get(place) ?? []).map((event) => Row.of(event));
  const children = rows('children');
  for (const row of children) {
    // guard: C4 test/evidence/checks.test.ts
    verdict.require(row.text('parent') === task, `event ${row.event.seq}: it is of a task that is none of this one's`);
  }
  for (const { seq, kind } of byPlace.get(undefined) ?? [])
    verdict.require(false, `event ${seq} (${kind}): it is no matter of the task`);
  return {
    task: rows('task'),
    approval: rows('approval'),
    grant: rows('grant'),
    grantApproval: rows('grantApproval'),
    issued: byPlace.get('issued') ?? [],
    revoked: rows('revoked'),
    undelivered: rows('undelivered'),
    humans: rows('humans'),
    children,
    other: byPlace.get('other') ?? [],
  };
}

function placeOf({ kind, task }: EvidenceEvent, id: string): Place | undefined {
  // Also as other tasks drew on it.
  if (kind.startsWith('grant.')) return 'grant';
  const isOfPeople = kind.startsWith('approval.') || kind.startsWith('vote.');
  if (task === id) {
    if (kind.startsWith('task.')) return 'task';
    if (isOfPeople) return 'approval';
    return ISSUED.has(kind) ? 'issued' : 'other';
  }
  if (task !== null) return kind.startsWith('task.') ? 'children' : undefined;
  if (isOfPeople) return 'grantApproval';
  if (kind === 'issue.revoke') return 'revoked';
  if (kind === 'issue.undelivered') return 'undelivered';
  return kind.startsWith('human.') ? 'humans' : undefined;
}
