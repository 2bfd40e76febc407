// SPDX-License-Identifier: Apache-2.0
/**
 * What policies may speak of, in Cedar's schema language. `docs/policy.md` explains each name. A policy that names anything
 * else, or compares unlike things, is refused when it is loaded.
 */
export const SCHEMA = `entity Team;
entity Human in [Team] { active: Bool, names: Set<String> };
entity Identity {
  kind: String, env: String, state: String, owner: String, expires: datetime
} tags String;
entity Target {
  env: String, impact: String, owner: String, intents: Set<String>,
  thirdParty: Bool, reviewBy?: datetime, expires: datetime, retired: Bool
};
entity Task { owner: String };
entity Grant { owner: String };

type Attested = { selectors: Set<String>, claimed: Set<String>, secrets: String };
type Counts = { key: Long, touch: Long, verified: Long };
type Approvals = { key: Long, touch: Long, verified: Long, other: Counts };
type Lent = { id: String, identity: Identity, state: String, intents: Set<String> };
type Asked = {
  now: datetime, intent: String, intents: Set<String>, purpose: String, depth: Long, seconds: Long,
  attested: Attested, approvals: Approvals, findings: Set<String>, task?: Lent
};

action begin, issue, use appliesTo { principal: [Identity], resource: [Target], context: Asked };
action approve appliesTo {
  principal: [Human], resource: [Task, Grant],
  context: { now: datetime, strength: Long, otherUid: Bool }
};
`;
