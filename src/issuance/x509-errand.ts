// SPDX-License-Identifier: Apache-2.0
/**
 * Prepares FetchX509SVID states: which SVIDs the caller must hold for a match, which of those it holds already, and a
 * fresh key, certificate and issuance row for each that is missing, outgrown or due.
 *
 * Keys live here and on this caller's stream only (I4). A new key is made for a new stream, a renewal, or a change that
 * alters the certificate; every other push re-sends the same SVID and key.
 */
import type { Attested } from '../attestation/attested.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Grant, Match } from '../registry/match.ts';
import { renewAt } from '../rotation/schedule.ts';
import { federatedBundles, sameBundles } from './bundles.ts';
import { marksOf } from './marks.ts';
import { noIdentity } from './refusal.ts';
import type { Rooms } from './rooms.ts';
import type { Errand } from './standing.ts';
import type { X509State, X509SvidState } from './workload-identities.ts';

interface Held {
  readonly svid: X509SvidState;
  /** What the certificate was made from; another value means another certificate. */
  readonly shape: string;
  readonly authorityId: string;
  readonly notAfter: number;
  readonly renewAt: number;
  /** The end of entry and identity as they stood. */
  readonly endsAt: number;
  /** The end that cut its life short of the TTL, if any did: `endsAt`, or the issuer's own. */
  readonly cutShortBy: number | undefined;
  readonly seq: number;
  delivered: boolean;
}

/** When a renewal that failed is tried again; the SVID held is still valid meanwhile. */
const RENEWAL_RETRY_MS = 5_000;

export class X509Errand implements Errand<X509State> {
  readonly #rooms: Rooms;
  readonly #process: ProcessHandle;
  readonly #held = new Map<string, Held>();
  #sent: X509State | undefined;
  #retryAt: number | undefined;
  /** Why the stream ended; what is recorded after that was never sent. */
  #closed: string | undefined;

  constructor(rooms: Rooms, process: ProcessHandle) {
    this.#rooms = rooms;
    this.#process = process;
  }

  ungranted(match: Match): Failure {
    return noIdentity(this.#process, match);
  }

  async prepare(match: Match, attested: Attested): Promise<X509State | undefined> {
    this.#dropUngranted(match);
    this.#retryAt = undefined;
    const now = this.#rooms.clock.now();
    const wanting = match.grants.filter((grant) => this.#wants(grant, now));
    if (wanting.length > 0 && (await this.#fetch(wanting, match.grants[0], attested, now)) === 'stale')
      return undefined;
    return this.#assemble(match);
  }

  holds(state: X509State): boolean {
    const sent = this.#sent;
    return (
      sent !== undefined &&
      sent.bundle === state.bundle &&
      sent.svids.length === state.svids.length &&
      sent.svids.every(
        (svid, i) => svid.privateKey === state.svids[i]?.privateKey && svid.hint === state.svids[i]?.hint,
      ) &&
      sameBundles(sent.federated, state.federated)
    );
  }

  delivered(state: X509State): void {
    this.#sent = state;
    for (const held of this.#held.values()) held.delivered = true;
  }

  get nextWake(): number | undefined {
    let due = this.#retryAt ?? Infinity;
    for (const held of this.#held.values()) due = Math.min(due, held.renewAt);
    return due === Infinity ? undefined : due;
  }

  close(reason: string): void {
    this.#closed = reason;
    for (const held of this.#held.values()) this.#drop(held, reason);
    this.#held.clear();
    this.#sent = undefined;
  }

  #wants(grant: Grant, now: number): boolean {
    const held = this.#held.get(grant.entry.id);
    if (held === undefined || held.shape !== this.#shape(grant)) return true;
    if (now >= held.renewAt) return true;
    // I5: no SVID outlives its entry or identity; and one that was cut short follows an end that has moved, at once.
    if (held.notAfter > grant.endsAt) return true;
    if (held.cutShortBy === undefined) return false;
    if (held.cutShortBy === held.endsAt) return grant.endsAt !== held.endsAt;
    return held.authorityId !== this.#rooms.authority.active().authorityId;
  }

  #shape(grant: Grant): string {
    return JSON.stringify([grant.entry.spiffeId, grant.entry.dnsNames, this.#ttlMs(grant)]);
  }

  #ttlMs(grant: Grant): number {
    return grant.entry.x509TtlSeconds === null ? this.#rooms.settings.x509TtlMs : grant.entry.x509TtlSeconds * 1000;
  }

  async #fetch(
    wanting: readonly Grant[],
    defaultGrant: Grant | undefined,
    attested: Attested,
    now: number,
  ): Promise<'done' | 'stale'> {
    const outcomes = await Promise.allSettled(wanting.map((grant) => this.#issue(grant, attested)));
    let stale = false;
    for (const [i, outcome] of outcomes.entries()) {
      const grant = wanting[i] as Grant;
      if (outcome.status === 'fulfilled') {
        this.#replace(grant.entry.id, outcome.value);
        continue;
      }
      const error: unknown = outcome.reason;
      if (error instanceof Failure && error.reason === 'DECISION_STALE') stale = true;
      else this.#couldNot(grant, error, now, grant === defaultGrant);
    }
    return stale ? 'stale' : 'done';
  }

  /** Mint, then record; the key stays here until the row is durable (I3). */
  async #issue(grant: Grant, attested: Attested): Promise<Held> {
    const ttlMs = this.#ttlMs(grant);
    const { entry, identity } = grant;
    const minted = await this.#rooms.authority.mintLeaf({
      entryId: entry.id,
      entryRevision: entry.revision,
      spiffeId: SpiffeId.parseWorkload(entry.spiffeId),
      dnsNames: entry.dnsNames,
      ttlMs,
      caps: [grant.endsAt],
      keyType: this.#rooms.settings.keyType,
    });
    // guard: I3 test/issuance/held-commit.test.ts — no credential without its committed row
    const { seq } = await this.#rooms.ledger.record({
      serial: minted.serial,
      kind: 'x509',
      spiffeId: entry.spiffeId,
      entryId: entry.id,
      authorityId: minted.authorityId,
      issuedAt: minted.issuedAt,
      notBefore: minted.notBefore,
      notAfter: minted.notAfter,
      askedTtlMs: minted.askedTtlMs,
      audiences: [],
      pid: this.#process.pid,
      uid: this.#process.uid,
      gid: this.#process.gid,
      startTime: this.#process.startTime.toString(),
      marks: marksOf(this.#process, grant, this.#rooms.settings),
      facts: JSON.stringify(attested.facts),
      decidedOn: {
        entryId: entry.id,
        entryRevision: entry.revision,
        identityRevision: identity.revision,
        authorityId: minted.authorityId,
      },
    });
    return {
      svid: { spiffeId: entry.spiffeId, chain: minted.chainDer, privateKey: minted.privateKeyPkcs8, hint: grant.hint },
      shape: this.#shape(grant),
      authorityId: minted.authorityId,
      notAfter: minted.notAfter,
      renewAt: renewAt({ ...minted, fraction: this.#rooms.random.fraction() }),
      endsAt: grant.endsAt,
      cutShortBy: minted.cutShortBy,
      seq,
      delivered: false,
    };
  }

  #replace(entryId: string, next: Held): void {
    if (this.#closed !== undefined) {
      this.#drop(next, this.#closed);
      return;
    }
    const before = this.#held.get(entryId);
    if (before !== undefined) this.#drop(before, 'replaced before it was sent');
    this.#held.set(entryId, next);
  }

  /**
   * A renewal that fails leaves the SVID that is held, while it is valid. A first answer that cannot be whole is refused
   * whole, and so is one that would lack the default identity: never a lesser identity (design decision 7).
   */
  #couldNot(grant: Grant, error: unknown, now: number, isDefault: boolean): void {
    const held = this.#held.get(grant.entry.id);
    const stillGood =
      held !== undefined && held.shape === this.#shape(grant) && held.notAfter > now && held.notAfter <= grant.endsAt;
    if (!stillGood && (isDefault || this.#sent === undefined)) throw error;
    if (!stillGood && held !== undefined) this.#held.delete(grant.entry.id);
    this.#retryAt = now + RENEWAL_RETRY_MS;
    this.#rooms.log.warn(
      { pid: this.#process.pid, entry: grant.entry.id, err: error },
      stillGood ? 'an SVID could not be renewed; the one held is still valid' : 'an SVID could not be issued yet',
    );
  }

  #dropUngranted(match: Match): void {
    const granted = new Set(match.grants.map((grant) => grant.entry.id));
    for (const [entryId, held] of this.#held) {
      if (granted.has(entryId)) continue;
      this.#held.delete(entryId);
      this.#drop(held, 'the grant ended before it was sent');
    }
  }

  #drop(held: Held, reason: string): void {
    if (held.delivered) return;
    this.#rooms.ledger.markUndelivered(held.seq, reason).catch((error: unknown) => {
      this.#rooms.log.warn({ seq: held.seq, err: error }, 'an SVID that was never sent could not be marked so');
    });
  }

  #assemble(match: Match): X509State {
    const svids: X509SvidState[] = [];
    const trustDomains = new Set<string>();
    for (const grant of match.grants) {
      const held = this.#held.get(grant.entry.id);
      if (held === undefined) continue;
      svids.push(held.svid.hint === grant.hint ? held.svid : { ...held.svid, hint: grant.hint });
      for (const trustDomain of grant.federatesWith) trustDomains.add(trustDomain);
    }
    const own = this.#rooms.authority.bundle();
    return { svids, bundle: own.der, federated: federatedBundles(this.#rooms.registry, trustDomains) };
  }
}
