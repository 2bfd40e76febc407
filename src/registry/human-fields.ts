// SPDX-License-Identifier: Apache-2.0
/** What may be said of a person. */
import { Failure, quote } from '../lib/failure.ts';
import { FREE_TEXT_MAX, parseText } from './plain-text.ts';

export interface NewHuman {
  readonly name: string;
  readonly email?: string | undefined;
  readonly uids: readonly number[];
  readonly teams: readonly string[];
}

/** Absent means "as it is", null means "none"; uids and teams are said whole. */
export interface HumanPatch {
  readonly email?: string | null | undefined;
  readonly uids?: readonly number[] | undefined;
  readonly teams?: readonly string[] | undefined;
}

/** A user's or a group's name, in letters that need no quoting anywhere (attack B7: keys of Maps alone). */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const MOST_UIDS = 16;
const MOST_TEAMS = 32;
const LAST_UID = 4_294_967_294;

/** What is named in `patch`, as it is to be stored. */
export function parsePatch({ email, uids, teams }: HumanPatch): {
  readonly email?: string | null;
  readonly uids?: readonly number[];
  readonly teams?: readonly string[];
} {
  return {
    ...(email === undefined ? {} : { email: email === null ? null : parseText(email, 'email', FREE_TEXT_MAX) }),
    ...(uids === undefined ? {} : { uids: parseUids(uids) }),
    ...(teams === undefined ? {} : { teams: parseTeams(teams) }),
  };
}

export function parseName(name: string, field: string): string {
  // guard: B7 test/registry/people.test.ts
  if (!NAME.test(name))
    throw new Failure('invalid-argument', 'HUMAN_NAME_INVALID', `${field} ${quote(name)} is refused: it is no name`, {
      field,
      value: quote(name),
      hint: 'use a to z, digits, dots, hyphens and underscores, at most 64',
    });
  return name;
}

function parseUids(uids: readonly number[]): readonly number[] {
  // guard: I9 test/registry/people.test.ts
  if (uids.length > MOST_UIDS) throw tooMany('uids', MOST_UIDS);
  for (const uid of uids)
    if (!Number.isSafeInteger(uid) || uid < 0 || uid > LAST_UID)
      throw new Failure('invalid-argument', 'HUMAN_UID_INVALID', `uid ${uid} is refused: it is no uid`, {
        field: 'uid',
        value: String(uid),
      });
  return [...new Set(uids)].sort((a, b) => a - b);
}

function parseTeams(teams: readonly string[]): readonly string[] {
  // guard: I9 test/registry/people.test.ts
  if (teams.length > MOST_TEAMS) throw tooMany('teams', MOST_TEAMS);
  return [...new Set(teams.map((team) => parseName(team, 'team')))].sort();
}

export function tooMany(what: string, most: number): Failure {
  return new Failure('resource-exhausted', 'LIMIT_REACHED', `more ${what} are refused: at most ${most}`, {
    field: what,
  });
}
