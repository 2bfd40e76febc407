// SPDX-License-Identifier: Apache-2.0
/**
 * What is asked of policy, and what it answers. Types only, and nothing of Cedar: who builds against it need not know which
 * language the rules are written in. A request is data that the caller has proven; nothing in it comes from the one it speaks of,
 * but `purpose` and `intents`, which are what is asked for.
 *
 * Times are integer milliseconds UTC, lengths of time whole seconds.
 */

/** `begin` a task, have a credential `issue`d within one, `use` it at a target. */
export type PolicyAction = 'begin' | 'issue' | 'use';

export interface PolicyPrincipal {
  readonly spiffeId: string;
  readonly kind: 'service' | 'job' | 'bot' | 'agent' | 'legacy';
  /** As the identity's record has it. */
  readonly owner: string;
  /** Empty when it has none: equal to no target's environment then. */
  readonly environment: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly state: 'draft' | 'active' | 'suspended' | 'retired';
  readonly expiresAt: number;
}

export interface PolicyTarget {
  readonly name: string;
  readonly owner: string;
  readonly environment: string;
  readonly impact: 'low' | 'high';
  /** Its vocabulary: what can be asked of it. */
  readonly intents: readonly string[];
  /** Those that cannot be taken back: policies do not see them, whoever approves does (attack C3). */
  readonly irrevocable?: readonly string[];
  readonly thirdParty: boolean;
  /** Of a third party: by when somebody has to look at it again. */
  readonly reviewBy: number | null;
  readonly expiresAt: number;
  readonly retired: boolean;
}

/** How the agent's uid stands to the uids of a person, by records (attack C2). What is not known is taken as the same. */
export type UidRelation = 'other' | 'same' | 'unknown';

/** 1: a key in a file or an ssh-agent. 2: somebody touched a key that is attested hardware. 3: and the hardware knew who. */
export type ApprovalStrength = 1 | 2 | 3;

/** One that was verified, is in force, and is about the very thing that is asked. */
export interface PolicyApproval {
  /** Name of the human. However often they sign, one human is one vote, with their strongest. */
  readonly human: string;
  readonly strength: ApprovalStrength;
  readonly uid: UidRelation;
}

/** What was found out about the process. */
export interface PolicyAttested {
  /** `type:value` of strength kernel, authority and bound. */
  readonly selectors: readonly string[];
  /** `type:value` of strength claimed (attack A1): a guardrail or a `forbid` may read them, a `permit` may not. */
  readonly claimed: readonly string[];
  /** Static secrets in its environment (attack C5): presence proves, absence does not. Not looked at is `unreadable`. */
  readonly secrets: 'found' | 'none-seen' | 'unreadable';
}

/** The task a credential is asked in or used under. */
export interface PolicyTask {
  readonly id: string;
  /** SPIFFE ID of the identity that is lent, without the task. */
  readonly identity: string;
  readonly state: 'requested' | 'pending' | 'active' | 'ended' | 'denied';
  /** What it declared of this target, none of another. */
  readonly intents: readonly string[];
}

export interface PolicyContext {
  readonly at: number;
  /** What is asked for now, at this target. Each is decided by itself and the strictest answer stands; none is a deny. */
  readonly intents: readonly string[];
  readonly purpose: string;
  /** 0 of a task without a parent. */
  readonly depth: number;
  /** How long what is asked for would be good, from `at`. */
  readonly deadlineSeconds: number;
  readonly attested: PolicyAttested;
  readonly approvals: readonly PolicyApproval[];
  /** Names of the detectors with an open finding about the identity. */
  readonly findings: readonly string[];
  /**
   * Of those who would be asked for an approval. It says what is asked for: of `other` a plain key may do where of `same` and
   * `unknown` only a touch does. What an approval counts for is its own `uid`.
   */
  readonly uidRelation: UidRelation;
  /** Absent before there is one: at `begin`, and where no task is needed. */
  readonly task?: PolicyTask;
}

export interface PolicyRequest {
  readonly principal: PolicyPrincipal;
  readonly action: PolicyAction;
  readonly target: PolicyTarget;
  readonly context: PolicyContext;
}

/** May this person approve this thing. Strength and uid are those of the signature they bring. */
export interface ApproverRequest {
  readonly human: { readonly name: string; readonly active: boolean; readonly teams: readonly string[] };
  readonly subject: {
    readonly kind: 'task' | 'grant';
    readonly id: string;
    /** Who answers for the identity that is lent. */
    readonly owner: string;
  };
  readonly at: number;
  readonly strength: ApprovalStrength;
  readonly uid: UidRelation;
}

/** A policy that had a part in a decision. */
export interface PolicyReason {
  /** Its `@id`; `default` where no permit matched, `error` where a policy could not be evaluated. */
  readonly policyId: string;
  /** Its `@reason`, plain text for people. */
  readonly reason: string;
}

/** What has to be there in all, not in addition: so many different people, each with at least this strength. */
export interface ApprovalNeed {
  readonly count: number;
  readonly strength: ApprovalStrength;
  /** Whether only approvals of people whose uids are `other` do. */
  readonly otherUid: boolean;
}

/** Every decision names the set it was made with: sha256 in lower-case hex. */
export type PolicyDecision = { readonly policyHash: string } & (
  | { readonly outcome: 'allow'; readonly by: readonly PolicyReason[] }
  /** Would be allowed with these; `because` is what stands in the way without. */
  | { readonly outcome: 'approve'; readonly need: ApprovalNeed; readonly because: readonly PolicyReason[] }
  /** At least one reason. No approval would help, or something could not be evaluated. */
  | { readonly outcome: 'deny'; readonly reasons: readonly PolicyReason[] }
);

/** An approval has no middle: somebody may give it or not. */
export type ApproverDecision = Exclude<PolicyDecision, { readonly outcome: 'approve' }>;

/**
 * Synchronous, so that a decision and what rests on it can be one step; about a third of a millisecond an evaluation.
 * Neither method throws: what cannot be decided is a deny.
 */
export interface PolicyEngine {
  /** Of the set that decides now. It changes with a reload, and what was decided with another may be decided anew. */
  readonly policyHash: string;
  decide(request: PolicyRequest): PolicyDecision;
  mayApprove(request: ApproverRequest): ApproverDecision;
}
