// SPDX-License-Identifier: Apache-2.0
/** Grants with what they look through. */
import type { ApprovalRequest } from '../approvals/request.ts';
import type { AgentOwners } from '../approvals/uid-relation.ts';
import type { Ballots } from '../ballots/ballots.ts';
import type { Config } from '../config/config.ts';
import { Grants } from '../grants/grants.ts';
import type { GrantRooms } from '../grants/rooms.ts';
import { ownersOf } from '../peer/process-owners.ts';
import type { GrantRecord } from '../store/grants.ts';
import type { HumanRecord } from '../store/humans.ts';
import type { Store } from '../store/store.ts';
import { decide } from '../tasks/decide.ts';
import { sorted, targetsOf } from './task-approvals.ts';
import type { TaskParts } from './tasks.ts';

export interface GrantParts
  extends Pick<TaskParts, 'store' | 'registry' | 'policy' | 'trustDomain' | 'logName' | 'targets'>,
    Pick<TaskParts, 'clock' | 'random' | 'log' | 'closers'> {
  readonly ballots: Ballots;
  findingsOf(identity: string): readonly string[];
}

const NONCE_BYTES = 16;
const UID = /^unix:uid:(\d{1,10})$/;
/** Entries of one identity that are looked at; with more, as whom it is started is not known. */
const MOST_ENTRIES = 64;

/** Its `settle` comes after the leftovers of tasks and approvals. */
export function startGrants(config: Config, parts: GrantParts): Grants {
  const { store, registry, ballots, clock, random, log, closers } = parts;
  const grants = new Grants({
    store: store.grants,
    changes: store,
    approvals: ballots,
    registry,
    foresee: (terms, identity) =>
      decide(parts, 'begin', {
        identity,
        ...{ intents: terms.intents, purpose: terms.purpose, depth: 0, ttlMs: terms.maxTaskTtlMs },
        // What will be attested nobody knows yet: policy is asked anew with it for each task.
        attested: { selectors: selectorsOf(store, identity.spiffeId)[0] ?? [], claimed: [], secrets: 'none-seen' },
        approvals: [],
        findings: parts.findingsOf(identity.spiffeId),
        uidRelation: 'other',
        at: clock.now(),
      }),
    ask: (...asked) => ({
      request: requestForGrant(parts, ...asked),
      agent: agentOf(selectorsOf(store, asked[0].identity)),
    }),
    glassBroken: (grant, by) => glassBroken(store, grant, by, clock.now()),
    ownersOf,
    settings: config.tasks,
    clock,
    random,
    log,
  });
  closers.add('grants', () => grants.close());
  return grants;
}

async function glassBroken(store: Store, grant: GrantRecord, by: string, at: number): Promise<void> {
  const { id, identity, purpose, requestedBy, windowTo } = grant;
  const evidence = { grant: id, purpose, asked_by: requestedBy, until: windowTo };
  await store.findings.report({ detector: 'break-glass', identity, evidence, key: { grant: id }, at, count: 1 }, by);
}

function requestForGrant(
  { targets, trustDomain, logName, random, findingsOf }: GrantParts,
  ...[grant, identity, { need, because, policyHash }, human]: Parameters<GrantRooms['ask']>
): ApprovalRequest {
  return {
    ...{ kind: 'grant', id: grant.id, identity: grant.identity, purpose: grant.purpose, deadline: grant.windowTo },
    targets: targetsOf(grant, { targets }),
    ...{ from: grant.windowFrom, mostTasks: grant.maxTasks, taskSeconds: Math.ceil(grant.maxTaskTtlMs / 1000) },
    ...{ parent: null, grant: null, delegates: [], requestedBy: human },
    ...{ uid: null, pid: null, started: null, selectors: [], executable: null, sha256: null, secrets: null },
    findings: sorted(findingsOf(grant.identity)),
    owner: identity.owner,
    ...{ needCount: need.count, needStrength: need.strength, needOtherUid: need.otherUid },
    because: sorted(because.map(({ policyId }) => policyId)),
    ...{ policyHash, trustDomain: trustDomain.name, log: logName },
    nonce: random.bytes(NONCE_BYTES).toString('base64url'),
    // What is signed counts as long as the window is open.
    notAfter: grant.windowTo,
  };
}

function selectorsOf(store: Store, spiffeId: string): readonly (readonly string[])[] {
  const { rows } = store.listEntries({ spiffeId }, { limit: MOST_ENTRIES + 1 });
  return rows.length > MOST_ENTRIES ? [[]] : rows.map(({ selectors }) => selectors);
}

/** Whoever asks does not approve: the one who works under the uid of `uid:N`. Where several do, none of them is named. */
export function humanOf(
  people: readonly Pick<HumanRecord, 'name' | 'uids' | 'active'>[],
  actor: string,
): string | null {
  const uid = /^uid:(\d+)$/.exec(actor)?.[1];
  const theirs = people.filter(({ active, uids }) => active && uid !== undefined && uids.includes(Number(uid)));
  return theirs.length === 1 ? (theirs[0] as HumanRecord).name : null;
}

/** As far as entries say it, groups not: each task is judged anew by its own process. Where one names no uid nobody knows. */
export function agentOf(entries: readonly (readonly string[])[]): AgentOwners {
  const uids = entries.map((selectors) => selectors.flatMap((one) => UID.exec(one)?.[1] ?? []).map(Number));
  // guard: C2 test/daemon/grants.test.ts
  if (uids.length === 0 || uids.some((one) => one.length === 0)) return { uids: undefined, gids: undefined };
  return { uids: uids.flat(), gids: [] };
}
