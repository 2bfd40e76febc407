// SPDX-License-Identifier: Apache-2.0
/**
 * Decisions a CPU-second of sets of policies, beside bare calls of the evaluator that they stand on, with the same policies and the
 * same request, in the same process. Each set is an instance of its own.
 */
import { newCedar } from '../src/policy/cedar.ts';
import type { PolicyRequest } from '../src/policy/contract.ts';
import { LivePolicy } from '../src/policy/engine.ts';
import { explain } from '../src/policy/explain.ts';
import { PolicySet } from '../src/policy/policy-set.ts';
import { countApprovals, prepare, requestOf } from '../src/policy/request.ts';
import { SCHEMA } from '../src/policy/schema.ts';
import { ms, quantile, type Row, ratio } from './stats.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY = 86_400_000;
const BATCH = 50;

export function benchPolicy(rounds: number): { rows: Row[] } {
  return { rows: [50, 500].flatMap((count) => rowsOf(count, rounds)) };
}

function rowsOf(count: number, rounds: number): Row[] {
  let set = PolicySet.load([{ name: 'site.cedar', text: policies(count) }]);
  const loading = cpuOf(() => {
    set = PolicySet.load(set.files);
  });
  const engine = new LivePolicy();
  engine.swap(set);
  const asked = { allow: request('low', 'read'), approve: request('high', 'read'), deny: request('low', 'write') };
  for (const [outcome, one] of Object.entries(asked)) {
    const is = engine.decide(one).outcome;
    if (is !== outcome) throw new Error(`${outcome} is asked for, and ${is} the answer`);
  }
  const bare = bareCall(set, asked.allow);
  const spent = { bare: [] as number[], allow: [] as number[], approve: [] as number[], deny: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    spent.bare.push(each(bare));
    for (const outcome of ['allow', 'approve', 'deny'] as const)
      spent[outcome].push(each(() => engine.decide(asked[outcome])));
  }
  const p50 = (times: readonly number[]): number => quantile(times, 0.5);
  const share = p50(spent.bare) / p50(spent.allow);
  const perSecond = (time: number): string => `${Math.round(1_000 / time)}/s (${ms(time)})`;
  const suspended = { ...asked.allow, principal: { ...asked.allow.principal, state: 'suspended' as const } };
  const explained = cpuOf(() => void explain(set, suspended));
  return [
    {
      what: `decisions with ${set.policies.size} policies, one intent, per CPU-second`,
      measured: `allow ${perSecond(p50(spent.allow))}, approve ${perSecond(p50(spent.approve))}, deny ${perSecond(p50(spent.deny))}; loading the set ${ms(loading)}, one explanation ${ms(explained)}`,
      beside: `a bare call of the evaluator: ${perSecond(p50(spent.bare))}; ratio of allow ${ratio(share)}`,
      bar: 'allow at 0.7 of the bare call',
      held: share >= 0.7,
    },
  ];
}

/** Milliseconds of CPU of one, out of a batch. */
function each(work: () => unknown): number {
  const batch = (): void => {
    for (let i = 0; i < BATCH; i += 1) work();
  };
  return cpuOf(batch) / BATCH;
}

function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** What `evaluate` does, and no more: the request is made once, and its answer is not read. */
function bareCall(set: PolicySet, one: PolicyRequest): () => unknown {
  const cedar = newCedar();
  cedar.preparseSchema('schema', SCHEMA);
  const staticPolicies = Object.fromEntries([...set.policies].map(([id, { text }]) => [id, text]));
  cedar.preparsePolicySet('set', { staticPolicies });
  const call = {
    ...requestOf(prepare(one), 'read', countApprovals([])),
    preparsedSchemaName: 'schema',
    validateRequest: true,
    preparsedPolicySetId: 'set',
  };
  return () => cedar.statefulIsAuthorized(call);
}

/** Each of another target, as a site has them. */
function policies(count: number): string {
  const one = (n: number): string => `@id("site-${n}")
@reason("team ${n} works with service ${n}")
permit (principal is Identity, action in [Action::"begin", Action::"issue", Action::"use"], resource == Target::"service-${n}")
when { principal.hasTag("team") && principal.getTag("team") == "team-${n}" }
when { context.intent == "read" && context.seconds <= 900 };
`;
  return Array.from({ length: count }, (_, n) => one(n)).join('\n');
}

function request(impact: 'low' | 'high', intent: string): PolicyRequest {
  const spiffeId = 'spiffe://example.org/agent/bench';
  return {
    principal: {
      spiffeId,
      kind: 'agent',
      owner: 'human:alice',
      environment: 'prod',
      labels: new Map([['team', 'team-7']]),
      state: 'active',
      expiresAt: NOW + DAY,
    },
    action: 'issue',
    target: {
      name: 'service-7',
      owner: 'human:bob',
      environment: 'prod',
      impact,
      intents: ['read', 'write'],
      thirdParty: false,
      reviewBy: null,
      expiresAt: NOW + DAY,
      retired: false,
    },
    context: {
      at: NOW,
      intents: [intent],
      purpose: 'bench',
      depth: 0,
      deadlineSeconds: 300,
      attested: { selectors: ['unix:uid:1000'], claimed: [], secrets: 'none-seen' },
      approvals: [],
      findings: [],
      uidRelation: 'unknown',
      task: { id: 'task', identity: spiffeId, state: 'active', intents: [intent] },
    },
  };
}
