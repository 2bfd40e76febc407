// SPDX-License-Identifier: Apache-2.0
/**
 * Keys that come to count for more than software (attack C3): what is to be said of one is put together here, signed elsewhere, and
 * held against what was asked. Root says so of the first, once; all others rest on a signature.
 */
import {
  bootstrapEnrolment,
  type KeyStatement,
  keyStatementText,
  openKeyStatement,
  parseKeyStatement,
} from '../approvals/enrolment.ts';
import type { Enrolment } from '../approvals/key-strength.ts';
import type { ApproverKey, Submitted } from '../approvals/signed.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { HumanKey, HumanRecord, VouchedKey } from '../store/humans.ts';
import type { Actor } from '../store/records.ts';

export interface EnrolmentRooms {
  readonly people: {
    all(): readonly HumanRecord[];
    get(name: string): HumanRecord | undefined;
    keyOf(name: string, fingerprint: string): HumanKey;
    vouch(name: string, key: HumanKey, vouched: VouchedKey, stands: () => void, actor: Actor): Promise<HumanRecord>;
  };
  readonly trustDomain: string;
  /** Of the key that signs the log: which daemon asks. */
  readonly log: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Whose key is to count for how much, and how somebody knows that it is hardware. */
export interface ToVouch {
  readonly human: string;
  readonly fingerprint: string;
  readonly highest: 2 | 3;
  readonly because: string;
}

interface Asked {
  readonly statement: KeyStatement;
  readonly key: HumanKey;
}

const ANSWER_MS = 15 * 60_000;
/** Asked and not answered; whoever may ask is an administrator. */
const MOST_ASKED = 256;
const NONCE_BYTES = 16;

/** What a key counts for. */
export function enrolmentOf({ vouched }: HumanKey): Enrolment {
  return vouched === null ? { highest: 1, proof: 'none' } : { highest: vouched.highest, proof: 'stated' };
}

export class Enrolments {
  readonly #rooms: EnrolmentRooms;
  readonly #asked = new Map<string, Asked>();

  constructor(rooms: EnrolmentRooms) {
    this.#rooms = rooms;
  }

  /** The text to be signed by `by`. Throws what `keyStatementText` throws, ('invalid-argument', 'KEY_NOT_HARDWARE') and those of people. */
  ask(what: ToVouch, by: string): string {
    const { people, trustDomain, log, clock, random } = this.#rooms;
    const now = clock.now();
    const key = hardwareKey(people.keyOf(what.human, what.fingerprint));
    const statement: KeyStatement = {
      ...what,
      keyType: key.type as KeyStatement['keyType'],
      ...{ by, trustDomain, log },
      nonce: random.bytes(NONCE_BYTES).toString('base64url'),
      notAfter: now + ANSWER_MS,
    };
    const text = keyStatementText(statement);
    for (const [nonce, asked] of this.#asked) if (asked.statement.notAfter <= now) this.#asked.delete(nonce);
    // guard: I9 test/ballots/enrolments.test.ts
    if (this.#asked.size >= MOST_ASKED) throw tooMany();
    this.#asked.set(statement.nonce, { statement, key });
    return text;
  }

  /** What was signed. Throws what `openKeyStatement` throws; a statement is good for one time. */
  async submit(submitted: Submitted, actor: Actor): Promise<HumanRecord> {
    const { people, clock } = this.#rooms;
    const { nonce } = parseKeyStatement(submitted.statement);
    const asked = this.#asked.get(nonce);
    // guard: C4 test/ballots/enrolments.test.ts — a signature of before says nothing of now
    if (asked === undefined) throw notAsked();
    const { statement, key } = asked;
    const open = (): Enrolment => openKeyStatement(submitted, statement, (name) => this.#keysOf(name), clock.now());
    open();
    this.#asked.delete(nonce);
    const vouched = { highest: statement.highest, at: clock.now(), ...submitted };
    return people.vouch(statement.human, key, vouched, () => void open(), actor);
  }

  /** Root's word for the first. Throws ('permission-denied', 'ENROLMENT_TOO_WEAK'). */
  async bootstrap({ human, fingerprint, highest }: Omit<ToVouch, 'because'>, actor: Actor): Promise<HumanRecord> {
    const { people, clock } = this.#rooms;
    const key = hardwareKey(people.keyOf(human, fingerprint));
    const stands = (): void => {
      bootstrapEnrolment(
        highest,
        actor.uid,
        people
          .all()
          .filter(isHere)
          .flatMap(({ keys }) => keys.map(enrolmentOf)),
      );
    };
    const vouched = { highest, at: clock.now(), statement: null, signature: null };
    return people.vouch(human, key, vouched, stands, actor);
  }

  /** Of those who are here: who has left vouches for nobody. */
  #keysOf(name: string): readonly ApproverKey[] {
    const human = this.#rooms.people.get(name);
    // guard: C2 test/ballots/enrolments.test.ts
    if (human?.active !== true) return [];
    return human.keys.map((key) => ({ blob: key.blob, ...enrolmentOf(key) }));
  }
}

function isHere({ active }: HumanRecord): boolean {
  return active;
}

function hardwareKey(key: HumanKey): HumanKey {
  // guard: C3 test/ballots/enrolments.test.ts
  if (!key.type.startsWith('sk-')) throw notHardware(key);
  return key;
}

function notHardware({ fingerprint, type }: HumanKey): Failure {
  const message = `the key ${fingerprint} is of the kind ${type}, which is in software: nobody can vouch for it`;
  return new Failure('invalid-argument', 'KEY_NOT_HARDWARE', message, {
    field: 'fingerprint',
    value: fingerprint,
    hint: 'make one on a security key: ssh-keygen -t ed25519-sk -O verify-required',
  });
}

function notAsked(): Failure {
  return new Failure(
    'failed-precondition',
    'APPROVAL_OTHER_REQUEST',
    'the statement is refused: this daemon does not ask for it, or no longer',
    { field: 'statement', hint: 'ask for another: assay human key vouch' },
  );
}

function tooMany(): Failure {
  return new Failure('resource-exhausted', 'LIMIT_REACHED', `${MOST_ASKED} statements about keys wait to be signed`, {
    field: 'statement',
    value: quote(String(MOST_ASKED)),
    hint: 'they are over after 15 minutes',
  });
}
