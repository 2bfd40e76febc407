// SPDX-License-Identifier: Apache-2.0
/** Sets of policies: list, get, apply, roll back, try beside; and what those that are live decide. */
import { strengthText } from '../../policy/cases.ts';
import type { PolicyDecision, PolicyPrincipal, PolicyReason } from '../../policy/contract.ts';
import { LivePolicy, type ShadowTally } from '../../policy/engine.ts';
import { explain } from '../../policy/explain.ts';
import { readRequest } from '../../policy/said.ts';
import { filesOf } from '../../registry/policy-sets.ts';
import type { PolicySetRecord } from '../../store/policies.ts';
import type { IdentityRecord } from '../../store/records.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, invalid, missing, readPage } from './read-request.ts';
import type { Outgoing } from './wire.ts';
import type { PolicyRpcs, WireDecision, WirePolicyReason, WirePolicySet, WirePolicyTally } from './wire-policy.ts';

const REQUEST_MAX = 262_144;

export function policyRpcs({ policies, registry, now }: AdminDeps): Handlers<keyof PolicyRpcs> {
  return {
    ListPolicies(request) {
      const { rows, next } = policies.store.list(readPage(request));
      return { sets: rows.map(show), next_page_token: next ?? '', tally: showTally(policies.engine.tally) };
    },
    GetPolicy({ hash }) {
      const set = hash === '' ? policies.store.live() : policies.store.get(hash);
      if (set === undefined)
        throw missing('POLICY_NOT_FOUND', 'set of policies', hash || 'live', 'list them: assay policy list');
      return { set: show(set), files: filesOf(set), text: set.text };
    },
    async ApplyPolicy({ files }, { actor }) {
      return { set: show(await policies.apply(files, actor)) };
    },
    async RollbackPolicy({ hash }, { actor }) {
      return { set: show(await policies.rollback(given(hash), actor)) };
    },
    async ShadowPolicy({ files, end }, { actor }) {
      if (!end) return { set: show(await policies.tryBeside(files, actor)) };
      await policies.endTrial(actor);
      return {};
    },
    ExplainDecision({ request: text }) {
      const names = {
        principal: (name: string) => principalOf(registry.identity(name)),
        target: (name: string) => registry.targets.forPolicy(name),
      };
      const { request, assumed } = readRequest(parse(text), names, now());
      const { live } = policies.engine;
      // Not through the engine: a question of an operator is nothing that the trial beside counts.
      const { decision, alone } =
        live === undefined ? { decision: new LivePolicy().decide(request), alone: [] } : explain(live, request);
      return { ...showDecision(decision), alone: alone.map(showReason), assumed };
    },
  };
}

function principalOf(identity: IdentityRecord | undefined): PolicyPrincipal | undefined {
  if (identity === undefined) return undefined;
  const { spiffeId, kind, owner, environment, labels, state, expiresAt } = identity;
  return { spiffeId, kind, owner, environment: environment ?? '', labels, state, expiresAt };
}

function parse(text: string): unknown {
  // guard: I9 test/api/admin/policies.test.ts
  if (text.length > REQUEST_MAX)
    throw invalid(
      'POLICY_REQUEST_INVALID',
      'request',
      `${text.length} characters`,
      `is longer than ${REQUEST_MAX}`,
      'ask for less',
    );
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(
      'POLICY_REQUEST_INVALID',
      'request',
      text.slice(0, 40),
      'is no JSON',
      'docs/policy.md has an example',
    );
  }
}

function show({ hash, schemaHash, mode, loadedAt, loadedBy, leftAt }: PolicySetRecord): Outgoing<WirePolicySet> {
  return {
    hash,
    schema_hash: schemaHash,
    mode,
    loaded_at: loadedAt,
    loaded_by: loadedBy,
    left_at: leftAt ?? undefined,
  };
}

function showTally({ compared, differed, differences }: ShadowTally): Outgoing<WirePolicyTally> {
  return { compared, differed, differences: differences.map((one) => ({ ...one, shadow: one.shadow.outcome })) };
}

export function showDecision(decision: PolicyDecision): Outgoing<Omit<WireDecision, 'alone' | 'assumed'>> {
  const { outcome, policyHash } = decision;
  switch (decision.outcome) {
    case 'allow':
      return { outcome, policy_hash: policyHash, reasons: decision.by.map(showReason) };
    case 'deny':
      return { outcome, policy_hash: policyHash, reasons: decision.reasons.map(showReason) };
    case 'approve': {
      const { count, strength, otherUid } = decision.need;
      const need = { need_count: count, need_strength: strengthText(strength), need_other_uid: otherUid };
      return { outcome, policy_hash: policyHash, ...need, reasons: decision.because.map(showReason) };
    }
  }
}

function showReason({ policyId, reason }: PolicyReason): WirePolicyReason {
  return { policy_id: policyId, reason };
}
