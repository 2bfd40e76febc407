// SPDX-License-Identifier: Apache-2.0
/**
 * How much a signature proves about somebody having been there. The flags of a security key are bytes that software can set, and
 * `ssh-keygen -Y verify` believes them (attack C3): they count as far as the key's enrolment says, and no further.
 */
import type { GoodSignature } from './sshsig.ts';

/** 1: a key in a file or an ssh-agent. 2: somebody touched a key. 3: and the key knew who. */
export type KeyStrength = 1 | 2 | 3;

/** How a key came to be somebody's. */
export interface Enrolment {
  /**
   * The most that its signatures count for. Above 1 only where it was shown to be hardware: `attested`, by the attestation that its
   * maker signed, or `stated`, by a statement that an operator signed (`enrolment.ts`).
   */
  readonly highest: KeyStrength;
  readonly proof: 'none' | 'stated' | 'attested';
}

/** Of a signature that is good, by the enrolment of its key. */
export function strengthOf({ sk }: Pick<GoodSignature, 'sk'>, { highest, proof }: Enrolment): KeyStrength {
  // guard: C3 test/approvals/key-strength.test.ts
  if (sk === undefined || !sk.present) return 1;
  // guard: C3 test/approvals/key-strength.test.ts — a record that nobody vouched for is worth what software is
  if (proof === 'none') return 1;
  const claimed = sk.verified ? 3 : 2;
  return claimed < highest ? claimed : highest;
}

/** For evidence: whoever reads it is told where it rests on an operator's word. */
export function strengthWords(strength: KeyStrength, { proof }: Enrolment): string {
  const words = { 1: '1 (a key)', 2: '2 (touched)', 3: '3 (touched, and knew who)' }[strength];
  return strength > 1 && proof !== 'attested' ? `${words}, unattested` : words;
}
