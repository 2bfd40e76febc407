// SPDX-License-Identifier: Apache-2.0
/**
 * A certificate and its key from two files, read again when they change: whoever renews them (certbot, a mounted secret) need not
 * tell the daemon. The files are looked at every few seconds, so a link that is turned round counts as well. A new pair that
 * cannot be used is warned of once, and the old one stays.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { readSecretFile, readTrustedFile } from '../config/trusted-file.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Logger } from '../telemetry/logger.ts';
import { fromPem } from '../x509/pem.ts';
import type { CertificateSource, ServerCertificate } from './listener.ts';

export interface WebCertificateOptions {
  readonly certPath: string;
  readonly keyPath: string;
  /** The daemon's. */
  readonly uid: number;
  readonly gid: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface CertificateFacts {
  /** DNS names and addresses, as the certificate has them: `DNS:example.org, IP Address:10.0.0.1`. */
  readonly names: string;
  /** Milliseconds UTC. */
  readonly notAfter: number;
}

interface Loaded extends CertificateFacts {
  readonly pair: ServerCertificate;
  /** Of both files, so that a change shows. */
  readonly mark: string;
}

const LOOK_MS = 5_000;
/** A chain of the longest kind has some 20 KB. */
const MOST_BYTES = 256 << 10;

export class WebCertificate implements CertificateSource {
  readonly #options: WebCertificateOptions;
  readonly #listeners = new Set<() => void>();
  #loaded: Loaded;
  #warnedOf: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  /** Rejects when the pair cannot be used. */
  static async open(options: WebCertificateOptions): Promise<WebCertificate> {
    return new WebCertificate(options, await load(options));
  }

  private constructor(options: WebCertificateOptions, loaded: Loaded) {
    this.#options = options;
    this.#loaded = loaded;
    this.#wait();
  }

  get facts(): CertificateFacts {
    return this.#loaded;
  }

  current(): ServerCertificate {
    return this.#loaded.pair;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #wait(): void {
    if (!this.#closed) this.#timer = this.#options.clock.after(LOOK_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    try {
      if ((await markOf(this.#options)) !== this.#loaded.mark) this.#take(await load(this.#options));
      this.#warnedOf = undefined;
    } catch (error) {
      this.#warn(error as Error);
    }
    this.#wait();
  }

  #take(loaded: Loaded): void {
    if (this.#closed) return;
    this.#loaded = loaded;
    const { names, notAfter } = loaded;
    this.#options.log.info({ names, notAfter: new Date(notAfter) }, 'the HTTPS certificate was read anew');
    for (const listener of [...this.#listeners]) listener();
  }

  #warn(error: Error): void {
    if (this.#warnedOf === error.message) return;
    this.#warnedOf = error.message;
    this.#options.log.warn({ err: error }, 'the new HTTPS certificate cannot be used; the old one stays');
  }
}

async function load(options: WebCertificateOptions): Promise<Loaded> {
  const { certPath, keyPath, uid, gid } = options;
  // The mark first: a change while the files are read is seen at the next look.
  const mark = await markOf(options);
  const cert = await readTrustedFile(certPath, uid, 'https.cert', MOST_BYTES);
  const key = await readSecretFile(keyPath, uid, gid, 'https.key', MOST_BYTES);
  return { ...checkPair(cert, key), pair: { cert, key }, mark };
}

function checkPair(cert: string, key: string): CertificateFacts {
  const [first] = fromPem(cert, 'CERTIFICATE');
  if (first === undefined) throw unusable('https.cert', 'it holds no certificate');
  const certificate = readCertificate(first);
  const names = certificate.subjectAltName ?? '';
  // guard: FED-07 test/https/web-certificate.test.ts — no client could match a host with it (RFC 6125 section 6.4)
  if (!/(?:^|, )(?:DNS|IP Address):/.test(names)) throw unusable('https.cert', 'it names no host');
  if (!certificate.checkPrivateKey(readKey(key))) throw unusable('https.key', 'it is not the key of https.cert');
  return { names, notAfter: Date.parse(certificate.validTo) };
}

function readCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw unusable('https.cert', 'it is no certificate', cause);
  }
}

function readKey(pem: string) {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw unusable('https.key', 'it is no private key in PEM, or one with a passphrase', cause);
  }
}

async function markOf({ certPath, keyPath }: WebCertificateOptions): Promise<string> {
  const marks = await Promise.all(
    [certPath, keyPath].map(async (path) => {
      const { dev, ino, mtimeNs, size } = await stat(path, { bigint: true });
      return `${dev}:${ino}:${mtimeNs}:${size}`;
    }),
  ).catch(() => ['unreadable']);
  return marks.join(' ');
}

function unusable(field: string, reason: string, cause?: unknown): Failure {
  return new Failure('failed-precondition', 'HTTPS_CERTIFICATE_UNUSABLE', `${field} cannot be used: ${reason}`, {
    field,
    hint: 'give a certificate in PEM with its chain, and its key in PEM, unencrypted',
    ...(cause === undefined ? {} : { cause }),
  });
}
