// SPDX-License-Identifier: Apache-2.0
/** The rooms of `lone.ts` behind streams of their own, with an authority that fails or a row whose writer answers late. */
import type { Rooms } from '../../src/issuance/rooms.ts';
import { Standings } from '../../src/issuance/standings.ts';
import { Failure } from '../../src/lib/failure.ts';
import type { lone } from './lone.ts';

type Lone = Awaited<ReturnType<typeof lone>>;

function unavailable(): Failure {
  return new Failure('unavailable', 'NO_ACTIVE_AUTHORITY', 'a test');
}

/** The same rooms with an authority that signs nothing while it is told so. */
export function withFailingMint(rooms: Lone) {
  const world = { isFailing: false, failed: 0, standings: undefined as unknown as Standings };
  world.standings = new Standings(parts(rooms, world, (work) => work));
  return world;
}

/** The same rooms, where the first row's promise is held after it is durable. */
export function withHeldRecord(rooms: Lone) {
  let release: () => void = () => undefined;
  let reach: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const world = { isFailing: false, failed: 0, standings: undefined as unknown as Standings, reached, release };
  world.standings = new Standings(
    parts(rooms, world, async (work) => {
      const done = await work;
      reach();
      await held;
      return done;
    }),
  );
  return world;
}

function parts(
  rooms: Lone,
  world: { isFailing: boolean; failed: number },
  recorded: (work: Promise<{ readonly seq: number }>) => Promise<{ readonly seq: number }>,
): Rooms {
  const { authority, ledger } = rooms;
  return {
    ...rooms.rooms,
    authority: {
      active: () => authority.active(),
      distrustedSince: (id) => authority.distrustedSince(id),
      bundle: () => authority.bundle(),
      async mintLeaf(request) {
        if (!world.isFailing) return authority.mintLeaf(request);
        world.failed += 1;
        throw unavailable();
      },
    },
    ledger: {
      record: (row) => recorded(ledger.record(row)),
      markUndelivered: (seq, reason) => ledger.markUndelivered(seq, reason),
    },
  };
}
