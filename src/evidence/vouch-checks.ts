// SPDX-License-Identifier: Apache-2.0
/** What a key counts for by what the log says of it: who vouched, and with which signature (attack C3). */
import { enrolmentNamespace, type KeyStatement, parseKeyStatement } from '../approvals/enrolment.ts';
import type { KeyStrength } from '../approvals/key-strength.ts';
import { type GoodSignature, verifySshsig } from '../approvals/sshsig.ts';
import { Failure } from '../lib/failure.ts';
import type { Row } from './row.ts';
import type { Verdict } from './verdict.ts';

/** Who vouched for whoever vouched, and so on: no log that was written by the rules goes further. */
const DEEPEST = 16;

/** The most that this signature shows, by the key as it stood in the log. `name`: of the vote, for what is told. */
export function mostShown(
  good: GoodSignature | undefined,
  key: Row | undefined,
  humans: readonly Row[],
  name: string,
  verdict: Verdict,
  depth = 0,
): KeyStrength {
  if (good?.sk === undefined || !good.sk.present || key === undefined || !key.has('highest')) return 1;
  const claimed = good.sk.verified ? 3 : 2;
  const most = Math.min(claimed, key.whole('highest')) as KeyStrength;
  // Root's word for the first: nothing but the log holds it.
  if (key.textOrNull('vouch_statement') !== null) checkVouched(key, humans, name, verdict, depth);
  return most;
}

function checkVouched(key: Row, humans: readonly Row[], name: string, verdict: Verdict, depth: number): void {
  const text = key.text('vouch_statement');
  try {
    const said = parseKeyStatement(text);
    const isOfKey = said.fingerprint === key.text('fingerprint') && said.highest === key.whole('highest');
    // guard: C3 test/evidence/vouched.test.ts
    verdict.require(isOfKey, `${name}: what was vouched is not about its key`);
    const namespace = enrolmentNamespace(said.trustDomain);
    const by = verifySshsig(key.text('vouch_signature'), Buffer.from(text), namespace);
    const theirs = voucherKey(said, by, key.whole('vouched_at'), humans);
    const worth = depth < DEEPEST ? mostShown(by, theirs, humans, name, verdict, depth + 1) : 1;
    // guard: C3 test/evidence/vouched.test.ts
    verdict.require(worth >= said.highest, `${name}: by the log, ${said.by} could not vouch for its key`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    verdict.require(false, `${name}: what was vouched of its key: ${error.message}`);
  }
}

/** As it was when they signed. */
function voucherKey(
  { by: name }: KeyStatement,
  by: GoodSignature,
  at: number,
  humans: readonly Row[],
): Row | undefined {
  const voucher = humans.findLast((row) => row.text('name') === name && row.event.at <= at);
  return voucher?.rows('keys').find((one) => one.text('blob') === by.keyBlob);
}

/** Everybody whose word the votes of `voters` rest on, themselves among them. */
export function withVouchers(voters: ReadonlySet<string>, humans: readonly Row[]): ReadonlySet<string> {
  const all = new Set(voters);
  // A set is walked on over what is added meanwhile.
  for (const name of all) for (const voucher of vouchersOf(name, humans)) all.add(voucher);
  return all;
}

function vouchersOf(name: string, humans: readonly Row[]): readonly string[] {
  return humans
    .filter((row) => row.text('name') === name)
    .flatMap((row) => row.rows('keys'))
    .filter((key) => key.has('vouch_statement'))
    .map((key) => parseKeyStatement(key.text('vouch_statement')).by);
}
