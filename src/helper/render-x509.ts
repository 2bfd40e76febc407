// SPDX-License-Identifier: Apache-2.0
/**
 * An identity and its bundles as the files of an output. What spiffe-helper writes too holds what it has there
 * (pkg/disk/x509.go), but for one thing: `omit_expired` never leaves out what the identity itself consists of.
 */
import { createHash } from 'node:crypto';
import type { X509State, X509Svid } from '../client/x509-state.ts';
import { parseCertificate } from '../x509/parse.ts';
import { toPem } from '../x509/pem.ts';
import { type StoreSecrets, writeKeyStore, writeTrustStore } from '../x509/pkcs12.ts';
import { pickSvid } from './pick-svid.ts';
import type { Output, X509Output } from './settings.ts';
import type { Content } from './target.ts';
import type { WantedFile, WantedSet } from './wanted-file.ts';

/** The names in use, in a fixed order. */
export function x509Names({ files }: X509Output): readonly string[] {
  return Object.values(files).filter((name) => name !== undefined);
}

/** Throws SVID_NOT_CHOSEN. */
export function renderX509(
  state: X509State,
  output: Output & { readonly x509: X509Output },
  now: number,
  secrets: StoreSecrets,
): Content {
  const svid = pickSvid(state.svids, output.pick);
  const parts = partsOf(state, svid, output.x509, now);
  return {
    files: filesOf(parts, output, secrets),
    freshUntil: svid.notAfter,
    about: { spiffeId: `${svid.spiffeId}`, serial: svid.serial },
  };
}

interface Parts {
  /** DER. */
  readonly chain: readonly Buffer[];
  readonly bundle: readonly Buffer[];
  readonly pkcs8: Buffer;
}

function partsOf(state: X509State, svid: X509Svid, x509: X509Output, now: number): Parts {
  const own = svid.spiffeId.trustDomain.name;
  const [leaf, ...intermediates] = svid.chain as readonly [Buffer, ...Buffer[]];
  const bundle = [...(state.bundles.get(own) ?? [])];
  if (x509.intermediatesInBundle) bundle.push(...intermediates);
  if (x509.federatedBundles) {
    const others = [...state.bundles].filter(([name]) => name !== own).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, anchors] of others) bundle.push(...anchors);
  }
  return {
    chain: x509.intermediatesInBundle ? [leaf] : svid.chain,
    bundle: x509.omitExpired ? bundle.filter((der) => parseCertificate(der).notAfter >= now) : bundle,
    pkcs8: svid.privateKey.export({ format: 'der', type: 'pkcs8' }),
  };
}

function filesOf(
  { chain, bundle, pkcs8 }: Parts,
  { modes, owner, x509 }: Output & { readonly x509: X509Output },
  secrets: StoreSecrets,
): WantedSet {
  const { files } = x509;
  const { password } = secrets;
  const pem = (certificates: readonly Buffer[]): string =>
    certificates.map((der) => toPem('CERTIFICATE', der)).join('');
  const keyPem = toPem('PRIVATE KEY', pkcs8);
  const found: WantedFile[] = [];
  const add = (name: string | undefined, mode: number, make: () => Buffer | string, madeFrom?: string): void => {
    if (name === undefined) return;
    const bytes = Buffer.from(make());
    found.push({ name, mode, ...owner, bytes, ...(madeFrom === undefined ? {} : { madeFrom }) });
  };
  add(files.cert, modes.cert, () => pem(chain));
  add(files.key, modes.key, () => keyPem);
  add(files.bundle, modes.cert, () => pem(bundle));
  add(files.combined, modes.key, () => pem(chain) + keyPem);
  add(files.certDer, modes.cert, () => chain[0] as Buffer);
  add(files.keyDer, modes.key, () => pkcs8);
  add(files.pkcs12, modes.key, () => writeKeyStore(pkcs8, chain, secrets), digest(password, pkcs8, ...chain));
  add(files.pkcs12Bundle, modes.cert, () => writeTrustStore(bundle, secrets), digest(password, ...bundle));
  return found as unknown as WantedSet;
}

function digest(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}
