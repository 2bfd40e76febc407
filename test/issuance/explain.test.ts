// SPDX-License-Identifier: Apache-2.0
/** Why a process gets what it gets: real registry and engine, attestors that say what the test wants. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AttestationEngine } from '../../src/attestation/engine.ts';
import type { Attestation, Attestor } from '../../src/attestation/plugin.ts';
import { Explainer, type ProcessExplained } from '../../src/issuance/explain.ts';
import { Failure } from '../../src/lib/failure.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { tempDir } from '../support/temp-dir.ts';

const dataDir = tempDir('explain');
const clock = new FakeClock(Date.now());
const CANARY = 'hunter2';
let docker: () => Attestation;
let asked: (boolean | undefined)[];
let rooms: Awaited<ReturnType<typeof lone>>;
let explainer: Explainer;

const inContainer = (): Attestation => ({
  applies: true,
  selectors: [
    { value: `env:PASSWORD=${CANARY}`, strength: 'authority' },
    { value: 'label:app:web', strength: 'authority' },
  ],
  facts: {},
  leftOut: [{ kind: 'image_id', reason: 'no image' }],
});

const attestors: Attestor[] = [
  {
    name: 'unix',
    kinds: new Map([
      ['uid', 'kernel'],
      ['path', 'claimed'],
    ]),
    attest: async (process, _signal, everything) => {
      asked.push(everything);
      const selectors = [
        { value: `uid:${process.uid}`, strength: 'kernel' } as const,
        { value: 'path:/bin/x', strength: 'claimed' } as const,
      ];
      return { applies: true, selectors, facts: {}, leftOut: [] };
    },
  },
  {
    name: 'docker',
    kinds: new Map([
      ['env', 'authority'],
      ['label', 'authority'],
      ['image_id', 'authority'],
    ]),
    secretKinds: new Set(['env']),
    attest: async () => docker(),
  },
];

beforeAll(async () => {
  rooms = await lone({ dataDir, clock });
  const attestation = new AttestationEngine({ attestors, timeoutMs: 5_000, atOnce: 4, clock, log: silentLogger });
  explainer = new Explainer({
    peers: {
      examine: (pid) => ({
        process: new TestProcess(pid, 1000),
        ready: async () => undefined,
        release: () => undefined,
      }),
    },
    attestation,
    registry: rooms.registry,
    standings: rooms.standings,
    now: () => clock.now(),
  });
  const create = (entryId: string, ...selectors: string[]): Promise<unknown> =>
    rooms.registry.createEntry(
      { entryId, spiffeId: `spiffe://example.org/${entryId}`, selectors, acceptClaimedSelectors: true },
      OPERATOR,
    );
  await create('mine', 'unix:uid:1000', 'unix:path:/bin/x');
  await create('stopped', 'unix:uid:1000');
  await create('near', 'unix:uid:1000', 'docker:label:app:api', 'unix:path:/bin/x');
  await create('other', 'unix:uid:1001');
  await create('secret', 'unix:uid:1000', `docker:env:PASSWORD=${CANARY}2`);
  await create('image', 'unix:uid:1000', 'docker:image_id:busybox');
  await create('nobody', 'unix:uid:1000', 'k8s:ns:default');
  await create('far', 'unix:uid:1', 'docker:label:app:far');
  await rooms.registry.suspendIdentity('spiffe://example.org/stopped', 'a test', OPERATOR);
});
afterAll(() => rooms.close());

async function explain(says: () => Attestation = inContainer): Promise<ProcessExplained> {
  docker = says;
  asked = [];
  return explainer.process(7);
}

describe('a process explained', () => {
  it('has what each attestor found and how strong it is, secrets redacted, and all there is', async () => {
    const { attestors: said, uid, refusal } = await explain();
    expect([uid, refusal, asked]).toEqual([1000, undefined, [true]]);
    expect(said).toMatchObject([
      { name: 'unix', outcome: 'applies', selectors: [{ selector: 'unix:uid:1000', strength: 'kernel' }, {}] },
      {
        name: 'docker',
        outcome: 'applies',
        selectors: [{ selector: 'docker:env:PASSWORD=[redacted]' }, { selector: 'docker:label:app:web' }],
        leftOut: [{ kind: 'image_id', reason: 'no image' }],
      },
    ]);
  });

  it('I10: shows no value of a kind that may be secret, its own or an entry’s', async () => {
    const { attestors: said, nearest } = await explain();
    const shown = [
      said,
      nearest.map(({ lacks }) => lacks),
      explainer.identity('spiffe://example.org/secret')?.entries[0]?.selectors,
    ];
    expect(JSON.stringify(shown)).not.toContain(CANARY);
    expect(JSON.stringify(shown).match(/PASSWORD=\[redacted\]/g)).toHaveLength(4);
  });

  it('has the entries that match, those refused with their reason', async () => {
    const { matches } = await explain();
    expect(matches.map(({ entry, refused }) => [entry.id, refused?.reason])).toEqual([
      ['mine', undefined],
      ['stopped', 'SUSPENDED'],
    ]);
  });

  it('has the nearest entries that do not, each with the selector it lacks and what is there instead', async () => {
    const { nearest } = await explain();
    const shown = nearest.map(({ entry, lacks }) => [
      entry.id,
      ...lacks.map((lack) => [lack.selector, lack.found, lack.why]),
    ]);
    expect(shown).toEqual([
      ['near', ['docker:label:app:api', ['docker:label:app:web'], undefined]],
      ['secret', ['docker:env:PASSWORD=[redacted]', ['docker:env:PASSWORD=[redacted]'], undefined]],
      ['image', ['docker:image_id:busybox', [], 'no image']],
      ['nobody', ['k8s:ns:default', [], 'no attestor k8s runs here']],
      ['other', ['unix:uid:1001', ['unix:uid:1000'], undefined]],
    ]);
  });

  it('is refused, as the call would be, when an attestor fails', async () => {
    const { refusal, attestors: said } = await explain(() => {
      throw new Failure('unavailable', 'ENGINE_DOWN', 'the engine does not answer');
    });
    expect(refusal).toMatchObject({ kind: 'unavailable', reason: 'ATTESTATION_FAILED' });
    expect(said[1]).toMatchObject({
      name: 'docker',
      outcome: 'failed',
      reason: 'attestor docker failed: the engine does not answer',
    });
  });

  it('says why an attestor does not apply', async () => {
    const { attestors: said } = await explain(() => ({ applies: false, reason: 'in no container' }));
    expect(said[1]).toMatchObject({ outcome: 'does_not_apply', reason: 'in no container', selectors: [] });
  });

  it('has the reason that the caller itself gets', async () => {
    await rooms.registry.suspendIdentity('spiffe://example.org/mine', 'a test', OPERATOR);
    const { refusal } = await explain();
    expect(['SUSPENDED']).toContain(refusal?.reason);
    await rooms.registry.resumeIdentity('spiffe://example.org/mine', OPERATOR);
  });
});

describe('an identity explained', () => {
  it('has each entry with the strength of its selectors, kinds that nobody gives, and who holds it', async () => {
    const follower = new TestFollower();
    const following = rooms.standings.followX509(new TestProcess(55, 1001), follower);
    await follower.until(1);
    const other = explainer.identity('spiffe://example.org/other');
    expect(other?.entries.map(({ holders }) => holders.map(({ pid }) => pid))).toEqual([[55]]);
    following.stop();
    const nobody = explainer.identity('spiffe://example.org/nobody');
    expect(nobody?.entries[0]).toMatchObject({
      unknownKinds: ['k8s:ns'],
      selectors: [
        { selector: 'k8s:ns:default', strength: undefined },
        { selector: 'unix:uid:1000', strength: 'kernel' },
      ],
      holders: [],
    });
    expect(explainer.identity('spiffe://example.org/stopped')?.entries[0]?.refused?.reason).toBe('SUSPENDED');
    expect(explainer.identity('spiffe://example.org/none')).toBeUndefined();
  });
});
