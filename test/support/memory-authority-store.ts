// SPDX-License-Identifier: Apache-2.0
/** An AuthorityStore in memory that keeps the contract's promises, survives "restarts", and fails when told to. */
import { Failure } from '../../src/lib/failure.ts';
import type { AuthorityKind, AuthorityRecord } from '../../src/store/records.ts';
import type { AuthorityStore } from '../../src/store/store.ts';

export class MemoryAuthorityStore implements AuthorityStore {
  #records: readonly AuthorityRecord[] = [];
  #sequence = 0;
  /** When set, the next writes reject with it. */
  failure: Error | undefined;
  /** When set, each write waits for it before it commits. */
  hold: Promise<void> | undefined;
  writes = 0;

  loadAuthorities(kind?: AuthorityKind): readonly AuthorityRecord[] {
    return kind === undefined ? this.#records : this.#records.filter((one) => one.kind === kind);
  }

  ownBundleSequence(): number {
    return this.#sequence;
  }

  async replaceAuthorities(
    kind: AuthorityKind,
    next: readonly AuthorityRecord[],
    expectedRevisions: ReadonlyMap<string, number>,
  ): Promise<void> {
    await this.hold;
    if (this.failure !== undefined) throw this.failure;
    const others = this.#records.filter((one) => one.kind !== kind);
    const stored = new Map(this.loadAuthorities(kind).map((one) => [one.id, one.revision]));
    const same =
      stored.size === expectedRevisions.size && [...stored].every(([id, rev]) => expectedRevisions.get(id) === rev);
    if (!same) throw new Failure('aborted', 'REVISION_CONFLICT', 'the authorities changed meanwhile');
    const before = this.loadAuthorities(kind)
      .map((one) => one.published.toString('hex'))
      .sort();
    const after = next.map((one) => one.published.toString('hex')).sort();
    if (before.join() !== after.join()) this.#sequence += 1;
    const signed = new Map(this.#records.map((one) => [one.id, one.lastSvidNotAfter]));
    const kept = next.map((one) => ({
      ...one,
      lastSvidNotAfter: Math.max(signed.get(one.id) ?? 0, one.lastSvidNotAfter),
    }));
    this.#records = [...others, ...kept];
    this.writes += 1;
  }

  /** What recording an issuance does to its authority; false when that is not the active one (DECISION_STALE). */
  signed(id: string, notAfter: number): boolean {
    const active = this.#records.find((one) => one.slot === 'active' && one.id === id);
    if (active === undefined) return false;
    const raised = { ...active, lastSvidNotAfter: Math.max(active.lastSvidNotAfter, notAfter) };
    this.#records = this.#records.map((one) => (one.id === id ? raised : one));
    return true;
  }
}
