// SPDX-License-Identifier: Apache-2.0
/** Mints workload certificates with whatever CA is active: how long one lives, from which template, and whether at all. */
import type { WorkloadKeyType } from '../config/config.ts';
import { cappedTtlMs } from '../config/lifetimes.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import { type LeafEnd, leafEnd } from '../rotation/schedule.ts';
import type { MintedLeaf, Signer } from '../x509/types.ts';
import type { ClockGuard } from './clock-guard.ts';
import { TemplateCache } from './template-cache.ts';

export interface LeafRequest {
  readonly entryId: string;
  readonly entryRevision: number;
  readonly spiffeId: SpiffeId;
  readonly dnsNames: readonly string[];
  readonly ttlMs: number;
  /** Instants that the SVID must not outlive: the ends of entry, identity, task. */
  readonly caps: readonly number[];
  readonly keyType: WorkloadKeyType;
  /** The task that `spiffeId` names. */
  readonly task?: string | undefined;
}

export interface IssuedLeaf extends MintedLeaf {
  readonly authorityId: string;
  /** Leaf first; the root is in the bundle, not here. */
  readonly chainDer: Buffer;
  readonly issuedAt: number;
  readonly askedTtlMs: number;
  /** The end that cut it short (one of `caps`, or the CA's own); for `renewAt`. */
  readonly cutShortBy: number | undefined;
}

export interface MinterOptions {
  readonly caTtlMs: number;
  readonly guard: ClockGuard;
  readonly clock: Clock;
  readonly random: Random;
}

export class LeafMinter {
  readonly #opts: MinterOptions;
  #signer: Signer | undefined;
  #templates: TemplateCache | undefined;

  constructor(opts: MinterOptions) {
    this.#opts = opts;
  }

  /** Signs with this CA from now on; undefined: with none. */
  use(signer: Signer | undefined): void {
    this.#signer = signer;
    this.#templates = signer === undefined ? undefined : new TemplateCache(signer);
  }

  async mint(req: LeafRequest): Promise<IssuedLeaf> {
    const { guard, clock, random } = this.#opts;
    const refusal = guard.check();
    // guard: I8 test/authority/mint.test.ts
    if (refusal !== undefined) throw refusal;
    const signer = this.#signer;
    if (signer === undefined) throw noSigner();
    const now = clock.now();
    if (now >= signer.notAfter) throw expired(signer);
    const { notAfter, cutShortBy } = this.#end(now, req, signer);
    const leaf = await this.#templates!.get(req).mint({ now, notAfter, random });
    return {
      ...leaf,
      authorityId: signer.authorityId,
      chainDer: leaf.certificateDer,
      issuedAt: now,
      askedTtlMs: req.ttlMs,
      cutShortBy,
    };
  }

  #end(now: number, req: LeafRequest, signer: Signer): LeafEnd {
    return leafEnd(now, cappedTtlMs(req.ttlMs, this.#opts.caTtlMs), [...req.caps, signer.notAfter]);
  }
}

export function noSigner(): Failure {
  return new Failure('unavailable', 'NO_ACTIVE_AUTHORITY', 'no authority can sign at present', {
    hint: '`assay ca show` tells what is wrong',
  });
}

/** Rotation has failed for so long that nothing is left to sign with; it goes on trying. */
function expired(signer: Signer): Failure {
  const end = new Date(signer.notAfter).toISOString();
  return new Failure('unavailable', 'AUTHORITY_EXPIRED', `the authority ${signer.authorityId} expired at ${end}`, {
    hint: '`assay ca show` tells why it has no successor',
  });
}
