// SPDX-License-Identifier: Apache-2.0
/**
 * An X.509-SVID of the daemon itself as the certificate of a listener (SPIFFE Federation section 5.2.2: FED-08): minted by the
 * authority that signs now, renewed at half of its life, and replaced at once when another authority signs. The key is
 * made here, stays in this process, and is nobody's column or file.
 */
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { renewAt } from '../rotation/schedule.ts';
import { Scheduler } from '../rotation/scheduler.ts';
import type { Logger } from '../telemetry/logger.ts';
import { toPem } from '../x509/pem.ts';
import type { CertificateSource, ServerCertificate } from './listener.ts';

export interface OwnSvid {
  /** DER, leaf first. */
  readonly chain: readonly Buffer[];
  readonly privateKeyPkcs8: Buffer;
  readonly issuedAt: number;
  readonly notAfter: number;
  readonly cutShortBy: number | undefined;
}

export interface SvidCertificateOptions {
  readonly mint: () => Promise<OwnSvid>;
  /** Called when another authority signs from now on. */
  readonly onSignerChange: (listener: () => void) => () => void;
  /** Called when the wall clock jumped. */
  readonly onClockJump: (listener: () => void) => () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class SvidCertificate implements CertificateSource {
  readonly #options: SvidCertificateOptions;
  readonly #scheduler: Scheduler;
  readonly #listeners = new Set<() => void>();
  readonly #forget: readonly (() => void)[];
  #pair: ServerCertificate | undefined;
  /** Undefined: at once. */
  #renewAt: number | undefined;
  #signerChanges = 0;
  #notAfter = 0;

  /** Resolves also when none could be minted: that is tried again, and meanwhile no handshake succeeds. */
  static async open(options: SvidCertificateOptions): Promise<SvidCertificate> {
    const certificate = new SvidCertificate(options);
    await certificate.#scheduler.poke();
    return certificate;
  }

  private constructor(options: SvidCertificateOptions) {
    this.#options = options;
    this.#scheduler = new Scheduler({
      clock: options.clock,
      step: () => this.#step(),
      nextAt: () => this.#renewAt,
      onTrouble: ({ error, failures }, retryInMs) =>
        options.log.error({ err: error, failures, retryInMs }, 'the SVID of the HTTPS listener could not be renewed'),
      onRecovered: () => options.log.info({}, 'the SVID of the HTTPS listener is renewed again'),
    });
    this.#forget = [
      options.onSignerChange(() => {
        this.#signerChanges += 1;
        // guard: FED-08 test/https/svid-certificate.test.ts — the old authority may leave the bundle before this SVID ends
        this.#renewAt = undefined;
        void this.#scheduler.poke();
      }),
      options.onClockJump(() => void this.#scheduler.poke()),
    ];
  }

  current(): ServerCertificate | undefined {
    return this.#pair;
  }

  /** Milliseconds UTC; 0 when there is none. */
  get notAfter(): number {
    return this.#notAfter;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    for (const forget of this.#forget) forget();
    this.#listeners.clear();
    await this.#scheduler.close();
  }

  async #step(): Promise<boolean> {
    const { clock, random } = this.#options;
    if (this.#renewAt !== undefined && clock.now() < this.#renewAt) return false;
    const before = this.#signerChanges;
    const svid = await this.#options.mint();
    this.#pair = {
      cert: svid.chain.map((der) => toPem('CERTIFICATE', der)).join(''),
      key: toPem('PRIVATE KEY', svid.privateKeyPkcs8),
    };
    svid.privateKeyPkcs8.fill(0);
    this.#notAfter = svid.notAfter;
    // One minted while the signer changed is already outdated.
    const outdated = before !== this.#signerChanges;
    this.#renewAt = outdated ? undefined : renewAt({ ...svid, fraction: random.fraction() });
    for (const listener of [...this.#listeners]) listener();
    return true;
  }
}
