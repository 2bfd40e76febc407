// SPDX-License-Identifier: Apache-2.0
/** What is legacy is given for minutes, whatever its entry asks for. */
import { expect, it } from '@jest/globals';
import type { JwtSvidState, WitState } from '../../src/issuance/workload-identities.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('legacy-ttl');
const MINUTE = 60_000;

it.each([
  ['legacy', undefined, 10],
  ['legacy', 3600, 10],
  ['legacy', 300, 5],
  ['service', 3600, 60],
] as const)('I5: of the kind %s with a TTL of %s s an SVID lives for %i minutes', async (kind, ttl, minutes) => {
  const clock = new FakeClock();
  const rooms = await lone({ dataDir: `${dir}/${kind}-${ttl}`, clock, wit: true });
  const spiffeId = 'spiffe://example.org/old';
  const ttls = ttl === undefined ? {} : { x509TtlSeconds: ttl, jwtTtlSeconds: ttl };
  await rooms.registry.createEntry({ spiffeId, selectors: ['unix:uid:1000'], ...ttls, identity: { kind } }, OPERATOR);
  const x509 = new TestFollower();
  const wit = new TestFollower<WitState>();
  const following = [
    rooms.standings.followX509(new TestProcess(1), x509),
    rooms.standings.wit!.follow(new TestProcess(2), '', wit),
  ];
  await x509.until(1);
  await wit.until(1);
  const desk = rooms.standings.jwt!.caller(new TestProcess(3));
  let tokens: readonly JwtSvidState[] = [];
  await desk.fetch({ audiences: ['a'], spiffeId: '' }, new AbortController().signal, (svids) => {
    tokens = svids;
  });
  expect(tokens).toHaveLength(1);
  const lives = rooms.store.list({}, { limit: 9 }).rows.map(({ kind: of, notAfter }) => [of, notAfter - clock.now()]);
  // A default for tokens of its own: 5 min.
  const jwt = ttl === undefined ? 5 : minutes;
  expect(Object.fromEntries(lives)).toEqual({ x509: minutes * MINUTE, wit: minutes * MINUTE, jwt: jwt * MINUTE });
  for (const one of following) one.stop();
  desk.close();
  await rooms.close();
});
