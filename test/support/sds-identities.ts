// SPDX-License-Identifier: Apache-2.0
/** Identities of one made-up caller, told when the test says so; for tests of the door that Envoys use. */
import type {
  Follower,
  Following,
  WantedIdentities,
  WorkloadIdentities,
  X509BundlesState,
  X509State,
} from '../../src/issuance/workload-identities.ts';
import type { Failure } from '../../src/lib/failure.ts';
import { TestCa } from './test-ca.ts';

export interface Followed {
  readonly wanted: WantedIdentities | 'none' | undefined;
  readonly follower: Follower<X509State> | Follower<X509BundlesState>;
  stopped: boolean;
}

export class SdsIdentities implements WorkloadIdentities {
  readonly followed: Followed[] = [];
  /** When false, the test tells each follower itself. */
  answers = true;
  readonly #ca = TestCa.create('td');

  followX509 = (_: unknown, follower: Follower<X509State>, wanted?: WantedIdentities) => {
    const one = this.#open({ wanted, follower, stopped: false });
    if (this.answers) this.tell(one).catch((refusal: Failure) => follower.end(refusal));
    return stopOf(one);
  };

  followX509Bundles = (_: unknown, follower: Follower<X509BundlesState>) => {
    const one = this.#open({ wanted: 'none', follower, stopped: false });
    if (this.answers) this.tell(one).catch((refusal: Failure) => follower.end(refusal));
    return stopOf(one);
  };

  /** `key` stands for a rotation: another one is another SVID. `size`: bytes of it. */
  async tell({ wanted, follower }: Followed, key = 'k', size = 32): Promise<void> {
    const bundle = this.#ca.der;
    if (wanted === 'none')
      return (follower as Follower<X509BundlesState>).send({ bundles: new Map([['spiffe://td', bundle]]), crls: [] });
    const privateKey = Buffer.alloc(size, key);
    const svid = { spiffeId: 'spiffe://td/a', chain: bundle, privateKey, hint: '' };
    return (follower as Follower<X509State>).send({ svids: [svid], bundle, federated: new Map(), crls: [] });
  }

  get last(): Followed {
    const one = this.followed.at(-1);
    if (one === undefined) throw new Error('nobody follows');
    return one;
  }

  async count(count: number): Promise<void> {
    while (this.followed.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  #open(one: Followed): Followed {
    this.followed.push(one);
    return one;
  }
}

function stopOf(one: Followed): Following {
  return {
    stop: () => {
      one.stopped = true;
    },
  };
}
