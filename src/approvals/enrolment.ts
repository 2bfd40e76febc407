// SPDX-License-Identifier: Apache-2.0
/**
 * How a key comes to count for more than software (attack C3). There is no proof in its signatures, so somebody says so: an operator
 * signs a statement that this key is hardware, with a signature that is worth at least as much themselves. The first such key nobody
 * can vouch for but root, once.
 */
import { canonicalJson } from '../lib/canonical-json.ts';
import { Failure, quote } from '../lib/failure.ts';
import { JsonNumber, parseJsonText } from '../lib/json-text.ts';
import { type Field, field, fieldsJson, membersOf, objectOf } from './fields.ts';
import { type Enrolment, type KeyStrength, strengthOf } from './key-strength.ts';
import { human, logOrigin, nonce, trustDomain } from './request.ts';
import { fieldLines, RULE, ScreenReader, TITLE } from './screen-lines.ts';
import { type KeysOf, refuseOver, type Submitted, signedBy } from './signed.ts';
import { choice, invalidStatement, text, time, whole, word } from './values.ts';

/** What an operator says of a key. */
export interface KeyStatement {
  /** Whose key it is. */
  readonly human: string;
  /** `SHA256:` and base64. */
  readonly fingerprint: string;
  readonly keyType: 'sk-ssh-ed25519@openssh.com' | 'sk-ecdsa-sha2-nistp256@openssh.com';
  /** What its signatures count for at most. */
  readonly highest: 2 | 3;
  /** What it is, and how they know: `YubiKey 5C, serial 1234, made in my presence`. */
  readonly because: string;
  /** The operator who signs. */
  readonly by: string;
  readonly trustDomain: string;
  readonly log: string;
  readonly nonce: string;
  /** Milliseconds UTC. */
  readonly notAfter: number;
}

const FIELDS: readonly Field[] = [
  field('human', 'human', 'a key of', human),
  field('fingerprint', 'fingerprint', 'key', word(/^SHA256:[A-Za-z0-9+/]{43}$/, 'no fingerprint')),
  field('highest', 'highest', 'counts for', whole(2, 3)),
  field('keyType', 'key_type', 'kind', choice('sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com')),
  field('because', 'because', 'because', text(200)),
  field('trustDomain', 'trust_domain', 'trust domain', trustDomain),
  field('log', 'log', 'daemon', logOrigin),
  field('nonce', 'nonce', 'nonce', nonce),
  field('notAfter', 'not_after', 'answer before', time()),
  field('by', 'by', 'by', human),
];
const VERSION = 1;
const LONGEST = 4_096;
/** Root vouches at the bootstrap alone. */
const ROOT = 0;

/** Not that of approvals, so that neither can be taken for the other. */
export function enrolmentNamespace(domain: string): string {
  return `enrolment@${domain}`;
}

/** The text that is signed. Throws ('invalid-argument', 'STATEMENT_INVALID') for what could not be read back. */
export function keyStatementText(statement: KeyStatement): string {
  const canonical = canonicalJson({ v: VERSION, ...fieldsJson(FIELDS, statement) });
  parseKeyStatement(canonical);
  return canonical;
}

/** Throws ('invalid-argument', 'STATEMENT_INVALID'), or JSON_INVALID, unless it is one and in canonical form. */
export function parseKeyStatement(given: string): KeyStatement {
  // guard: I9 test/approvals/enrolment.test.ts
  if (given.length > LONGEST) throw invalidStatement('statement', given, `it is longer than ${LONGEST} characters`);
  const members = objectOf(parseJsonText(given, 'statement'), 'statement', ['v', ...FIELDS.map(({ name }) => name)]);
  const version = members.get('v');
  if (!(version instanceof JsonNumber) || version.source !== String(VERSION))
    throw invalidStatement('v', version instanceof JsonNumber ? version.source : version, `it is not ${VERSION}`);
  const statement = membersOf(FIELDS, members) as unknown as KeyStatement;
  // guard: C4 test/approvals/enrolment.test.ts
  if (canonicalJson({ v: VERSION, ...fieldsJson(FIELDS, statement) }) !== given)
    throw invalidStatement('statement', given, 'it is not in canonical form (RFC 8785)');
  return statement;
}

/** As an operator reads it before they sign. */
export function renderKeyScreen(statement: KeyStatement): string {
  keyStatementText(statement);
  return `${[TITLE, RULE, ...fieldLines(FIELDS, statement)].join('\n')}\n`;
}

/** The statement that is shown. Throws ('invalid-argument', 'STATEMENT_INVALID') unless the text is what it is shown as. */
export function readKeyScreen(screen: string): KeyStatement {
  const statement = membersOf(FIELDS, new ScreenReader(screen).values(FIELDS)) as unknown as KeyStatement;
  // guard: C4 test/approvals/enrolment.test.ts
  if (renderKeyScreen(statement) !== screen)
    throw invalidStatement('screen', 'text', 'it is not what this statement is shown as');
  return statement;
}

/**
 * What the key counts for by a statement that was signed: `asked` is the one that this daemon asked for. Whether `by` is an operator is
 * the caller's to know.
 *
 * Throws ('failed-precondition', 'APPROVAL_OTHER_REQUEST' | 'APPROVAL_OVER'), ('permission-denied', 'APPROVAL_KEY_UNKNOWN' |
 * 'ENROLMENT_TOO_WEAK'), and what `parseKeyStatement` and `verifySshsig` throw.
 */
export function openKeyStatement(submitted: Submitted, asked: KeyStatement, keysOf: KeysOf, now: number): Enrolment {
  const statement = parseKeyStatement(submitted.statement);
  // guard: C4 test/approvals/enrolment.test.ts
  if (keyStatementText(asked) !== submitted.statement) throw otherKey(statement);
  refuseOver(statement, now);
  const { good, key } = signedBy(statement.by, submitted, enrolmentNamespace(statement.trustDomain), keysOf);
  const strength = strengthOf(good, key);
  // guard: C3 test/approvals/enrolment.test.ts — nobody vouches for more than they are worth
  if (strength < statement.highest) throw tooWeak(strength, statement.highest);
  return { highest: statement.highest, proof: 'stated' };
}

/** Root's word for the first key, under which all others are vouched for. Throws ('permission-denied', 'ENROLMENT_TOO_WEAK'). */
export function bootstrapEnrolment(highest: 2 | 3, peerUid: number, known: readonly Enrolment[]): Enrolment {
  const isFirst = known.every(({ proof }) => proof === 'none');
  // guard: C3 test/approvals/enrolment.test.ts — once: later, whoever is root for a moment enrols no key that stays
  if (peerUid !== ROOT || !isFirst) throw tooWeak(1, highest);
  return { highest, proof: 'stated' };
}

function otherKey({ human: name, fingerprint }: KeyStatement): Failure {
  const message = `the statement is refused: it is not what was to be said of the key ${fingerprint} of ${quote(name)}`;
  return new Failure('failed-precondition', 'APPROVAL_OTHER_REQUEST', message, {
    field: 'statement',
    hint: 'look at it and sign again',
  });
}

function tooWeak(strength: KeyStrength, highest: KeyStrength): Failure {
  const message = `the key is not enrolled: what vouches for it has a strength of ${strength}, and it is to count for ${highest}`;
  return new Failure('permission-denied', 'ENROLMENT_TOO_WEAK', message, {
    field: 'highest',
    value: String(highest),
    hint: 'sign with a security key that counts for as much; root vouches for the first one alone',
  });
}
