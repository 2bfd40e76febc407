// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { agentOf, humanOf } from '../../src/daemon/grants.ts';

const UNKNOWN = { uids: undefined, gids: undefined };

it('C2: as whom an identity is started is known where each entry names a uid', () => {
  expect(agentOf([['unix:uid:1200', 'unix:gid:7'], ['unix:uid:1201']])).toEqual({ uids: [1200, 1201], gids: [] });
  expect(agentOf([['unix:uid:1200'], ['unix:path:/usr/bin/agent']])).toEqual(UNKNOWN);
  expect(agentOf([['docker:label:unix:uid:1200']])).toEqual(UNKNOWN);
  expect(agentOf([])).toEqual(UNKNOWN);
});

it('whoever asks is the one human of that uid, and nobody where there are several', () => {
  const people = [
    { name: 'alice', uids: [1000, 1001], active: true },
    { name: 'bob', uids: [1001], active: true },
    { name: 'carol', uids: [1002], active: false },
  ];
  expect(
    ['uid:1000', 'uid:1001', 'uid:1002', 'uid:0', 'spiffe://example.org/ci'].map((by) => humanOf(people, by)),
  ).toEqual(['alice', null, null, null, null]);
});
