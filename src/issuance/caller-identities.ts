// SPDX-License-Identifier: Apache-2.0
/** What a door asks of the path, in one set of rooms: those of the daemon, or the narrower ones of a task. */
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import { x509Bundles } from './bundles.ts';
import { BundlesErrand } from './bundles-errand.ts';
import { JwtDesk } from './jwt-desk.ts';
import { jwtBundles, witBundles } from './jwt-keys.ts';
import type { Rooms } from './rooms.ts';
import { type Errand, Standing, type Touchable, type Whereabouts } from './standing.ts';
import { SvidErrand } from './svid-errand.ts';
import { witCraft } from './wit-craft.ts';
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
import { x509Craft } from './x509-craft.ts';

/** A stream opens; `hearsOfCrls`: it is told of a revocation list at once. */
type Enter = (standing: Touchable, hearsOfCrls: boolean) => void;

export class CallerIdentities implements WorkloadIdentities {
  readonly #rooms: Rooms;
  readonly #whereabouts: Whereabouts;
  readonly #enter: Enter;
  readonly #x509: ReturnType<typeof x509Craft>;

  constructor(rooms: Rooms, whereabouts: Whereabouts, enter: Enter) {
    this.#rooms = rooms;
    this.#whereabouts = whereabouts;
    this.#enter = enter;
    this.#x509 = x509Craft(rooms);
  }

  followX509(process: ProcessHandle, follower: Follower<X509State>, wanted?: WantedIdentities): Following {
    const craft = wanted === undefined ? this.#x509 : x509Craft(this.#rooms, wanted);
    return this.#follow(process, follower, new SvidErrand(this.#rooms, process, craft));
  }

  get jwt(): JwtIdentities | undefined {
    const { jwt } = this.#rooms;
    if (jwt === undefined) return undefined;
    return {
      followBundles: (process, follower) =>
        this.#follow(
          process,
          follower,
          new BundlesErrand(this.#rooms, process, (names) => jwtBundles(this.#rooms, jwt, names)),
        ),
      caller: (process) =>
        new JwtDesk(this.#rooms, jwt, process, this.#whereabouts, (standing) => this.#enter(standing, false)),
    };
  }

  get wit(): WitIdentities | undefined {
    const { wit } = this.#rooms;
    if (wit === undefined) return undefined;
    return {
      follow: (process, asked, follower) => {
        const spiffeId = asked === '' ? undefined : SpiffeId.parseWorkload(asked, 'spiffe_id').toString();
        return this.#follow(
          process,
          follower,
          new SvidErrand(this.#rooms, process, witCraft(this.#rooms, wit, spiffeId)),
        );
      },
      followBundles: (process, follower) =>
        this.#follow(process, follower, new BundlesErrand(this.#rooms, process, () => witBundles(this.#rooms, wit))),
    };
  }

  followX509Bundles(process: ProcessHandle, follower: Follower<X509BundlesState>): Following {
    const { crls } = this.#rooms;
    const bundlesOf = (names: ReadonlySet<string>) => x509Bundles(this.#rooms, names);
    const errand = new BundlesErrand(this.#rooms, process, bundlesOf, () => crls.current());
    return this.#follow(process, follower, errand, true);
  }

  #follow<State>(
    process: ProcessHandle,
    follower: Follower<State>,
    errand: Errand<State>,
    hearsOfCrls = false,
  ): Following {
    const standing = new Standing(this.#rooms, process, follower, errand, this.#whereabouts);
    if (!standing.ended) this.#enter(standing, hearsOfCrls);
    return standing;
  }
}
