// SPDX-License-Identifier: Apache-2.0
/** The registry against a naive model: a list of entries, looked through from end to end. */
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Failure } from '../../src/lib/failure.ts';
import { type Candidate, decide } from '../../src/registry/match.ts';
import type { Change, EntryRecord, IdentityRecord } from '../../src/store/records.ts';
import { callerWith, HOUR, OPERATOR, openRoom, type Room } from './rooms.ts';

const SELECTORS = ['unix:uid:1', 'unix:uid:2', 'unix:gid:1', 'unix:path:/x', 'docker:image_id:i'];
const NAMES = ['a', 'b', '__proto__'];
const IDS = ['e0', 'e1', 'e2', 'e3', 'e4', 'e5'];

const selectors = fc.uniqueArray(fc.constantFrom(...SELECTORS), { minLength: 1, maxLength: 3 });
const hint = fc.constantFrom('', 'h', '__proto__');
const federatesWith = fc.subarray(['f.org', 'g.org']);
const after = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      id: fc.constantFrom(...IDS),
      name: fc.constantFrom(...NAMES),
      selectors,
      hint,
      federatesWith,
      hours: after,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      id: fc.constantFrom(...IDS),
      selectors: fc.option(selectors, { nil: undefined }),
      hint: fc.option(hint, { nil: undefined }),
      federatesWith,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), id: fc.constantFrom(...IDS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('suspend' as const), name: fc.constantFrom(...NAMES) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resume' as const), name: fc.constantFrom(...NAMES) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What the changes say is there; nothing else is remembered. */
class Model {
  readonly entries = new Map<string, EntryRecord>();
  readonly identities = new Map<string, IdentityRecord>();
  seq = 0;

  take(changes: readonly Change[]): void {
    for (const change of changes) {
      expect(change.seq).toBe(this.seq + 1);
      this.seq = change.seq;
      if (change.kind === 'identity') this.identities.set(change.key, change.identity);
      else if (change.kind === 'entry' && change.action === 'put') this.entries.set(change.key, change.entry);
      else if (change.kind === 'entry') this.entries.delete(change.key);
    }
  }

  match(
    caller: ReadonlyMap<string, ReturnType<typeof callerWith> extends ReadonlyMap<string, infer S> ? S : never>,
    now: number,
  ) {
    const candidates: Candidate[] = [];
    for (const entry of this.entries.values()) {
      const identity = this.identities.get(entry.spiffeId) as IdentityRecord;
      if (entry.selectors.every((selector) => caller.has(selector))) candidates.push({ entry, identity });
    }
    return decide(candidates, caller, { now, grantsPerCaller: 3, unseen: 0 });
  }
}

async function take(room: Room, model: Model, one: Step): Promise<Room> {
  const { registry, clock } = room;
  const id = 'name' in one ? `spiffe://td/${one.name}` : '';
  switch (one.do) {
    case 'create': {
      const expiresAt = one.hours === undefined ? undefined : clock.now() + one.hours * HOUR;
      const { selectors: named, hint: said, federatesWith: others } = one;
      const input = { spiffeId: id, entryId: one.id, selectors: named, hint: said, federatesWith: others, expiresAt };
      await registry.createEntry({ ...input, acceptClaimedSelectors: true }, OPERATOR);
      return room;
    }
    case 'update': {
      const { selectors: named, hint: said, federatesWith: others } = one;
      const patch = { selectors: named, hint: said, federatesWith: others };
      await registry.updateEntry(
        one.id,
        named === undefined ? patch : { ...patch, acceptClaimedSelectors: true },
        OPERATOR,
      );
      return room;
    }
    case 'delete':
      await registry.deleteEntry(one.id, OPERATOR);
      return room;
    case 'suspend':
      await registry.suspendIdentity(id, 'said so', OPERATOR);
      return room;
    case 'resume':
      await registry.resumeIdentity(id, OPERATOR);
      return room;
    case 'wait':
      await clock.advance(HOUR);
      return room;
    case 'restart': {
      const again = await room.reopen();
      again.registry.onChange((changes) => model.take(changes));
      return again;
    }
  }
}

const CALLERS = [
  [],
  SELECTORS,
  SELECTORS.slice(0, 2),
  SELECTORS.slice(2),
  ['unix:uid:1', 'unix:path:/x', 'other:x'],
].map((some) => callerWith(...some));

it('WAPI-18: matches as a list that is looked through would, over any course of writes and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const model = new Model();
      let room = await openRoom({ grantsPerCaller: 3, entries: 5 });
      room.registry.onChange((changes) => model.take(changes));
      for (const one of steps) {
        try {
          room = await take(room, model, one);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          expect(['already-exists', 'not-found', 'resource-exhausted', 'failed-precondition']).toContain(error.kind);
        }
        const now = room.clock.now();
        for (const caller of CALLERS) expect(room.registry.match(caller, now)).toEqual(model.match(caller, now));
      }
      expect(room.registry.lastChangeSeq).toBe(model.seq);
      expect(room.registry.entries({}, { limit: 1000 }).rows).toEqual([...model.entries.values()].sort(byAge));
      for (const name of NAMES) {
        const id = `spiffe://td/${name}`;
        expect(room.registry.identity(id)).toEqual(model.identities.get(id));
        const ids = room.registry.entriesOf(id).map((entry) => entry.id);
        expect(new Set(ids)).toEqual(
          new Set([...model.entries.values()].filter((e) => e.spiffeId === id).map((e) => e.id)),
        );
      }
      room.registry.close();
      await room.store.close();
    }),
    { numRuns: 25 },
  );
}, 60_000);

function byAge(a: EntryRecord, b: EntryRecord): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}
