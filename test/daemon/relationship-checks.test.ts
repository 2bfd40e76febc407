// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { relationshipChecks } from '../../src/daemon/relationship-checks.ts';
import type { RelationshipView } from '../../src/federation/federation.ts';
import { Failure } from '../../src/lib/failure.ts';

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;
const fine: RelationshipView = {
  trustDomain: 'p.example',
  url: 'https://p.example/',
  profile: 'https_spiffe',
  endpointSpiffeId: 'spiffe://p.example/spire/server',
  origin: 'admin',
  createdAt: NOW - 100 * MINUTE,
  createdBy: 'uid:0',
  lastAttemptAt: NOW - MINUTE,
  lastSuccessAt: NOW - MINUTE,
  nextPollAt: NOW + 4 * MINUTE,
  outcome: { result: 'unchanged', reason: undefined, hintSeconds: 300 },
  error: undefined,
  failures: 0,
};
const bundle = {
  sequence: 3n,
  refreshHintSeconds: 300,
  updatedAt: NOW - 50 * MINUTE,
  certificates: [Buffer.of(1)],
  jwtKeys: [],
};
const down = new Failure('unavailable', 'FEDERATION_UNREACHABLE', 'nobody answers', { hint: 'look' });
const other = new Failure('permission-denied', 'FEDERATION_ENDPOINT_UNTRUSTED', 'it is another');
const failing = { error: down, failures: 2, outcome: undefined } as const;

const checked = (over: Partial<RelationshipView>, stored: typeof bundle | undefined = bundle): string =>
  relationshipChecks({ all: () => [{ ...fine, ...over }] }, { foreignBundle: () => stored }, NOW)
    .map(({ status }) => status)
    .join(' ');

it.each([
  ['all is well', {}, 'ok ok ok ok ok'],
  ['a fetch failed just now, and what is stored is young', failing, 'fail ok ok ok ok'],
  ['nothing came for two hints', { ...failing, lastSuccessAt: NOW - 11 * MINUTE }, 'fail ok warn ok ok'],
  [
    'nothing came for five hints: the other side may sign with a key that is unknown here',
    { ...failing, lastSuccessAt: NOW - 26 * MINUTE },
    'fail ok fail ok ok',
  ],
  ['it does not prove itself', { ...failing, error: other }, 'ok fail ok ok ok'],
  [
    'it has not been asked yet',
    { lastAttemptAt: undefined, lastSuccessAt: undefined, outcome: undefined },
    'warn warn ok ok ok',
  ],
  [
    'an older bundle is ignored',
    { outcome: { result: 'ignored', reason: 'lower', hintSeconds: 300 } as const },
    'ok ok ok fail ok',
  ],
])('reachable, profile, age, sequence and keys where %s', (_, over, expected) => {
  expect(checked(over)).toBe(expected);
});

it('an empty bundle is a failure, and so is none', () => {
  expect(checked({}, { ...bundle, certificates: [] })).toBe('ok ok ok ok fail');
  const never = { ...failing, lastSuccessAt: undefined };
  const checks = relationshipChecks({ all: () => [{ ...fine, ...never }] }, { foreignBundle: () => undefined }, NOW);
  expect(checks.map(({ status }) => status)).toEqual(['fail', 'warn', 'fail', 'warn', 'fail']);
  expect(checks[0]).toMatchObject({
    name: 'p.example reachable',
    text: expect.stringContaining('2 times'),
    hint: 'look',
  });
});
