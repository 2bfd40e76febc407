// SPDX-License-Identifier: Apache-2.0
/**
 * All open streams, indexed so that a change finds the few it touches: an entry by its rarest selector and by who holds
 * it, a foreign bundle by who federates with it, an attestor's facts by who rests on them; our own authority touches
 * everyone.
 */
import type { Attested } from '../attestation/attested.ts';
import { Admission } from '../lib/admission.ts';
import { tenantOf } from '../peer/ceilings.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Match } from '../registry/match.ts';
import type { Change } from '../store/records.ts';
import { CallerIdentities } from './caller-identities.ts';
import { unasked } from './caller-look.ts';
import type { Rooms } from './rooms.ts';
import type { Touchable, Whereabouts } from './standing.ts';
import { Index, smallest } from './standing-index.ts';
import { type TaskScope, taskGround, taskRooms } from './task-rooms.ts';
import { WakeQueue } from './wake-queue.ts';
import type {
  Follower,
  Following,
  JwtIdentities,
  WantedIdentities,
  WitIdentities,
  WorkloadIdentities,
  X509BundlesState,
  X509State,
} from './workload-identities.ts';

/** A first answer costs about a millisecond (look, key, signature, look), and a turn of the loop may take ten. */
const NEWCOMERS_PER_TURN = 8;

interface Place {
  readonly selectors: readonly string[];
  /** Kinds nobody asked for when the caller was looked at. */
  readonly unasked: readonly string[];
  readonly restsOn: readonly string[];
  entries: readonly string[];
  trustDomains: readonly string[];
}

export class Standings implements WorkloadIdentities, Whereabouts {
  readonly #rooms: Rooms;
  readonly #ours: CallerIdentities;
  readonly #queue: WakeQueue;
  readonly #admission = new Admission(NEWCOMERS_PER_TURN);
  readonly #open = new Set<Touchable>();
  readonly #places = new Map<Touchable, Place>();
  readonly #bySelector = new Index();
  readonly #byEntry = new Index();
  readonly #byTrustDomain = new Index();
  readonly #byUnasked = new Index();
  readonly #byGround: Index;
  readonly #looking = new Set<Touchable>();
  /** Streams that are told of a revocation list at once. */
  readonly #withCrls = new Set<Touchable>();
  readonly #undo: readonly (() => void)[];

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#ours = this.#identities(rooms);
    this.#queue = new WakeQueue(rooms.clock);
    this.#byGround = new Index((ground, resting) => rooms.attestation.restedOn(ground, resting));
    this.#undo = [
      rooms.changes.onChanges((changes) => this.#changed(changes)),
      rooms.onAuthorityChange(() => this.#touchAll(this.#open)),
      rooms.onClockJump(() => this.#touchAll(this.#open)),
      rooms.attestation.onChange((ground) => this.#groundChanged(ground)),
      rooms.crls.onChange(() => this.#touchAll(rooms.settings.pushCrls ? this.#open : this.#withCrls)),
    ];
  }

  /** Streams open now. */
  get size(): number {
    return this.#open.size;
  }

  /** Processes with an open stream that rests on this entry; of `most` streams, where that is told. */
  holdersOf(entryId: string, most = Infinity): readonly ProcessHandle[] {
    const found = new Set<ProcessHandle>();
    let left = most;
    for (const { process } of this.#byEntry.get(entryId)) {
      if (left-- <= 0) break;
      found.add(process);
    }
    return [...found];
  }

  followX509(process: ProcessHandle, follower: Follower<X509State>, wanted?: WantedIdentities): Following {
    return this.#ours.followX509(process, follower, wanted);
  }

  followX509Bundles(process: ProcessHandle, follower: Follower<X509BundlesState>): Following {
    return this.#ours.followX509Bundles(process, follower);
  }

  get jwt(): JwtIdentities | undefined {
    return this.#ours.jwt;
  }

  get wit(): WitIdentities | undefined {
    return this.#ours.wit;
  }

  /** The same path, told by the same changes, for the members of one task. */
  within(scope: TaskScope): WorkloadIdentities {
    return this.#identities(taskRooms(this.#rooms, scope));
  }

  #identities(rooms: Rooms): CallerIdentities {
    return new CallerIdentities(rooms, this, (standing, hearsOfCrls) => {
      if (hearsOfCrls) this.#withCrls.add(standing);
      this.#enter(standing);
    });
  }

  close(): void {
    for (const undo of this.#undo) undo();
    for (const standing of [...this.#open]) standing.stop();
  }

  #enter(standing: Touchable): void {
    this.#open.add(standing);
    standing.touch();
  }

  admit(process: ProcessHandle): Promise<void> | undefined {
    return this.#admission.enter(tenantOf(process));
  }

  looking(standing: Touchable): void {
    this.#looking.add(standing);
  }

  place(standing: Touchable, attested: Attested): void {
    this.#looking.delete(standing);
    const before = this.#places.get(standing);
    const selectors = this.#bySelector.move(standing, before?.selectors ?? [], [...attested.selectors.keys()]);
    const kinds = this.#byUnasked.move(standing, before?.unasked ?? [], unasked(attested));
    const restsOn = this.#byGround.move(standing, before?.restsOn ?? [], attested.restsOn);
    const { entries, trustDomains } = before ?? { entries: [], trustDomains: [] };
    this.#places.set(standing, { selectors, unasked: kinds, restsOn, entries, trustDomains });
  }

  matched(standing: Touchable, match: Match): void {
    const place = this.#places.get(standing);
    if (place === undefined) return;
    place.entries = this.#byEntry.move(standing, place.entries, match.entryIds);
    const trustDomains = [...new Set(match.grants.flatMap((grant) => grant.federatesWith))];
    place.trustDomains = this.#byTrustDomain.move(standing, place.trustDomains, trustDomains);
  }

  leave(standing: Touchable): void {
    this.#open.delete(standing);
    this.#withCrls.delete(standing);
    this.#looking.delete(standing);
    const place = this.#places.get(standing);
    if (place === undefined) return;
    this.#places.delete(standing);
    this.#bySelector.move(standing, place.selectors, []);
    this.#byUnasked.move(standing, place.unasked, []);
    this.#byGround.move(standing, place.restsOn, []);
    this.#byEntry.move(standing, place.entries, []);
    this.#byTrustDomain.move(standing, place.trustDomains, []);
  }

  /** An attestor's facts may have changed: who rests on them is looked at anew, before anything more is sent. */
  #groundChanged(ground: string): void {
    for (const standing of this.#looking) standing.hear(ground);
    const touched = [...this.#byGround.get(ground)];
    // guard: I1 test/issuance/grounds.test.ts
    for (const standing of touched) standing.attestAgain();
    this.#touchAll(touched);
  }

  #changed(changes: readonly Change[]): void {
    for (const change of changes) {
      switch (change.kind) {
        case 'entry':
          this.#touchAll(this.#byEntry.get(change.key));
          if (change.action === 'put') {
            this.#touchCovered(change.entry.selectors);
            this.#lookAgain(change.entry.selectors);
          }
          break;
        case 'identity':
          for (const entry of this.#rooms.registry.entriesOf(change.key)) this.#touchCovered(entry.selectors);
          break;
        case 'bundle':
          this.#touchAll(this.#byTrustDomain.get(change.key));
          break;
        case 'task':
          this.#groundChanged(taskGround(change.key));
          break;
        case 'finding':
        case 'policy':
        case 'target':
          // They take away nothing that was issued outside a task.
          break;
        case 'federation':
        case 'human':
          // What streams hold of it is the bundle; what a human's leaving does comes with the identities.
          break;
        case 'revocation':
          for (const entryId of new Set(change.revoked.map((one) => one.entryId)))
            this.#touchAll(this.#byEntry.get(entryId));
          break;
        case 'authority':
          // Told by the authority itself, once the step is in force there.
          break;
      }
    }
  }

  #touchCovered(selectors: readonly string[]): void {
    const fewest = smallest(selectors.map((selector) => this.#bySelector.get(selector)));
    this.#touchAll([...fewest].filter((standing) => standing.covers(selectors)));
  }

  /** Callers that may match the entry once they are asked for kinds of selector that nobody named before. */
  #lookAgain(selectors: readonly string[]): void {
    const asked = this.#byUnasked.keys().filter((kind) => selectors.some((one) => one.startsWith(`${kind}:`)));
    const rest = selectors.filter((selector) => !asked.some((kind) => selector.startsWith(`${kind}:`)));
    for (const kind of asked) {
      const fewest = smallest([this.#byUnasked.get(kind), ...rest.map((selector) => this.#bySelector.get(selector))]);
      const unasked = (standing: Touchable): readonly string[] => this.#places.get(standing)?.unasked ?? [];
      const touched = [...fewest].filter((standing) => standing.covers(selectors, unasked(standing)));
      // guard: I1 test/issuance/on-demand.test.ts
      for (const standing of touched) standing.attestAgain();
      this.#touchAll(touched);
    }
  }

  /** Dirty at once, in commit order, so that no decision made before the change is sent after it; walked in slices. */
  #touchAll(standings: Iterable<Touchable>): void {
    for (const standing of standings) {
      standing.dirty();
      this.#queue.push(() => standing.touch());
    }
  }
}
