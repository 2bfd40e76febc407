// SPDX-License-Identifier: Apache-2.0
/** Sets of policies and decisions as text and as JSON. */
import type { WireDecision, WirePolicyReason, WirePolicySet, WirePolicyTally } from '../api/admin/wire-policy.ts';
import { strengthText } from '../policy/cases.ts';
import type { PolicyDecision, PolicyReason } from '../policy/contract.ts';
import type { Io } from './io.ts';
import { type Format, instant, printFields, printJson } from './print.ts';

/** A decision, wherever it was made. */
export interface ShownDecision {
  readonly outcome: string;
  readonly need: { readonly count: number; readonly strength: string; readonly otherUid: boolean } | undefined;
  readonly reasons: readonly PolicyReason[];
  readonly alone: readonly PolicyReason[];
  readonly assumed: readonly string[];
  readonly policyHash: string;
}

export function decisionShown(
  decision: PolicyDecision,
  alone: readonly PolicyReason[],
  assumed: readonly string[],
): ShownDecision {
  const { outcome, policyHash } = decision;
  const shown = { outcome, policyHash, alone, assumed };
  switch (decision.outcome) {
    case 'allow':
      return { ...shown, need: undefined, reasons: decision.by };
    case 'deny':
      return { ...shown, need: undefined, reasons: decision.reasons };
    case 'approve': {
      const { count, strength, otherUid } = decision.need;
      return { ...shown, need: { count, strength: strengthText(strength), otherUid }, reasons: decision.because };
    }
  }
}

export function decisionOfWire(wire: WireDecision): ShownDecision {
  const { outcome, need_count: count, need_strength: strength, need_other_uid: otherUid } = wire;
  return {
    outcome,
    need: outcome === 'approve' ? { count, strength, otherUid } : undefined,
    reasons: wire.reasons.map(reasonOf),
    alone: wire.alone.map(reasonOf),
    assumed: wire.assumed,
    policyHash: wire.policy_hash,
  };
}

export function printDecision(io: Io, output: Format, decision: ShownDecision): void {
  const { outcome, need, reasons, alone, assumed, policyHash } = decision;
  const json = ({ policyId, reason }: PolicyReason): object => ({ policy_id: policyId, reason });
  if (output === 'json') {
    printJson(io, {
      outcome,
      need: need === undefined ? null : { count: need.count, strength: need.strength, other_uid: need.otherUid },
      reasons: reasons.map(json),
      alone: alone.map(json),
      assumed,
      policy_hash: policyHash,
    });
    return;
  }
  const line = ({ policyId, reason }: PolicyReason): string => `${policyId}: ${reason}`;
  printFields(io, [
    ['decision', need === undefined ? outcome : `${outcome}, by ${needText(need)}`],
    ...reasons.map((reason): [string, string] => ['because', line(reason)]),
    ...alone.map((reason): [string, string] => ['only this is in the way', line(reason)]),
    ...assumed.map((text): [string, string] => ['assumed', text]),
    ['policies', policyHash],
  ]);
}

function needText({ count, strength, otherUid }: NonNullable<ShownDecision['need']>): string {
  const people = count === 1 ? '1 human' : `${count} different humans`;
  const how = { key: 'a key', touch: 'a touch', verified: 'a verified touch' }[strength] ?? strength;
  return `${people} with ${how}${otherUid ? ', of another uid than the agent’s' : ''}`;
}

export function policySetJson(set: WirePolicySet): object {
  return {
    hash: set.hash,
    schema_hash: set.schema_hash,
    mode: set.mode,
    loaded_at: instant(Number(set.loaded_at)),
    loaded_by: set.loaded_by,
    left_at: set.left_at === undefined ? null : instant(Number(set.left_at)),
  };
}

export function tallyJson({ compared, differed, differences }: WirePolicyTally): object {
  return {
    compared: Number(compared),
    differed: Number(differed),
    differences: differences.map((one) => ({ ...one, at: instant(Number(one.at)) })),
  };
}

function reasonOf({ policy_id, reason }: WirePolicyReason): PolicyReason {
  return { policyId: policy_id, reason };
}
