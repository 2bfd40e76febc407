// SPDX-License-Identifier: Apache-2.0
/**
 * How SSH writes values side by side (RFC 4251 section 5). Reading is strict: what is too short, or is not said to be there, is refused.
 */

/** Gives undefined, once and for good, where the bytes end too early: look at the end, `atEnd`, and a single test does. */
export class SshReader {
  readonly #bytes: Buffer;
  #at = 0;
  #broken = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Everything was read, and nothing was missing. */
  get atEnd(): boolean {
    return !this.#broken && this.#at === this.#bytes.length;
  }

  /** So many bytes. */
  take(count: number): Buffer | undefined {
    if (this.#broken || count > this.#bytes.length - this.#at) {
      this.#broken = true;
      return undefined;
    }
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  uint32(): number | undefined {
    return this.take(4)?.readUInt32BE(0);
  }

  /** A `string`: its length, then so many bytes of anything. */
  string(): Buffer | undefined {
    const length = this.uint32();
    return length === undefined ? undefined : this.take(length);
  }
}

/** Each as a `string`. */
export function sshStrings(...parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
