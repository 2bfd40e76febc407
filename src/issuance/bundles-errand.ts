// SPDX-License-Identifier: Apache-2.0
/** Prepares the states of bundle streams: our own bundle and those of the trust domains the caller's grants federate with. */
import type { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Match } from '../registry/match.ts';
import { sameBundles } from './bundles.ts';
import { noIdentity } from './refusal.ts';
import type { Rooms } from './rooms.ts';
import type { Errand } from './standing.ts';

export interface BundlesState {
  readonly bundles: ReadonlyMap<string, Buffer>;
  readonly crls: readonly Buffer[];
}

const NONE: readonly Buffer[] = [];

export class BundlesErrand implements Errand<BundlesState> {
  readonly #process: ProcessHandle;
  readonly #allowUnauthenticated: boolean;
  readonly #bundlesOf: (federatesWith: ReadonlySet<string>) => ReadonlyMap<string, Buffer>;
  readonly #crls: () => readonly Buffer[];
  readonly nextWake = undefined;
  #sent: BundlesState | undefined;

  /** `bundlesOf`: by trust domain ID, ours always among them, as of now. `crls`: none but for X.509. */
  constructor(
    { settings }: Pick<Rooms, 'settings'>,
    process: ProcessHandle,
    bundlesOf: (federatesWith: ReadonlySet<string>) => ReadonlyMap<string, Buffer>,
    crls: () => readonly Buffer[] = () => NONE,
  ) {
    this.#process = process;
    this.#allowUnauthenticated = settings.allowUnauthenticatedVerifiers;
    this.#bundlesOf = bundlesOf;
    this.#crls = crls;
  }

  /** WAPI-20: refused, unless callers without an identity may verify others; then our own bundle alone. */
  ungranted(match: Match): BundlesState | Failure {
    if (this.#allowUnauthenticated) return this.#state(new Set());
    return noIdentity(this.#process, match);
  }

  async prepare(match: Match): Promise<BundlesState> {
    return this.#state(new Set(match.grants.flatMap((grant) => grant.federatesWith)));
  }

  holds(state: BundlesState): boolean {
    const sent = this.#sent;
    return sent !== undefined && sent.crls === state.crls && sameBundles(sent.bundles, state.bundles);
  }

  delivered(state: BundlesState): void {
    this.#sent = state;
  }

  #state(federatesWith: ReadonlySet<string>): BundlesState {
    return { bundles: this.#bundlesOf(federatesWith), crls: this.#crls() };
  }

  close(): void {
    this.#sent = undefined;
  }
}
