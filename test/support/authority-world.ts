// SPDX-License-Identifier: Apache-2.0
/**
 * An authority in a world that is not kind to it: time passes and jumps, the daemon dies around any write, keys and disks
 * fail, operators meddle. The world keeps its own books and says when a promise was broken.
 */
import { expect } from '@jest/globals';
import { X509Authority } from '../../src/authority/authority.ts';
import { ClockGuard } from '../../src/authority/clock-guard.ts';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { Failure } from '../../src/lib/failure.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { AuthorityKind, AuthorityRecord } from '../../src/store/records.ts';
import type { AuthorityStore } from '../../src/store/store.ts';
import { HOUR, leafRequest, memoryAcceptances, td, untimed } from './authority.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryAuthorityStore } from './memory-authority-store.ts';
import { RecordingLogger } from './recording-logger.ts';

export type Dying = 'before' | 'after';

/** The store as one life of the daemon sees it: it may die around a write, and then hears and does nothing more. */
class OneLife implements AuthorityStore {
  readonly #store: MemoryAuthorityStore;
  readonly #written: () => void;
  dying: Dying | undefined;
  dead = false;
  readonly death: Promise<void>;
  #die: () => void = () => undefined;

  constructor(store: MemoryAuthorityStore, written: () => void) {
    this.#store = store;
    this.#written = written;
    this.death = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  loadAuthorities(kind?: AuthorityKind): readonly AuthorityRecord[] {
    return this.#store.loadAuthorities(kind);
  }

  ownBundleSequence(): number {
    return this.#store.ownBundleSequence();
  }

  async replaceAuthorities(...[kind, next, expected]: Parameters<AuthorityStore['replaceAuthorities']>): Promise<void> {
    if (!this.dead && this.dying !== 'before') {
      await this.#store.replaceAuthorities(kind, next, expected);
      this.#written();
    }
    if (!this.dead && this.dying === undefined) return;
    this.dead = true;
    this.#die();
    await new Promise(() => undefined);
  }
}

/** Refusals and the disk's failures are part of life; a broken promise is not. */
function expected(error: unknown): void {
  if (error instanceof Failure || (error instanceof Error && error.message === 'disk full')) return;
  throw error;
}

interface Svid {
  readonly authorityId: string;
  readonly notAfter: number;
}

export class World {
  readonly clock = new FakeClock();
  readonly store = new MemoryAuthorityStore();
  readonly log = new RecordingLogger();
  #keys = memoryKeyManager({ random: systemRandom });
  #caTtlMs = 24 * HOUR;
  #life: OneLife | undefined;
  #authority: X509Authority | undefined;
  readonly #svids: Svid[] = [];
  readonly #publishedAt = new Map<string, number>();
  readonly #announceOf = new Map<string, number>();
  readonly #contentOf = new Map<number, string>();
  #sequence = 0;
  readonly #broken: unknown[] = [];
  readonly #revoked = new Set<string>();
  #before: readonly AuthorityRecord[] = [];
  /** Keys are gone, or an operator says --now: then a root may sign unannounced. */
  #lost = false;
  #insisting = false;
  /** Of which an operator says --force: what it signed may be trusted no more. */
  #revoking: string | undefined;
  signed = 0;
  steps = 0;

  async start(): Promise<void> {
    const life = new OneLife(this.store, () => {
      // Thrown in there it would only be one more failed step.
      try {
        this.#written();
      } catch (error) {
        this.#broken.push(error);
      }
    });
    this.#life = life;
    const { clock, log } = this;
    const guard = new ClockGuard({ clock: untimed(clock), storedLatest: 0, acceptances: memoryAcceptances(), log });
    const started = X509Authority.start({
      trustDomain: td,
      store: life,
      keyManager: this.#keys,
      caTtlMs: this.#caTtlMs,
      keyType: 'ec-p256',
      guard,
      clock,
      random: systemRandom,
      log,
    });
    this.#authority = (await Promise.race([started.catch(expected), life.death.then(() => undefined)])) as
      | X509Authority
      | undefined;
  }

  /** `work` on the running authority, if it runs; a death meanwhile is followed by a new start. */
  async run(work: (authority: X509Authority) => Promise<unknown>): Promise<void> {
    if (this.#authority === undefined) await this.start();
    const authority = this.#authority;
    if (authority !== undefined) await Promise.race([work(authority).catch(expected), this.#life!.death]);
    await this.advance(0);
  }

  async advance(ms: number): Promise<void> {
    // A failing step is tried every minute, with a new key each time.
    await this.clock.advance(this.store.failure === undefined ? ms : ms / 20);
    if (this.#life?.dead === true) await this.start();
  }

  /** The guard would see it within a second; here it is asked to look. */
  async jump(ms: number): Promise<void> {
    this.clock.jump(ms);
    this.#authority?.health();
    await this.advance(0);
  }

  async restart(how: 'keys kept' | 'keys lost', caTtlMs: number): Promise<void> {
    const authority = this.#authority;
    this.#authority = undefined;
    if (this.#life?.dead !== true) await authority?.close();
    if (how === 'keys lost') {
      this.#keys = memoryKeyManager({ random: systemRandom });
      this.#lost = true;
    }
    this.#caTtlMs = caTtlMs;
    await this.start();
  }

  async activate(now: boolean): Promise<void> {
    this.#insisting = now;
    await this.run((authority) => authority.activate({ now, by: 'uid:0' }));
    this.#insisting = false;
  }

  taint(index: number): Promise<void> {
    return this.run(async (authority) => authority.taint({ id: this.#idOf(index), by: 'uid:0' }));
  }

  async revoke(index: number, force: boolean): Promise<void> {
    const id = this.#idOf(index);
    this.#revoking = force ? id : undefined;
    await this.run((authority) => authority.revoke({ id, force, by: 'uid:0' }));
    this.#revoking = undefined;
  }

  #idOf(index: number): string {
    return this.store.loadAuthorities()[index]?.id ?? '';
  }

  die(when: Dying): void {
    if (this.#life !== undefined) this.#life.dying = when;
  }

  async issue(authority: X509Authority): Promise<void> {
    const now = this.clock.now();
    const leaf = await authority.mintLeaf(leafRequest());
    const { id, notAfter } = authority.slots().find((one) => one.id === leaf.authorityId)!;
    expect(leaf.notAfter).toBeLessThanOrEqual(Math.min(notAfter, now + HOUR, now + this.#caTtlMs / 6));
    if (!this.store.signed(id, leaf.notAfter)) return;
    this.#svids.push(leaf);
    this.signed += 1;
    this.#checkAnnounced(id, now);
  }

  /** I6: a root that signs before it was announced is logged as such, even when the daemon died right after the step. */
  #checkAnnounced(id: string, now: number): void {
    if (now - this.#publishedAt.get(id)! >= this.#announceNeeded(id)) return;
    const lines = this.log.lines.filter(({ fields }) => (fields as { authorityId?: string }).authorityId === id);
    expect(lines).toContainEqual(expect.objectContaining({ message: expect.stringContaining('unannounced') }));
  }

  /** Who saw it published was asked to come back by the hint of then, also where a later bundle asks less often. */
  #announceNeeded(id: string): number {
    return Math.min(this.#announceOf.get(id)!, this.#announceMs());
  }

  /** Five refresh hints of the bundle as it stands. */
  #announceMs(): number {
    const lives = this.store.loadAuthorities().map(({ preparedAt, notAfter }) => notAfter - preparedAt);
    return 5 * Math.floor(Math.min(300_000, Math.min(...lives) / 15) / 1000) * 1000;
  }

  /** BUN-18 and I6: announced before it signs, unless nothing else could sign or an operator insisted. */
  #checkActivation(): void {
    const active = this.store.loadAuthorities().find(({ slot }) => slot === 'active');
    const before = this.#before.find(({ slot }) => slot === 'active');
    if (active === undefined || active.id === before?.id) return;
    const now = this.clock.now();
    const lastUse =
      before === undefined ? now : before.notAfter - Math.floor((before.notAfter - before.preparedAt) / 60);
    if (now < lastUse && !this.#lost && !this.#insisting)
      expect(now - this.#publishedAt.get(active.id)!).toBeGreaterThanOrEqual(this.#announceNeeded(active.id));
    this.#lost = false;
  }

  /** Called inside each write: sequence and content move together, and only forward (BUN-03). */
  #written(): void {
    this.steps += 1;
    const records = this.store.loadAuthorities();
    for (const { id } of records) {
      if (this.#publishedAt.has(id)) continue;
      this.#publishedAt.set(id, this.clock.now());
      this.#announceOf.set(id, this.#announceMs());
    }
    const content = records
      .map(({ id }) => id)
      .sort()
      .join();
    const sequence = this.store.ownBundleSequence();
    expect(sequence).toBeGreaterThanOrEqual(this.#sequence);
    expect(this.#contentOf.get(sequence) ?? content).toBe(content);
    if (sequence > this.#sequence) expect(this.#contentOf.get(this.#sequence)).not.toBe(content);
    this.#contentOf.set(sequence, content);
    this.#sequence = sequence;
    for (const one of this.#before) if (one.id === this.#revoking) this.#checkRevoked(one, records);
    this.#checkTrusted();
    this.#checkActivation();
    this.#before = records;
  }

  /** Only one that was tainted before goes by force. */
  #checkRevoked(before: AuthorityRecord, records: readonly AuthorityRecord[]): void {
    if (records.some(({ id }) => id === before.id)) return;
    expect(before).toMatchObject({ slot: 'old', taintedAt: expect.any(Number) });
    this.#revoked.add(before.id);
  }

  /** BUN-19: every valid SVID's root is in the bundle. */
  #checkTrusted(): void {
    const published = new Set(this.store.loadAuthorities().map(({ id }) => id));
    const untrusted = this.#svids.filter(
      (svid) =>
        svid.notAfter >= this.clock.now() && !published.has(svid.authorityId) && !this.#revoked.has(svid.authorityId),
    );
    expect(untrusted).toEqual([]);
  }

  async check(): Promise<void> {
    expect(this.#broken).toEqual([]);
    this.#checkTrusted();
    const records = this.store.loadAuthorities();
    const count = (slot: string): number => records.filter((one) => one.slot === slot).length;
    if (records.length > 0) expect(count('active')).toBe(1);
    expect(count('prepared')).toBeLessThanOrEqual(1);
    const authority = this.#authority;
    if (authority === undefined || this.#life?.dying !== undefined) return;
    expect(authority.show().bundleSequence).toBe(this.store.ownBundleSequence());
    expect(authority.bundle().certificates).toHaveLength(records.length);
    // No key without an authority, once a step is over.
    const named = new Set(records.map(({ keyRef }) => keyRef));
    expect((await this.#keys.list()).filter((ref) => !named.has(ref))).toEqual([]);
    // With a disk that works, something can always sign.
    if (
      this.store.failure === undefined &&
      authority.health().reasons.every((reason) => !reason.startsWith('rotation'))
    )
      expect(authority.health().state).not.toBe('failing');
  }

  async stop(): Promise<void> {
    if (this.#life?.dead !== true) await this.#authority?.close();
  }
}
