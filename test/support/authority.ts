// SPDX-License-Identifier: Apache-2.0
/** An X509Authority on fakes for clock and store, and real keys and certificates. */
import { expect } from '@jest/globals';
import {
  type AuthorityOptions,
  type IssuedLeaf,
  type LeafRequest,
  X509Authority,
} from '../../src/authority/authority.ts';
import { type ClockAcceptances, ClockGuard } from '../../src/authority/clock-guard.ts';
import type { KeyManager } from '../../src/authority/key-manager.ts';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryAuthorityStore } from './memory-authority-store.ts';

export const HOUR = 3_600_000;
export const MINUTE = 60_000;
export const td = TrustDomain.parse('example.org');

export function memoryAcceptances(): ClockAcceptances & { readonly made: Map<number, number> } {
  const made = new Map<number, number>();
  return { made, accepted: (latest) => made.get(latest), accept: async (latest, now) => void made.set(latest, now) };
}

/** The same instants without timers: a guard that looks each second makes days of fake time slow. */
export function untimed(clock: Clock): Clock {
  return { now: () => clock.now(), monotonic: () => clock.monotonic(), after: () => ({ cancel: () => undefined }) };
}

export function leafRequest(over: Partial<LeafRequest> = {}): LeafRequest {
  return {
    entryId: 'entry-1',
    entryRevision: 1,
    spiffeId: SpiffeId.parse('spiffe://example.org/web'),
    dnsNames: [],
    ttlMs: HOUR,
    caps: [],
    keyType: 'ec-p256',
    ...over,
  };
}

/** What the ledger does after minting: true when the row may be written. */
export function recorded(bench: Bench, leaf: IssuedLeaf): boolean {
  return bench.store.signed(leaf.authorityId, leaf.notAfter);
}

export interface Bench {
  readonly authority: X509Authority;
  readonly clock: FakeClock;
  readonly store: MemoryAuthorityStore;
  readonly guard: ClockGuard;
  readonly opts: AuthorityOptions;
  close(): Promise<void>;
}

/** Starts an authority; `over` replaces parts, for instance those of an earlier bench after a "restart". */
export async function startAuthority(
  over: Partial<AuthorityOptions> & { clock?: FakeClock; store?: MemoryAuthorityStore } = {},
): Promise<Bench> {
  const clock = over.clock ?? new FakeClock();
  const store = over.store ?? new MemoryAuthorityStore();
  const guard =
    over.guard ??
    new ClockGuard({ clock: untimed(clock), storedLatest: 0, acceptances: memoryAcceptances(), log: silentLogger });
  const opts: AuthorityOptions = {
    trustDomain: td,
    keyManager: memoryKeyManager({ random: systemRandom }),
    caTtlMs: 24 * HOUR,
    keyType: 'ec-p256',
    random: systemRandom,
    log: silentLogger,
    ...over,
    store,
    clock,
    guard,
  };
  const authority = await X509Authority.start(opts);
  const close = async (): Promise<void> => {
    guard.close();
    await authority.close();
  };
  return { authority, clock, store, guard, opts, close };
}

/** Stops the daemon's authority and starts another one on what it left in the store. */
export async function restart(
  bench: Bench,
  keyManager: KeyManager,
  over: Partial<AuthorityOptions> = {},
): Promise<Bench> {
  await bench.close();
  return startAuthority({ ...over, clock: bench.clock, store: bench.store, keyManager });
}

/** Authority id -> slot. */
export function slotsOf(authority: X509Authority): Record<string, string> {
  return Object.fromEntries(authority.slots().map(({ id, slot }) => [id, slot]));
}

/** Real files and threads take real time, which the fake clock does not wait for. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000 && !holds(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}
