// SPDX-License-Identifier: Apache-2.0
/**
 * The X.509 authority of our trust domain: signs leaves with the active CA, and keeps the X.509 part of our own bundle.
 *
 * `active`, `bundle` and `slots` always belong together. `onChange` listeners run synchronously after a step is durable,
 * and find the new state here.
 */

import { type OwnBundle, ownBundle } from '../bundle/own-bundle.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { AuthorityRecord } from '../store/records.ts';
import type { AuthorityStore } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { buildSelfSignedCa, signerOf } from '../x509/ca.ts';
import type { Signer, SigningKey } from '../x509/types.ts';
import type { ClockGuard } from './clock-guard.ts';
import type { AuthorityHealth } from './health.ts';
import type { AuthorityKey, CaKeyType, KeyManager } from './key-manager.ts';
import { type AuthorityView, KeyRotation } from './key-rotation.ts';
import { type IssuedLeaf, LeafMinter, type LeafRequest, noSigner } from './leaf-minter.ts';
import { distrustedSince, type Step } from './slots.ts';

export interface AuthorityOptions {
  readonly trustDomain: TrustDomain;
  readonly store: AuthorityStore;
  readonly keyManager: KeyManager;
  readonly caTtlMs: number;
  readonly keyType: CaKeyType;
  readonly guard: ClockGuard;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface AuthorityChange {
  readonly cause: Step['kind'];
  /** Another CA signs from now on: an SVID cut short by the old one's end may be renewed. */
  readonly signerChanged: boolean;
  readonly bundleChanged: boolean;
}

/** The state that changes as a whole, with a step. */
interface Current {
  readonly bundle: OwnBundle;
  readonly signer: (Signer & { readonly revision: number }) | undefined;
}

export type { AuthorityView } from './key-rotation.ts';
export type { IssuedLeaf, LeafRequest } from './leaf-minter.ts';

export class X509Authority {
  readonly #opts: AuthorityOptions;
  readonly #rotation: KeyRotation;
  readonly #minter: LeafMinter;
  readonly #listeners = new Set<(change: AuthorityChange) => void>();
  readonly #crlSigners = new Map<string, Signer>();
  #current: Current | undefined;

  /**
   * Loads what there is and does what is due. Rejects when there is nothing to publish afterwards, or when a key file is
   * not safe to use; a failing rotation beside a usable bundle only shows in `health`.
   */
  static async start(opts: AuthorityOptions): Promise<X509Authority> {
    const { trustDomain, random } = opts;
    const rotation = await KeyRotation.load({
      ...opts,
      kind: 'x509',
      ttlMs: opts.caTtlMs,
      publish: (key, life) => buildSelfSignedCa({ trustDomain, key: caKey(key), ...life, random }),
    });
    const authority = new X509Authority(opts, rotation);
    await rotation.begin((cause) => authority.#step(cause));
    return authority;
  }

  private constructor(opts: AuthorityOptions, rotation: KeyRotation) {
    this.#opts = opts;
    this.#rotation = rotation;
    this.#minter = new LeafMinter(opts);
    if (rotation.records.length > 0) this.#swap();
  }

  /** The CA that signs now. Throws Failure('unavailable') when there is none. */
  active(): Signer & { readonly revision: number } {
    const signer = this.#current?.signer;
    if (signer === undefined) throw noSigner();
    return signer;
  }

  /** As `slots.ts` says. */
  distrustedSince(authorityId: string): number | undefined {
    return distrustedSince(this.#rotation.records, authorityId);
  }

  /**
   * All CAs that may have live leaves and whose key is there, the active one among them: what their revocation lists are
   * signed with. One whose key is gone is not among them.
   */
  crlSigners(): readonly Signer[] {
    return this.#rotation.signers.map(({ record, key }) => {
      const known = this.#crlSigners.get(record.id) ?? signerOf(record.published, caKey(key));
      this.#crlSigners.set(record.id, known);
      return known;
    });
  }

  /** The X.509 part of our own bundle. Never empty. The same object until it changes. */
  bundle(): OwnBundle {
    return this.#current!.bundle;
  }

  get refreshHintSeconds(): number {
    return this.#rotation.refreshHintSeconds;
  }

  slots(): readonly AuthorityRecord[] {
    return this.#rotation.records;
  }

  /**
   * Makes key and certificate for a workload. Nothing has been recorded when this resolves: the caller records the
   * issuance before the key leaves (I3). Refuses when the clock went back (I8), or the end has come of what it must not outlive.
   */
  mintLeaf(req: LeafRequest): Promise<IssuedLeaf> {
    return this.#minter.mint(req);
  }

  health(): AuthorityHealth {
    return this.#rotation.health();
  }

  show(): AuthorityView {
    return this.#rotation.show();
  }

  /** Prepares the next CA before its time. Resolves with its id once it is in the bundle. */
  prepare(by: string): Promise<string> {
    return this.#rotation.prepare(by);
  }

  /** Lets the prepared CA sign. Before its lead is over this needs `now: true`, since some consumers do not trust it yet. */
  activate(opts: { readonly now: boolean; readonly by: string }): Promise<string> {
    return this.#rotation.activate(opts);
  }

  /** Has all that this old authority signed issued anew. */
  taint(opts: { readonly id: string; readonly by: string }): Promise<AuthorityRecord> {
    return this.#rotation.taint(opts);
  }

  /** Takes a tainted authority out of the bundle. While what it signed is still valid this needs `force: true`. */
  revoke(opts: { readonly id: string; readonly force: boolean; readonly by: string }): Promise<AuthorityRecord> {
    return this.#rotation.revoke(opts);
  }

  onChange(listener: (change: AuthorityChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for a step under way. Idempotent. */
  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#rotation.close();
  }

  #step(cause: Step['kind']): void {
    const before = this.#current;
    for (const id of this.#crlSigners.keys())
      if (!this.slots().some((one) => one.id === id)) this.#crlSigners.delete(id);
    this.#swap();
    const after = this.#current;
    const change: AuthorityChange = {
      cause,
      signerChanged: before?.signer?.authorityId !== after?.signer?.authorityId,
      bundleChanged: before?.bundle !== after?.bundle,
    };
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** Takes over what the journal says now. */
  #swap(): void {
    const before = this.#current;
    const fresh = ownBundle(this.#opts.trustDomain, this.#rotation.records);
    const bundle = before?.bundle.der.equals(fresh.der) === true ? before.bundle : fresh;
    const active = this.#rotation.active;
    const same =
      before?.signer?.authorityId === active?.record.id && before?.signer?.revision === active?.record.revision;
    if (before !== undefined && same) {
      this.#current = { ...before, bundle };
      return;
    }
    const signer = active && {
      ...signerOf(active.record.published, caKey(active.key)),
      revision: active.record.revision,
    };
    this.#current = { bundle, signer };
    this.#minter.use(signer);
  }
}

/** No verifier of certificates is asked to know P-521. */
function caKey(key: AuthorityKey): SigningKey {
  const { type } = key;
  if (type === 'ec-p521') throw new Failure('internal', 'KEY_PURPOSE', `the key ${key.ref} is none for a CA`);
  return { type, publicKey: key.publicKey, sign: (tbs) => key.sign(tbs) };
}
