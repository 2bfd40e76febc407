// SPDX-License-Identifier: Apache-2.0
/**
 * The names in an environment block, as its bytes come in. What stands after a `=` is passed over and never kept (I10);
 * of a text without one nothing is kept either, since it may be a value that somebody moved there.
 */
import { isSecretName, LONGEST_NAME } from './secret-names.ts';

/** Names of secrets that are told; one is enough. */
export const MOST_NAMES = 32;

const NUL = 0;
const EQUALS = 0x3d;

export class EnvironScan {
  /** Of the name that is being read; longer ones are no names of secrets. */
  readonly #name = Buffer.alloc(LONGEST_NAME + 1);
  readonly #names = new Set<string>();
  #length = 0;
  #inValue = false;
  #variables = 0;
  #bytes = 0;
  #overwritten = false;

  /** In order, at any boundaries. */
  take(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    for (const byte of bytes) this.#take(byte);
  }

  /** Something between what was taken and what comes is not there. */
  skip(): void {
    // What comes may be the rest of a value.
    this.#length = 0;
    this.#inValue = true;
  }

  /** Secret names, sorted, the first of them. */
  get names(): readonly string[] {
    return [...this.#names].sort().slice(0, MOST_NAMES);
  }

  get variables(): number {
    return this.#variables;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Zeros where a variable has to be: its owner wrote over it. */
  get isOverwritten(): boolean {
    return this.#overwritten;
  }

  #take(byte: number): void {
    if (byte === NUL) {
      if (this.#length === 0 && !this.#inValue) this.#overwritten = true;
      this.#length = 0;
      this.#inValue = false;
    } else if (!this.#inValue && byte === EQUALS) {
      this.#inValue = true;
      this.#named();
    } else if (!this.#inValue) {
      if (this.#length < this.#name.length) this.#name[this.#length] = byte;
      this.#length += 1;
    }
  }

  #named(): void {
    this.#variables += 1;
    if (this.#length > LONGEST_NAME || this.#names.size > MOST_NAMES * 8) return;
    const name = this.#name.toString('latin1', 0, this.#length);
    if (isSecretName(name)) this.#names.add(name);
  }
}
