// SPDX-License-Identifier: Apache-2.0
import { getSystemErrorName } from 'node:util';

/** A refused system call. `code` is errno by name (`ESRCH`). */
export class NativeError extends Error {
  readonly call: string;
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = errno > 0 ? getSystemErrorName(-errno) : 'UNKNOWN';
    super(`${call}: ${code}`);
    this.name = 'NativeError';
    this.call = call;
    this.code = code;
  }
}
