// SPDX-License-Identifier: Apache-2.0
/**
 * Mints X.509-SVIDs. A template holds everything that one entry's certificates under one signer have in common;
 * minting patches in serial, dates, key and key identifier, has it signed, and looks at the result before it lets go
 * of it (I2). The caller keeps one template for each entry and signer, and drops it when either changes.
 */
import type { SpiffeId } from '../identity/spiffe-id.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import * as asn1 from './asn1.ts';
import { isGeneralized, LAST_DATE, writeTime } from './der-time.ts';
import { type Issuer, issuerOf } from './issuer.ts';
import { skiOfBits } from './key-id.ts';
import { checkLeaf, type LeafIntent, proveKey, proveSignature } from './leaf-check.ts';
import { type LeafPattern, patternOf, walkLeaf } from './leaf-walk.ts';
import { leafExtensions, leafSubject } from './profile.ts';
import { newSerial, SERIAL_BYTES } from './serial.ts';
import { encodeTbs, wrapSigned } from './tbs.ts';
import { layoutOf, type TbsLayout } from './tbs-layout.ts';
import type { MintedLeaf, Signer, WorkloadKeyType } from './types.ts';
import { newWorkloadKey, placeholderSpki, type WorkloadKey } from './workload-key.ts';

export type { MintedLeaf } from './types.ts';

/** So that a peer whose clock is a little behind accepts it at once; SPIRE's number (X509-28). */
const BACKDATE_MS = 10_000;
/** One in this many is decoded and its signature verified after the first (I2). */
const SAMPLE = 64;

export interface LeafOptions {
  readonly spiffeId: SpiffeId;
  readonly dnsNames: readonly string[];
  readonly keyType: WorkloadKeyType;
  readonly signer: Signer;
}

export interface MintOptions {
  /** Milliseconds UTC. */
  readonly now: number;
  /** Milliseconds UTC; taken to the whole second below, and never past the signer's. */
  readonly notAfter: number;
  readonly random: Random;
}

/** A TBSCertificate for one pair of date formats, with its holes. */
interface Shape {
  readonly tbs: Buffer;
  readonly layout: TbsLayout;
}

export class LeafTemplate {
  readonly #options: LeafOptions;
  readonly #issuer: Issuer;
  readonly #uri: string;
  readonly #subjectDer: Buffer;
  /** By the formats of the two dates. */
  readonly #shapes: Shape[] = [];
  #pattern: LeafPattern | undefined;
  #released = 0;

  private constructor(options: LeafOptions, issuer: Issuer) {
    this.#options = options;
    this.#issuer = issuer;
    this.#uri = options.spiffeId.toString();
    this.#subjectDer = asn1.encode(leafSubject(options.dnsNames));
  }

  /** Refuses an ID without path, and one of another trust domain than the signer's. */
  static build(options: LeafOptions): LeafTemplate {
    const { signer, spiffeId } = options;
    // guard: X509-03 test/x509/leaf.test.ts
    if (spiffeId.path === '') throw refused(spiffeId, 'it has no path, so it names no workload');
    const issuer = issuerOf(signer);
    // guard: ID-18 test/x509/leaf.test.ts
    if (!spiffeId.memberOf(issuer.trustDomain)) {
      throw refused(spiffeId, `the signer is that of ${issuer.trustDomain.id} and signs no other names`);
    }
    // Copied: a list that changes later must not change what the look at a leaf compares with.
    return new LeafTemplate({ ...options, dnsNames: [...options.dnsNames] }, issuer);
  }

  async mint(options: MintOptions): Promise<MintedLeaf> {
    const notBefore = wholeSecond(options.now - BACKDATE_MS);
    const notAfter = this.#end(options);
    const making = newWorkloadKey(this.#options.keyType);
    // Nothing is awaited that is there already: a turn of the loop for each SVID would be dear.
    const key = making instanceof Promise ? await making : making;
    const intent = this.#intent(newSerial(options.random), notBefore, notAfter, key);
    const tbs = this.#fill(intent);
    const signing = this.#issuer.signer.sign(tbs);
    const signature = signing instanceof Promise ? await signing : signing;
    const certificateDer = wrapSigned(tbs, this.#issuer.kind.identifier, signature);
    // guard: I2 test/x509/self-check.test.ts
    this.#check(certificateDer, intent);
    const serial = intent.serial.toString('hex');
    return { certificateDer, privateKeyPkcs8: key.pkcs8, serial, notBefore, notAfter, spki: key.spki };
  }

  #end({ now, notAfter }: MintOptions): number {
    let end = wholeSecond(Math.min(notAfter, LAST_DATE));
    // guard: I5 test/x509/leaf.test.ts
    end = Math.min(end, this.#issuer.signer.notAfter);
    if (end > now) return end;
    throw new Failure(
      'failed-precondition',
      'SVID_WOULD_BE_EXPIRED',
      `an SVID for ${this.#uri} would already be over`,
      {
        field: 'notAfter',
        value: new Date(end).toISOString(),
        hint: 'look at the end of the CA, the entry and the identity',
      },
    );
  }

  #fill({ key, notAfter, notBefore, serial, ski }: LeafIntent): Buffer {
    const { layout, tbs: blank } = this.#shape(notBefore, notAfter);
    const tbs = Buffer.allocUnsafe(blank.length);
    tbs.set(blank);
    tbs.set(serial, layout.serial);
    writeTime(tbs, layout.notBefore, notBefore);
    writeTime(tbs, layout.notAfter, notAfter);
    tbs.set(key.spki, layout.spki);
    tbs.set(ski, layout.ski);
    return tbs;
  }

  #shape(notBefore: number, notAfter: number): Shape {
    const which = (isGeneralized(notBefore) ? 2 : 0) + (isGeneralized(notAfter) ? 1 : 0);
    const shape = this.#shapes[which] ?? this.#newShape(notBefore, notAfter);
    this.#shapes[which] = shape;
    return shape;
  }

  #newShape(notBefore: number, notAfter: number): Shape {
    const { dnsNames, keyType, signer, spiffeId } = this.#options;
    const subject = leafSubject(dnsNames);
    const tbs = encodeTbs({
      serial: Buffer.alloc(SERIAL_BYTES, 0x40),
      signatureAlgorithm: this.#issuer.kind.identifier,
      issuer: asn1.decoded(signer.subjectDer),
      notBefore,
      notAfter,
      subject,
      spki: placeholderSpki(keyType),
      extensions: leafExtensions({ spiffeId, dnsNames, subject }, Buffer.alloc(20), signer.ski),
    });
    return { tbs, layout: layoutOf(tbs) };
  }

  #intent(serial: Buffer, notBefore: number, notAfter: number, key: WorkloadKey): LeafIntent {
    return {
      serial,
      notBefore,
      notAfter,
      key,
      ski: skiOfBits(key.bits),
      issuer: this.#issuer,
      subjectDer: this.#subjectDer,
      uri: this.#uri,
      dnsNames: this.#options.dnsNames,
      sanCritical: false,
    };
  }

  #check(certificateDer: Buffer, intent: LeafIntent): void {
    if (this.#pattern === undefined || this.#released % SAMPLE === 0) this.#prove(certificateDer, intent);
    else walkLeaf(certificateDer, this.#pattern, intent);
    // Only what passes counts, so that a signer gone wrong does not use up the sample.
    this.#released += 1;
  }

  #prove(certificateDer: Buffer, intent: LeafIntent): void {
    const leaf = checkLeaf(certificateDer, intent);
    proveSignature(leaf, intent);
    this.#pattern ??= patternOf(leaf);
    const { keyTypesProven } = this.#issuer;
    if (keyTypesProven.has(this.#options.keyType)) return;
    proveKey(intent);
    keyTypesProven.add(this.#options.keyType);
  }
}

function refused(spiffeId: SpiffeId, reason: string): Failure {
  return new Failure('invalid-argument', 'SPIFFE_ID_INVALID', `no SVID for ${quote(spiffeId.toString())}: ${reason}`, {
    field: 'SPIFFE ID',
    value: quote(spiffeId.toString()),
    hint: 'register an ID below the trust domain of this daemon',
  });
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
