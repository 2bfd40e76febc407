// SPDX-License-Identifier: Apache-2.0
/** What tasks tell of who asks, in the words of the detectors; and what policy is told of their findings. */
import type { Config } from '../config/config.ts';
import type { Detectors } from '../detectors/detectors.ts';
import type { FindingKind, FindingStore } from '../store/findings.ts';
import type { TaskIntent } from '../store/tasks.ts';
import type { TaskNotice } from '../tasks/notices.ts';

export interface NoticeRooms {
  readonly detectors: Pick<Detectors, 'asked'>;
  readonly targets: { get(name: string): { readonly impact: 'low' | 'high' } | undefined };
  /** Without any, all is denied, which says nothing about whoever asks. */
  readonly hasPolicies: () => boolean;
}

export function taskNotices({ detectors, targets, hasPolicies }: NoticeRooms): (notice: TaskNotice) => void {
  const isHigh = (intents: readonly TaskIntent[]): boolean =>
    intents.some(({ target }) => targets.get(target)?.impact === 'high');
  return (notice) => {
    if (notice.kind === 'not-in-parent') {
      const { identity, parent, intents, process } = notice;
      const { pid, uid } = process;
      const asked = { identity, task: parent.id, pid, uid, intents, isHigh: isHigh(intents) };
      detectors.asked({ ...asked, refused: 'not-declared', deniedBy: [] });
      return;
    }
    const { task, decision } = notice;
    if (!hasPolicies()) return;
    const { id, identity, intents, pid, uid } = task;
    const deniedBy = decision.outcome === 'deny' ? decision.reasons.map(({ policyId }) => policyId) : [];
    const refused = decision.outcome === 'deny' ? 'denied' : undefined;
    detectors.asked({ identity, task: id, pid, uid, intents, isHigh: isHigh(intents), refused, deniedBy });
  };
}

/** Stands among the names of detectors where one of them asks for people (`findings-need-human` in docs/policy.md). */
export const NEEDS_APPROVAL = 'require-approval';

/** Detectors with an open finding about the identity, for a decision. */
export function findingNames(
  findings: Pick<FindingStore, 'openDetectors'>,
  actions: Config['detectors']['actions'],
): (identity: string) => readonly string[] {
  return (identity) => {
    const open = findings.openDetectors(identity);
    // Nothing is set for break-glass: two people approved that already.
    const needs = (kind: FindingKind): boolean => kind !== 'break-glass' && actions[kind] === 'require-approval';
    // guard: C1 test/daemon/task-notices.test.ts
    if (open.some(needs)) return [...open, NEEDS_APPROVAL];
    return open;
  };
}
