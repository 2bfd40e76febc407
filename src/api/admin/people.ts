// SPDX-License-Identifier: Apache-2.0
/** People: list, add, leave, and their keys. */
import type { HumanPatch } from '../../registry/human-fields.ts';
import type { HumanChange } from '../../registry/people.ts';
import type { HumanRecord } from '../../store/humans.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, invalid, missing, readCount, readPage, readWord } from './read-request.ts';
import { showIdentity } from './to-wire.ts';
import type { Outgoing, Request } from './wire.ts';
import type { PeopleRpcs, WireHuman, WireHumanChange } from './wire-people.ts';

const FIELDS = ['email', 'uids', 'teams'] as const;
const MOST_STATEMENT = 4_096;
/** The rest is in `assay identity list --state suspended`. */
const MOST_SHOWN = 1_000;

export function peopleRpcs({ registry: { people }, enrolments }: AdminDeps): Handlers<keyof PeopleRpcs> {
  return {
    ListHumans(request) {
      const { limit, after = '' } = readPage(request);
      const { name } = request;
      if (name !== '') {
        const human = people.get(name);
        if (human === undefined) throw missing('HUMAN_NOT_FOUND', 'human', name, 'list them: assay human list');
        return { humans: [show(human)], next_page_token: '' };
      }
      const rest = people.all().filter((human) => human.name > after);
      const humans = rest.slice(0, limit);
      return { humans: humans.map(show), next_page_token: rest.length > limit ? (humans.at(-1)?.name ?? '') : '' };
    },
    async AddHuman({ name, email, uids, teams }, { actor }) {
      const numbers = uids.map((uid) => readCount(uid, 'uid'));
      return { human: show(await people.add({ name, email: given(email), uids: numbers, teams }, actor)) };
    },
    async UpdateHuman(request, { actor }) {
      return showChange(await people.update(request.name, readPatch(request), actor));
    },
    async DeactivateHuman({ name, reason }, { actor }) {
      return showChange(await people.leave(name, reason, actor));
    },
    async AddHumanKey({ name, key }, { actor }) {
      return { human: show(await people.addKey(name, key, actor)) };
    },
    AskKeyStatement({ name, fingerprint, highest, because, by }) {
      return { statement: enrolments.ask({ human: name, fingerprint, highest: readHighest(highest), because }, by) };
    },
    async VouchHumanKey(request, { actor }) {
      const { name, fingerprint, highest, statement, signature } = request;
      if (statement === '') {
        const first = { human: name, fingerprint, highest: readHighest(highest) };
        return { human: show(await enrolments.bootstrap(first, actor)) };
      }
      refuseLong(statement, signature);
      return { human: show(await enrolments.submit({ statement, signature }, actor)) };
    },
    async RemoveHumanKey({ name, fingerprint }, { actor }) {
      return { human: show(await people.removeKey(name, fingerprint, actor)) };
    },
  };
}

function readHighest(highest: number): 2 | 3 {
  if (highest === 2 || highest === 3) return highest;
  throw invalid(
    'HIGHEST_INVALID',
    'highest',
    String(highest),
    'is neither 2 nor 3',
    '2 for a touch, 3 for a verified user',
  );
}

/** Of a statement (`src/approvals/enrolment.ts`) and of an armored signature. */
function refuseLong(statement: string, signature: string): void {
  // guard: I9 test/api/admin/key-statements.test.ts
  if (statement.length > MOST_STATEMENT || signature.length > MOST_STATEMENT)
    throw invalid(
      'TEXT_TOO_LONG',
      'statement',
      '',
      `is longer than ${MOST_STATEMENT} characters`,
      'sign what is shown',
    );
}

function readPatch({ fields, email, uids, teams }: Request<'UpdateHuman'>): HumanPatch {
  const named = new Set(fields.map((field) => readWord(field, FIELDS, 'fields')));
  return {
    ...(named.has('email') ? { email: given(email) ?? null } : {}),
    ...(named.has('uids') ? { uids: uids.map((uid) => readCount(uid, 'uid')) } : {}),
    ...(named.has('teams') ? { teams } : {}),
  };
}

function showChange({ human, suspended }: HumanChange): Outgoing<WireHumanChange> {
  return {
    human: show(human),
    suspended: suspended.slice(0, MOST_SHOWN).map(showIdentity),
    suspended_count: suspended.length,
  };
}

function show(human: HumanRecord): Outgoing<WireHuman> {
  const { name, email, uids, teams, keys, active, leftReason, createdAt, createdBy, revision } = human;
  return {
    name,
    email: email ?? '',
    uids,
    teams,
    keys: keys.map(({ fingerprint, type, blob, addedAt, addedBy, vouched }) => ({
      fingerprint,
      type,
      blob,
      added_at: addedAt,
      added_by: addedBy,
      highest: vouched?.highest ?? 1,
      vouched_at: vouched?.at ?? 0,
      vouch_statement: vouched?.statement ?? '',
      vouch_signature: vouched?.signature ?? '',
    })),
    active,
    left_reason: leftReason ?? '',
    created_at: createdAt,
    created_by: createdBy,
    revision,
  };
}
