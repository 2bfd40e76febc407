// SPDX-License-Identifier: Apache-2.0
/** A file as it shall lie in a folder, and what says that one lies there already. */

export interface WantedFile {
  /** A name, no path. */
  readonly name: string;
  readonly bytes: Buffer;
  /** Permission bits, exactly these whatever the umask. */
  readonly mode: number;
  /** Undefined: whoever the helper runs as. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /**
   * What the bytes were made from, where the same makes other bytes each time (the salts of a PKCS#12 file): compared
   * in their place.
   */
  readonly madeFrom?: string;
}

/** Every file of one set is replaced in the same instant. */
export type WantedSet = readonly [WantedFile, ...WantedFile[]];
