// SPDX-License-Identifier: Apache-2.0
/**
 * The revocation lists of our X.509 authorities: one for each that may have live SVIDs, signed by its own key, with the
 * serials that are revoked and not expired. Signed anew when one of them is revoked, gathered for a moment; when half of
 * the time to the next update is over; and when an authority comes.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import type { Failure } from '../lib/failure.ts';
import type { RevokedSvid } from '../store/revocations.ts';
import type { Check } from '../telemetry/check.ts';
import type { Logger } from '../telemetry/logger.ts';
import { buildCrl } from '../x509/crl.ts';
import type { Signer } from '../x509/types.ts';

export interface CrlsOptions {
  readonly authority: {
    crlSigners(): readonly Signer[];
    slots(): readonly { readonly id: string; readonly slot: string }[];
    onChange(listener: () => void): () => void;
  };
  readonly revocations: {
    ofAuthority(authorityId: string): readonly RevokedSvid[];
    onRevoked(listener: (revoked: readonly RevokedSvid[]) => void): () => void;
  };
  /** Why nothing may be signed now, undefined where it may: while the clock has gone back (I8). */
  readonly refusal: () => Failure | undefined;
  /** The wall clock moved, or the machine slept: timers know nothing of it, and lists may be old. Returns the undo. */
  readonly onClockJump: (listener: () => void) => () => void;
  /** From one list to its next update at the latest (`crl.lifetime`). */
  readonly lifetimeMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Revocations of this long make one list (so a thousand one after the other make few). */
const GATHERED_MS = 200;
const RETRY_MS = 5_000;
/** A verifier's clock may be behind ours. */
const BACKDATE_MS = 10_000;

interface Signed {
  readonly der: Buffer;
  readonly number: bigint;
  readonly signedAt: number;
  /** What it was made of: another value means another list. */
  readonly serials: string;
}

export class Crls {
  readonly #opts: CrlsOptions;
  readonly #undo: readonly (() => void)[];
  readonly #listeners = new Set<() => void>();
  readonly #signed = new Map<string, Signed>();
  #current: readonly Buffer[] = [];
  #timer: Timer | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #work: Promise<void> = Promise.resolve();
  #failure: string | undefined;
  #closed = false;

  /** Resolves when every authority whose key is there has its list, or it is known why not. */
  static async start(opts: CrlsOptions): Promise<Crls> {
    const crls = new Crls(opts);
    await crls.#refresh();
    return crls;
  }

  private constructor(opts: CrlsOptions) {
    this.#opts = opts;
    this.#undo = [
      opts.authority.onChange(() => this.#due(0)),
      opts.revocations.onRevoked((all) => this.#revoked(all)),
      opts.onClockJump(() => this.#due(0)),
    ];
  }

  /** DER, one each; the same array until one of them is another. */
  current(): readonly Buffer[] {
    return this.#current;
  }

  of(authorityId: string): Buffer | undefined {
    return this.#signed.get(authorityId)?.der;
  }

  /** `current` is another array from now on. Returns the undo. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  health(): Check {
    const name = 'revocation lists';
    const held = new Set(this.#opts.authority.crlSigners().map(({ authorityId }) => authorityId));
    const lost = this.#opts.authority.slots().filter(({ id, slot }) => slot !== 'prepared' && !held.has(id));
    if (this.#failure !== undefined)
      return { name, status: 'warn', text: `could not be signed, and grow old: ${this.#failure}` };
    if (lost.length > 0)
      return {
        name,
        status: 'warn',
        text: `none of ${lost.length} old authorities whose key is gone: what those signed cannot be put on a list`,
        hint: 'keep the keys of authorities on disk: ca.key_manager',
      };
    return { name, status: 'ok', text: `${this.#signed.size} signed` };
  }

  /** Waits for a signature under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const undo of this.#undo) undo();
    this.#timer?.cancel();
    this.#listeners.clear();
    await this.#work;
  }

  #revoked(all: readonly RevokedSvid[]): void {
    if (all.some(({ kind }) => kind === 'x509')) this.#due(GATHERED_MS);
  }

  #due(inMs: number): void {
    const at = this.#opts.clock.monotonic() + inMs;
    if (this.#closed || at >= this.#dueAt) return;
    this.#dueAt = at;
    this.#timer?.cancel();
    this.#timer = this.#opts.clock.after(inMs, () => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      this.#work = this.#work.then(() => this.#refresh());
    });
  }

  async #refresh(): Promise<void> {
    if (this.#closed) return;
    const { authority, log } = this.#opts;
    try {
      const signers = authority.crlSigners();
      for (const signer of signers) await this.#renew(signer);
      const ids = new Set(signers.map(({ authorityId }) => authorityId));
      for (const id of this.#signed.keys()) if (!ids.has(id)) this.#signed.delete(id);
      this.#failure = undefined;
      this.#due(this.#untilHalf());
    } catch (error) {
      if (this.#failure === undefined) log.warn({ err: error }, 'a revocation list could not be signed; tried again');
      this.#failure = (error as Error).message;
      this.#due(RETRY_MS);
    }
    this.#publish();
  }

  /** Until the oldest has half of its time behind it: one of them may have been signed long after another. */
  #untilHalf(): number {
    const { lifetimeMs, clock } = this.#opts;
    const now = clock.now();
    const left = [...this.#signed.values()].map(({ signedAt }) => signedAt + lifetimeMs / 2 - now);
    return Math.min(lifetimeMs / 2, ...left.map((ms) => Math.max(ms, 0)));
  }

  /** Leaves alone what is neither out of date nor half over. */
  async #renew(signer: Signer): Promise<void> {
    const { revocations, refusal, lifetimeMs, clock } = this.#opts;
    const now = clock.now();
    const revoked = revocations.ofAuthority(signer.authorityId).filter(({ kind }) => kind === 'x509');
    const serials = revoked.map(({ serial }) => serial).join(' ');
    const before = this.#signed.get(signer.authorityId);
    if (before?.serials === serials && now - before.signedAt < lifetimeMs / 2 && now >= before.signedAt) return;
    const why = refusal();
    // guard: I8 test/revocation/crls.test.ts
    if (why !== undefined) throw why;
    // Only grows (RFC 5280 section 5.2.3), over a restart, too: it is the time, and the clock is not behind (I8).
    const number = max(BigInt(now), (before?.number ?? 0n) + 1n);
    const times = { thisUpdate: now - BACKDATE_MS, nextUpdate: now + lifetimeMs };
    const der = await buildCrl({ signer, number, ...times, revoked });
    this.#signed.set(signer.authorityId, { der, number, signedAt: now, serials });
  }

  #publish(): void {
    const next = [...this.#signed.values()].map(({ der }) => der);
    if (next.length === this.#current.length && next.every((der, at) => der === this.#current[at])) return;
    this.#current = next;
    for (const listener of [...this.#listeners]) listener();
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
