// SPDX-License-Identifier: Apache-2.0
/**
 * Who was taken back, as the revocation lists of our trust domain say. Node's own `crl` option is never used: with it a
 * connection breaks where an authority has no list, where a list is past its next update, and where two authorities have
 * one name. Here no list means that nothing is revoked, and an old one counts on and is an alarm.
 */
import { isNamedBy, type ParsedCrl, parseCrl, verifyCrl } from '../x509/crl-parse.ts';
import { type ParsedCertificate, parseCertificate } from '../x509/parse.ts';
import type { SourceLog } from './followed.ts';

/** Of a certificate, what tells whether it is on a list. */
export type Listable = Pick<ParsedCertificate, 'issuerDer' | 'aki' | 'serial'>;

export interface CrlStatus {
  /** Authorities with a list. */
  readonly lists: number;
  /** Serials on them. */
  readonly revoked: number;
  /** When the first of them is past its next update, milliseconds UTC; undefined where there are none. */
  readonly nextUpdate: number | undefined;
  /** One of them is. What it says still counts. */
  readonly stale: boolean;
  /** Why a list that came last was not taken; undefined where all were. */
  readonly problem: string | undefined;
}

export class CrlBook {
  readonly #log: SourceLog | undefined;
  /** By the key identifier of the authority, hex. */
  readonly #lists = new Map<string, ParsedCrl>();
  #anchors: readonly ParsedCertificate[] = [];
  /** Of the last message, those whose authority is not known here, or not yet: lists and bundles come over two streams. */
  #early: readonly Buffer[] = [];
  #problem: string | undefined;
  #toldStale = false;

  constructor(log: SourceLog | undefined) {
    this.#log = log;
  }

  /**
   * The anchors (DER) of our own trust domain. A list of an authority that left them goes with it; one that came before its
   * authority is taken now. True as of `take`.
   */
  trust(anchors: readonly Buffer[]): boolean {
    this.#anchors = anchors.map((der) => parseCertificate(der));
    for (const [id, list] of this.#lists)
      if (!this.#anchors.some((anchor) => isNamedBy(list, anchor))) this.#lists.delete(id);
    // guard: WAPI-39 test/client/crl-book.test.ts — dropped, it would bring somebody back until the next list
    return this.#early.length > 0 && this.take(this.#early);
  }

  /** One of each authority, DER. True when something is revoked now that was not before. */
  take(crls: readonly Buffer[]): boolean {
    this.#problem = undefined;
    const early: Buffer[] = [];
    let news = false;
    for (const der of crls) {
      try {
        const list = parseCrl(der);
        if (!this.#anchors.some((anchor) => isNamedBy(list, anchor))) early.push(der);
        if (this.#takeOne(list)) news = true;
      } catch (error) {
        // What was taken before stands: a bad list must not bring anybody back.
        this.#problem = error instanceof Error ? error.message : String(error);
        this.#log?.warn({ problem: this.#problem }, 'a revocation list was not taken');
      }
    }
    this.#early = early;
    return news;
  }

  isRevoked({ issuerDer, aki, serial }: Listable): boolean {
    if (aki !== undefined) return this.#lists.get(aki.toString('hex'))?.revoked.has(serial) === true;
    for (const list of this.#lists.values())
      if (list.issuerDer.equals(issuerDer) && list.revoked.has(serial)) return true;
    return false;
  }

  status(now: number): CrlStatus {
    const lists = [...this.#lists.values()];
    const nextUpdate = lists.length === 0 ? undefined : Math.min(...lists.map((list) => list.nextUpdate));
    const stale = nextUpdate !== undefined && nextUpdate < now;
    const revoked = lists.reduce((sum, list) => sum + list.revoked.size, 0);
    return { lists: lists.length, revoked, nextUpdate, stale, problem: this.#problem };
  }

  /** Says once that a list is past its next update, and again when it was not meanwhile. */
  lookForStale(now: number): void {
    const { stale, nextUpdate } = this.status(now);
    if (stale && !this.#toldStale)
      this.#log?.warn(
        { nextUpdate: new Date(nextUpdate as number).toISOString() },
        'a revocation list is past its next update; what it says still counts, what came since is not known',
      );
    this.#toldStale = stale;
  }

  #takeOne(list: ParsedCrl): boolean {
    const id = list.aki.toString('hex');
    const anchor = this.#anchors.find((one) => isNamedBy(list, one));
    if (anchor === undefined) throw new Error('it is of no authority of our trust domain');
    const before = this.#lists.get(id);
    // guard: WAPI-39 test/client/crl-book.test.ts — an older one may lack who was revoked since
    if (before !== undefined && list.number <= before.number) return false;
    verifyCrl(list, anchor.der);
    this.#lists.set(id, list);
    return [...list.revoked.keys()].some((serial) => before?.revoked.has(serial) !== true);
  }
}
