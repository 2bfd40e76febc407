// SPDX-License-Identifier: Apache-2.0
/**
 * What signs JWT-SVIDs as one: the authority for all, and a second, RSA one for the audiences whose verifiers take nothing
 * else. Each has slots, journal and keys of its own; both are in the bundle (docs/decisions/0014-an-rsa-authority-beside.md).
 */
import type { JwtKeyRecord } from '../store/records.ts';
import { Journal } from './journal.ts';
import { type IssuedToken, JwtAuthority, type JwtAuthorityOptions, type TokenRequest } from './jwt-authority.ts';
import type { AuthorityKeyType } from './key-manager.ts';

export interface RsaOptions {
  readonly keyType: Extract<AuthorityKeyType, 'rsa-2048' | 'rsa-4096'>;
  /** A token that names one of these, character for character, is signed by it. */
  readonly audiences: readonly string[];
}

export interface JwtAuthoritiesOptions extends Omit<JwtAuthorityOptions, 'kind'> {
  readonly rsa: RsaOptions | undefined;
}

export class JwtAuthorities {
  readonly main: JwtAuthority;
  /** Undefined where it is not configured. */
  readonly rsa: JwtAuthority | undefined;
  readonly #rsaAudiences: ReadonlySet<string>;
  #parts: readonly (readonly JwtKeyRecord[])[] = [];
  #keys: readonly JwtKeyRecord[] = [];

  /** As `JwtAuthority.start`. */
  static async start(opts: JwtAuthoritiesOptions): Promise<JwtAuthorities> {
    const main = await JwtAuthority.start(opts);
    try {
      if (opts.rsa === undefined) await retireRsa(opts);
      const rsa = opts.rsa && (await JwtAuthority.start({ ...opts, kind: 'jwt-rsa', keyType: opts.rsa.keyType }));
      return new JwtAuthorities(main, rsa, opts.rsa?.audiences ?? []);
    } catch (error) {
      await main.close();
      throw error;
    }
  }

  private constructor(main: JwtAuthority, rsa: JwtAuthority | undefined, rsaAudiences: readonly string[]) {
    this.main = main;
    this.rsa = rsa;
    this.#rsaAudiences = new Set(rsaAudiences);
  }

  /** Every key that a valid token of ours may carry. The same array until it changes. */
  keys(): readonly JwtKeyRecord[] {
    const parts = [this.main.keys(), ...(this.rsa === undefined ? [] : [this.rsa.keys()])];
    if (parts.length !== this.#parts.length || parts.some((part, i) => part !== this.#parts[i])) {
      this.#parts = parts;
      this.#keys = parts.flat();
    }
    return this.#keys;
  }

  /** What signs a token for these audiences. Throws Failure('unavailable') when it cannot. */
  active(audiences: readonly string[]): { readonly authorityId: string } {
    return this.#for(audiences).active();
  }

  mintToken(request: TokenRequest): Promise<IssuedToken> {
    return this.#for('audiences' in request ? request.audiences : []).mintToken(request);
  }

  /** The least that either asks for. */
  get refreshHintSeconds(): number {
    return Math.min(this.main.refreshHintSeconds, this.rsa?.refreshHintSeconds ?? Number.POSITIVE_INFINITY);
  }

  onChange(listener: () => void): () => void {
    const undo = [this.main.onChange(listener), this.rsa?.onChange(listener)];
    return () => {
      for (const one of undo) one?.();
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.main.close(), this.rsa?.close()]);
  }

  /** Never the main one in its place: such a verifier would refuse the token. */
  #for(audiences: readonly string[]): JwtAuthority {
    const { rsa } = this;
    return rsa !== undefined && audiences.some((audience) => this.#rsaAudiences.has(audience)) ? rsa : this.main;
  }
}

/** It was switched off: its keys leave the bundle with a number of their own (BUN-03), and are deleted. */
async function retireRsa({ store, keyManager, clock, log }: JwtAuthoritiesOptions): Promise<void> {
  const journal = new Journal(store, 'jwt-rsa');
  const gone = journal.records;
  const [first] = gone;
  if (first === undefined) return;
  await journal.replace([], first.id, 'configuration', clock.now());
  log.warn(
    { authorityIds: gone.map(({ id }) => id), bundleSequence: journal.sequence },
    'the RSA authority for JWT-SVIDs is switched off: its keys have left the bundle, and its tokens are refused',
  );
  for (const { keyRef } of gone) {
    await keyManager.remove(keyRef).catch((err: unknown) => {
      log.warn({ keyRef, err }, 'a key that no authority uses could not be removed');
    });
  }
}
